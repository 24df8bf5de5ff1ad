package dev.isoflop.platform.providers.slurm;

import dev.isoflop.platform.providers.ProviderException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Runs a command of the cluster's to its end, with a limit: a {@code slurmctld} that is down lets its clients wait for
 * minutes.
 *
 * <p>Concurrency: both outputs are read while the command runs, each by a thread of its own, so that it never waits for a
 * full pipe.
 */
final class Commands {

    private static final int MOST_BYTES = 64 << 20;
    private static final Executor READERS = task -> Thread.ofVirtual().start(task);

    private final Duration limit;

    Commands(Duration limit) {
        this.limit = limit;
    }

    /** @param errors standard error, in one line */
    record Answer(int status, String output, String errors) {}

    /**
     * @param input for its standard input
     * @param environment added to this process's own
     * @throws ProviderException refused if it could not be started, without an answer if it took too long
     */
    Answer run(List<String> command, Map<String, String> environment, String input) throws ProviderException {
        Process process;
        try {
            ProcessBuilder builder = new ProcessBuilder(command);
            builder.environment().putAll(environment);
            builder.environment().put("LC_ALL", "C");
            process = builder.start();
        } catch (IOException e) {
            throw ProviderException.refused(command.getFirst() + " cannot be run: " + e.getMessage());
        }
        try {
            var output = read(process.getInputStream());
            var errors = read(process.getErrorStream());
            try (var out = process.getOutputStream()) {
                out.write(input.getBytes(StandardCharsets.UTF_8));
            } catch (IOException e) {
                // it did not want all of it; what it says of that is in its answer
            }
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                throw ProviderException.noAnswer(
                        command.getFirst() + " did not answer within " + limit.toSeconds() + " s.");
            }
            return new Answer(
                    process.exitValue(),
                    output.get(5, TimeUnit.SECONDS),
                    errors.get(5, TimeUnit.SECONDS).strip().replaceAll("\\s*\\R\\s*", "; "));
        } catch (ExecutionException | TimeoutException e) {
            throw ProviderException.noAnswer("The answer of " + command.getFirst() + " could not be read: " + e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw ProviderException.noAnswer(command.getFirst() + " was interrupted.");
        } finally {
            process.destroyForcibly();
        }
    }

    private static CompletableFuture<String> read(InputStream stream) {
        return CompletableFuture.supplyAsync(
                () -> {
                    try (stream) {
                        return new String(stream.readNBytes(MOST_BYTES), StandardCharsets.UTF_8);
                    } catch (IOException e) {
                        return "";
                    }
                },
                READERS);
    }
}
