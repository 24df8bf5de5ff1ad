package dev.isoflop.data;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.isoflop.data.DatasetManifest.DatasetFile;
import dev.isoflop.data.ProgressListener.Stage;
import dev.isoflop.lm.tokenizer.BpeTrainer;
import dev.isoflop.lm.tokenizer.Tokenizer;
import dev.isoflop.lm.tokens.TokenBinWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * Builds datasets: corpus in, {@code tokenizer.json}, {@code train.bin}, {@code val.bin} and {@code dataset.json} out.
 *
 * <p>A dataset lies in {@code OUTPUT/ID}, where ID is a hash of the corpus's content, the options that matter and the version of the
 * method: the same text and options give the same directory with the same bytes, wherever and with however many threads, and a second
 * build finds the first one's work. The tokenizer is trained on the training documents only, so nothing of the held-out ones leaks
 * into it. Every document is followed by {@code <|endoftext|>}; a document that has these characters in it gets no such token there.
 *
 * <p>The documents are held in memory while a dataset is built: about three times the size of a corpus of English text.
 *
 * <p>Concurrency: builders may run at the same time, in one process or several, on the same directories. Crash: a dataset appears by
 * one rename when all its files are on disk; what a killed build leaves has a name that begins with {@code .build-} and is never read.
 */
public final class DatasetBuilder {

    /** Part of every id: change it when the same corpus and options come to give other bytes. */
    private static final String METHOD = "isoflop-dataset-1";

    private DatasetBuilder() {}

    /**
     * Builds a dataset, or finds it built.
     *
     * @param cacheDir where fetched corpora are kept
     * @param outputRoot where datasets are kept; this one will lie in {@code outputRoot/ID}
     * @throws CorpusException if the corpus cannot be had or read, or has no document on one side of the split
     */
    public static DatasetManifest build(
            DatasetOptions options, Path cacheDir, Path outputRoot, ProgressListener progress)
            throws IOException, InterruptedException {
        Split split = new Split(options);
        switch (options.corpus()) {
            case CorpusSource.Npm npm -> {
                Path texts = new NpmPackages(cacheDir).texts(npm, options.offline(), progress);
                progress.progress(Stage.READ, "reading " + npm);
                CorpusReader.readNpmTexts(texts, split);
            }
            case CorpusSource.LocalPath local -> {
                progress.progress(Stage.READ, "reading " + local);
                CorpusReader.read(local.path(), split);
            }
        }
        split.check();
        String id = id(options, split.sha256());
        Path directory = outputRoot.resolve(id);
        if (isWhole(directory)) {
            progress.progress(Stage.WRITE, "dataset " + id + " was built before");
            return DatasetManifest.read(directory);
        }
        Files.createDirectories(outputRoot);
        Path temporary = Files.createTempDirectory(outputRoot, ".build-");
        try {
            DatasetManifest manifest = write(temporary, id, options, split, progress);
            publish(temporary, directory);
            return manifest;
        } finally {
            Directories.deleteRecursively(temporary);
        }
    }

    private static String id(DatasetOptions options, String corpusSha256) {
        MessageDigest digest = DatasetManifest.newSha256();
        digest.update(String.join(
                        "\n",
                        METHOD,
                        "vocabSize=" + options.vocabSize(),
                        "validationModulus=" + options.validationModulus(),
                        "corpus=" + corpusSha256)
                .getBytes(UTF_8));
        return HexFormat.of().formatHex(digest.digest());
    }

    private static DatasetManifest write(
            Path directory, String id, DatasetOptions options, Split split, ProgressListener progress)
            throws IOException {
        int threads = Runtime.getRuntime().availableProcessors();
        progress.progress(
                Stage.TRAIN_TOKENIZER,
                "training a tokenizer of " + options.vocabSize() + " tokens on " + split.train.size() + " documents, "
                        + split.trainBytes + " bytes");
        Tokenizer tokenizer = BpeTrainer.train(
                new BpeTrainer.Options(options.vocabSize(), List.of(Tokenizer.END_OF_TEXT), 1, threads), split.train);
        if (tokenizer.vocabSize() < options.vocabSize()) {
            throw new CorpusException("the corpus " + options.corpus() + " is too small for a vocabulary of "
                    + options.vocabSize() + ": no pair is left to merge at " + tokenizer.vocabSize());
        }
        int endOfText = tokenizer.endOfText().orElseThrow();
        tokenizer.write(directory.resolve(DatasetManifest.TOKENIZER));

        progress.progress(Stage.ENCODE, "encoding " + (split.train.size() + split.validation.size()) + " documents");
        long trainTokens = encode(tokenizer, split.train, directory.resolve(DatasetManifest.TRAIN), endOfText, threads);
        long validationTokens =
                encode(tokenizer, split.validation, directory.resolve(DatasetManifest.VALIDATION), endOfText, threads);

        progress.progress(Stage.WRITE, trainTokens + " training and " + validationTokens + " validation tokens");
        List<DatasetFile> files = new ArrayList<>();
        for (String name : List.of(DatasetManifest.TOKENIZER, DatasetManifest.TRAIN, DatasetManifest.VALIDATION)) {
            files.add(DatasetFile.of(directory.resolve(name)));
        }
        DatasetManifest manifest = new DatasetManifest(
                id,
                options.corpus().toString(),
                split.sha256(),
                options.vocabSize(),
                options.validationModulus(),
                trainTokens,
                validationTokens,
                split.trainBytes,
                split.validationBytes,
                split.train.size(),
                split.validation.size(),
                (double) split.validationBytes / validationTokens,
                endOfText,
                tokenizer.hash(),
                files);
        try (FileChannel channel = FileChannel.open(
                        directory.resolve(DatasetManifest.MANIFEST),
                        StandardOpenOption.WRITE,
                        StandardOpenOption.CREATE_NEW);
                OutputStream out = Channels.newOutputStream(channel)) {
            out.write(manifest.toJson());
            channel.force(true);
        }
        return manifest;
    }

    /** Documents encoded at a time: bounds the ids held in memory beside the text. */
    private static final int BATCH_CHARS = 1 << 25;

    private static long encode(Tokenizer tokenizer, List<String> documents, Path file, int endOfText, int threads)
            throws IOException {
        try (TokenBinWriter writer = new TokenBinWriter(file, tokenizer.vocabSize())) {
            int from = 0;
            while (from < documents.size()) {
                int to = from;
                long chars = 0;
                while (to < documents.size()
                        && (to == from || chars + documents.get(to).length() <= BATCH_CHARS)) {
                    chars += documents.get(to++).length();
                }
                for (int[] ids : tokenizer.encodeAllOrdinary(documents.subList(from, to), threads)) {
                    int[] ended = Arrays.copyOf(ids, ids.length + 1);
                    ended[ids.length] = endOfText;
                    writer.addDocument(ended);
                }
                from = to;
            }
            writer.commit();
            return writer.tokens();
        }
    }

    /** Whether a dataset lies there with all its files at their sizes; its bins carry hashes of their own for {@link Dataset#open}. */
    private static boolean isWhole(Path directory) throws IOException {
        if (!Files.isRegularFile(directory.resolve(DatasetManifest.MANIFEST))) {
            return false;
        }
        DatasetManifest manifest = DatasetManifest.read(directory);
        for (DatasetFile file : manifest.files()) {
            Path path = directory.resolve(file.name());
            if (!Files.isRegularFile(path) || Files.size(path) != file.bytes()) {
                return false;
            }
        }
        return true;
    }

    private static void publish(Path built, Path directory) throws IOException {
        try {
            Files.move(built, directory, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            if (isWhole(directory)) {
                return; // another builder was faster, with the same bytes
            }
            if (!Files.isDirectory(directory)) {
                throw e;
            }
            // damaged since it was built: these bytes are the same as those were
            Directories.deleteRecursively(directory);
            Files.move(built, directory, StandardCopyOption.ATOMIC_MOVE);
        }
    }
}
