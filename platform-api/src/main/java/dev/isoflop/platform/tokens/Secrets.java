package dev.isoflop.platform.tokens;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Secrets of 256 random bits. Only their SHA-256 is stored: with that much entropy no salt and no slow hash is needed,
 * and looking one up by its hash leaks nothing about it in time.
 */
final class Secrets {

    static final String PREFIX = "isf_";
    private static final int SHOWN = 8;
    private static final SecureRandom RANDOM = new SecureRandom();

    private Secrets() {}

    static byte[] random() {
        byte[] bytes = new byte[32];
        RANDOM.nextBytes(bytes);
        return bytes;
    }

    /** A fresh API token. */
    static String token() {
        return token(random());
    }

    static String token(byte[] bytes) {
        return PREFIX + base64(bytes);
    }

    static String base64(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    /** What is shown of a token to tell it from others. */
    static String shown(String token) {
        return token.substring(0, Math.min(PREFIX.length() + SHOWN, token.length()));
    }

    static String sha256(String secret) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(secret.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }

    /**
     * A token that can be made again from the salt by whoever holds the credential, and by nobody else: a repeated request
     * for a new token is answered alike although the secret is nowhere stored.
     */
    static String derived(String credential, byte[] salt) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(credential.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
            mac.update("isoflop token\n".getBytes(StandardCharsets.UTF_8));
            return token(mac.doFinal(salt));
        } catch (GeneralSecurityException e) {
            throw new AssertionError("every Java platform has HmacSHA256", e);
        }
    }
}
