package dev.isoflop.runner;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where the runner's token comes from: its own options, or a file, which a platform may be about to write.
 *
 * @param token given as it is; absent or blank if it is not
 * @param file that has it otherwise, with or without a line's end
 * @param patience how long a file that is not there is waited for
 */
record RunnerToken(@Nullable String token, @Nullable Path file, Duration patience) {

    private static final Logger log = LoggerFactory.getLogger(RunnerToken.class);
    private static final Duration LOOK = Duration.ofMillis(200);

    /** @throws IOException with what to do about it, if there is none */
    String read() throws IOException, InterruptedException {
        if (token != null && !token.isBlank()) {
            return token;
        }
        if (file == null || file.toString().isBlank()) {
            throw new IOException(
                    "No token: set ISOFLOP_TOKEN or give --token (a token of scope runner), or --token-file.");
        }
        long end = System.nanoTime() + patience.toNanos();
        boolean said = false;
        while (true) {
            try {
                String secret = Files.readString(file, StandardCharsets.UTF_8).strip();
                if (!secret.isEmpty()) {
                    return secret;
                }
            } catch (NoSuchFileException e) {
                // not written yet
            } catch (AccessDeniedException e) {
                throw new IOException("The token in " + file + " may not be read by this user.", e);
            }
            if (System.nanoTime() - end >= 0) {
                throw new IOException("No token: " + file + " is not there or empty after " + patience.toSeconds()
                        + " s. A platform writes it with isoflop.token-file.runner.");
            }
            if (!said) {
                said = true;
                log.info("waiting for the token in {}", file);
            }
            Thread.sleep(LOOK);
        }
    }

    /** Not the token. */
    @Override
    public String toString() {
        return "RunnerToken[" + file + "]";
    }
}
