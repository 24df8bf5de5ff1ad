package dev.isoflop.data;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** Takes the documents of a corpus apart into training and validation, and hashes them on the way. For one thread. */
final class Split implements CorpusReader.Sink {

    final List<String> train = new ArrayList<>();
    final List<String> validation = new ArrayList<>();
    long trainBytes;
    long validationBytes;

    private final DatasetOptions options;
    private final MessageDigest digest = DatasetManifest.newSha256();
    private String sha256 = "";

    Split(DatasetOptions options) {
        this.options = options;
    }

    @Override
    public void accept(Document document) {
        byte[] name = document.name().getBytes(UTF_8);
        byte[] text = document.text().getBytes(UTF_8);
        // lengths first: no two corpora may look alike by moving a boundary
        digest.update(ByteBuffer.allocate(16)
                .putLong(name.length)
                .putLong(text.length)
                .flip());
        digest.update(name);
        digest.update(text);
        if (document.isValidation(options.validationModulus())) {
            validation.add(document.text());
            validationBytes += text.length;
        } else {
            train.add(document.text());
            trainBytes += text.length;
        }
    }

    /** Call once, after the last document. @throws CorpusException if one side is empty */
    void check() throws CorpusException {
        sha256 = HexFormat.of().formatHex(digest.digest());
        if (train.isEmpty() || validation.isEmpty()) {
            int documents = train.size() + validation.size();
            throw new CorpusException("the corpus " + options.corpus() + " has " + documents
                    + (documents == 1 ? " document" : " documents") + ", of which the split with modulus "
                    + options.validationModulus() + " leaves none for " + (train.isEmpty() ? "training" : "validation")
                    + "; give more documents or another modulus");
        }
    }

    /** Hash of all names and texts, in order; known after {@link #check}. */
    String sha256() {
        return sha256;
    }
}
