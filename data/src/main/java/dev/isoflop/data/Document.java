package dev.isoflop.data;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * One document of a corpus.
 *
 * @param name what the split into training and validation goes by; stable between reads of the same corpus
 * @param text the whole text
 */
public record Document(String name, String text) {

    /**
     * Whether the document is held out: {@code (md5(name)[0] & 0xff) % modulus == 0}.
     *
     * <p>It goes by the name alone, so a document stays on its side when others come or go.
     */
    public boolean isValidation(int modulus) {
        try {
            byte[] digest = MessageDigest.getInstance("MD5").digest(name.getBytes(UTF_8));
            return (digest[0] & 0xFF) % modulus == 0;
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
