package dev.isoflop.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a dataset is, as {@code dataset.json} beside its files tells it.
 *
 * @param id the directory's name: SHA-256 of the method, the options and the corpus's content
 * @param corpus where the text came from when the dataset was built
 * @param corpusSha256 hash of the names and texts of all documents, in order
 * @param vocabSize tokens of the tokenizer
 * @param validationModulus how documents were held out
 * @param trainTokens tokens in {@value #TRAIN}, an end-of-text token after each document
 * @param validationTokens the same in {@value #VALIDATION}
 * @param trainBytes UTF-8 bytes of the training documents
 * @param validationBytes UTF-8 bytes of the held-out documents
 * @param trainDocuments number of training documents
 * @param validationDocuments number of held-out documents
 * @param bytesPerToken {@code validationBytes / validationTokens}; bits per byte = nats per token / (ln 2 × this)
 * @param endOfTextId the token after each document
 * @param tokenizerHash SHA-256 of {@value #TOKENIZER}
 * @param files the tokenizer and the two bins
 */
public record DatasetManifest(
        String id,
        String corpus,
        String corpusSha256,
        int vocabSize,
        int validationModulus,
        long trainTokens,
        long validationTokens,
        long trainBytes,
        long validationBytes,
        int trainDocuments,
        int validationDocuments,
        double bytesPerToken,
        int endOfTextId,
        String tokenizerHash,
        List<DatasetFile> files) {

    public static final String MANIFEST = "dataset.json";
    public static final String TOKENIZER = "tokenizer.json";
    public static final String TRAIN = "train.bin";
    public static final String VALIDATION = "val.bin";

    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .build();

    /**
     * A file of a dataset.
     *
     * @param name such as {@value #TRAIN}
     * @param sha256 of its content, 64 lower-case hex digits
     * @param bytes its size
     */
    public record DatasetFile(String name, String sha256, long bytes) {

        /** Hashes a file. */
        public static DatasetFile of(Path file) throws IOException {
            MessageDigest digest = newSha256();
            long bytes = 0;
            byte[] buffer = new byte[1 << 16];
            try (InputStream in = Files.newInputStream(file)) {
                for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                    digest.update(buffer, 0, read);
                    bytes += read;
                }
            }
            return new DatasetFile(
                    String.valueOf(file.getFileName()), HexFormat.of().formatHex(digest.digest()), bytes);
        }
    }

    public DatasetManifest {
        files = List.copyOf(files);
    }

    /**
     * Reads {@code dataset.json} of a dataset's directory.
     *
     * @throws IOException if it is missing or not a manifest
     */
    public static DatasetManifest read(Path directory) throws IOException {
        Path file = directory.resolve(MANIFEST);
        try {
            return JSON.readValue(Files.readAllBytes(file), DatasetManifest.class);
        } catch (JacksonException e) {
            throw new IOException(file + " is not a dataset's manifest: " + e.getOriginalMessage(), e);
        }
    }

    /** All files of the dataset in its directory, the manifest last: what another machine needs to fetch. */
    public List<DatasetFile> allFiles(Path directory) throws IOException {
        List<DatasetFile> all = new ArrayList<>(files);
        all.add(DatasetFile.of(directory.resolve(MANIFEST)));
        return List.copyOf(all);
    }

    byte[] toJson() {
        return JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(this);
    }

    static MessageDigest newSha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
