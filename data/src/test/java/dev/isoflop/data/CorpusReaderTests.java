package dev.isoflop.data;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.Zstd;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CorpusReaderTests {

    @TempDir
    Path folder;

    @Test
    void jsonLinesAreReadPlainAndPacked() throws IOException {
        String lines =
                "{\"text\":\"one\",\"id\":\"a\"}\n\n{\"id\":7,\"text\":\"two é\"}\r\n{\"text\":\"three\"}\n{\"text\":\"\"}";
        Path plain = Files.writeString(folder.resolve("corpus.jsonl"), lines);
        Path gz = Files.write(folder.resolve("packed.jsonl.gz"), gzip(lines.getBytes(UTF_8)));
        Path zst = Files.write(folder.resolve("packed.JSONL.zst"), Zstd.compress(lines.getBytes(UTF_8)));

        assertThat(read(plain))
                .containsExactly(
                        new Document("a", "one"), new Document("7", "two é"), new Document("corpus.jsonl:4", "three"));
        assertThat(read(gz)).extracting(Document::text).containsExactly("one", "two é", "three");
        assertThat(read(zst)).extracting(Document::text).containsExactly("one", "two é", "three");
    }

    @Test
    void aTextIsCutAtBlankLinesAndLosesNothing() throws IOException {
        StringBuilder text = new StringBuilder("\n\n");
        for (int i = 0; i < 200; i++) {
            text.append("Paragraph ")
                    .append(i)
                    .append(" has a line of some length, ".repeat(4))
                    .append("\nand another.\n")
                    .append(i % 3 == 0 ? "\n \n\n" : "\n");
        }
        Path file = Files.writeString(folder.resolve("book.txt"), text);

        List<Document> documents = read(file);

        assertThat(documents).hasSizeGreaterThan(5);
        assertThat(documents.stream().map(Document::text).collect(Collectors.joining()))
                .isEqualTo(text.toString());
        assertThat(documents.getFirst().name()).isEqualTo("book#1");
        assertThat(documents.get(1).name()).isEqualTo("book#2");
        for (Document document : documents.subList(0, documents.size() - 1)) {
            assertThat(document.text().length()).isBetween(2048, 2048 + 300);
            assertThat(document.text()).endsWith("\n\n");
        }
        for (Document document : documents.subList(1, documents.size())) {
            assertThat(document.text()).startsWith("Paragraph");
        }
    }

    @Test
    void endOfTextLinesCutATextAndAreDropped() throws IOException {
        Path file = Files.writeString(
                folder.resolve("stories.txt"),
                "<|endoftext|>\none\n\nstill one\n<|endoftext|>\ntwo\n<|endoftext|>\n\n");

        assertThat(read(file))
                .containsExactly(new Document("stories#1", "one\n\nstill one\n"), new Document("stories#2", "two\n"));
    }

    @Test
    void aDirectoryIsReadInTheOrderOfItsPaths() throws IOException {
        Files.createDirectories(folder.resolve("sub"));
        Files.writeString(folder.resolve("b.txt"), "bee\n\n\nstill bee");
        Files.writeString(folder.resolve("sub/a.v1.txt"), "a");
        Files.write(folder.resolve("c.txt.gz"), gzip("sea".getBytes(UTF_8)));
        Files.writeString(folder.resolve("d.jsonl"), "{\"text\":\"dee\",\"id\":\"d\"}");
        Files.writeString(folder.resolve("ignored.md"), "no");
        Files.writeString(folder.resolve("empty.txt"), "");

        assertThat(read(folder))
                .containsExactly(
                        new Document("b", "bee\n\n\nstill bee"),
                        new Document("c", "sea"),
                        new Document("d", "dee"),
                        new Document("sub/a.v1", "a"));
    }

    @Test
    void faultsNameFileAndLine() throws IOException {
        assertFault("bad.jsonl", "{\"text\":\"fine\"}\n{\"text\":\n", "bad.jsonl, line 2: not JSON");
        assertFault("bad.jsonl", "{\"body\":\"x\"}", "bad.jsonl, line 1: there is no field \"text\"");
        assertFault("bad.jsonl", "\n{\"text\":3}", "bad.jsonl, line 2: the field \"text\" is not a string");
        assertFault("bad.jsonl", "[1]", "line 1: there is no field \"text\"");
        Files.write(folder.resolve("latin1.txt"), new byte[] {'a', '\n', (byte) 0xE9, '\n'});
        assertThatThrownBy(() -> read(folder.resolve("latin1.txt")))
                .isInstanceOf(CorpusException.class)
                .hasMessageContaining("latin1.txt, line 2: the text is not UTF-8");
        assertThatThrownBy(() -> read(folder.resolve("nowhere")))
                .isInstanceOf(CorpusException.class)
                .hasMessageContaining("there is no corpus at " + folder.resolve("nowhere"));
        assertFault("empty.txt", " \n\n", "there is no document");
    }

    @Test
    void aBrokenArchiveIsTold() throws IOException {
        byte[] packed = gzip("{\"text\":\"one\"}\n".repeat(5000).getBytes(UTF_8));
        Path file = Files.write(folder.resolve("cut.jsonl.gz"), Arrays.copyOf(packed, packed.length / 2));
        assertThatThrownBy(() -> read(file)).isInstanceOf(CorpusException.class).hasMessageContaining("cut.jsonl.gz");
        Path zst = Files.writeString(folder.resolve("not.txt.zst"), "plain text");
        assertThatThrownBy(() -> read(zst)).isInstanceOf(CorpusException.class).hasMessageContaining("not.txt.zst");
    }

    @Test
    void linesLongerThanTheBufferAreWhole() throws IOException {
        String word = "é".repeat(300_000);
        Path file = Files.writeString(folder.resolve("long.jsonl"), "{\"text\":\"" + word + "\"}\n{\"text\":\"end\"}");

        assertThat(read(file)).extracting(Document::text).containsExactly(word, "end");
    }

    @Test
    void thePublishedCorporaAreRead() throws IOException {
        Path corpus = Path.of(System.getProperty("isoflop.shared", "../../shared"), "data/corpus");
        Assumptions.assumeTrue(Files.isDirectory(corpus), "no corpora at " + corpus);
        long[] seen = new long[2];
        CorpusReader.read(corpus.resolve("docs.jsonl.zst"), document -> {
            seen[0]++;
            seen[1] += document.text().getBytes(UTF_8).length;
        });
        assertThat(seen[0]).isEqualTo(19_558);
        assertThat(seen[1]).isBetween(110_000_000L, 125_000_000L);

        Path shakespeare = corpus.resolve("tinyshakespeare.txt");
        List<Document> documents = read(shakespeare);
        assertThat(documents.stream().map(Document::text).collect(Collectors.joining()))
                .isEqualTo(Files.readString(shakespeare));
        assertThat(documents.stream().filter(d -> d.isValidation(12)).count())
                .isBetween(documents.size() / 24L, documents.size() / 6L);
    }

    private void assertFault(String name, String content, String told) throws IOException {
        Path file = Files.writeString(folder.resolve(name), content);
        assertThatThrownBy(() -> read(file)).isInstanceOf(CorpusException.class).hasMessageContaining(told);
    }

    private static List<Document> read(Path path) throws IOException {
        List<Document> documents = new ArrayList<>();
        CorpusReader.read(path, documents::add);
        return documents;
    }

    static byte[] gzip(byte[] bytes) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(bytes);
        }
        return out.toByteArray();
    }
}
