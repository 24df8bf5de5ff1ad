package dev.isoflop.runner;

import dev.isoflop.protocol.job.FileRef;
import dev.isoflop.runner.platform.PlatformClient;
import dev.isoflop.runner.platform.Retry;
import dev.isoflop.runner.trace.AttemptTrace;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.function.BooleanSupplier;

/** An attempt's files on their way from and to the platform, each repeated until it has arrived or the attempt is stopped. */
final class AttemptFiles {

    private final String label;
    private final PlatformClient platform;
    private final Retry retry;
    private final AttemptTrace trace;
    private final BooleanSupplier stopped;

    AttemptFiles(String label, PlatformClient platform, Retry retry, AttemptTrace trace, BooleanSupplier stopped) {
        this.label = label;
        this.platform = platform;
        this.retry = retry;
        this.trace = trace;
        this.stopped = stopped;
    }

    /** @return false if the attempt was stopped before */
    boolean upload(FileRef ref, Path file) {
        return retry.untilAcknowledged(label + ": upload of " + ref.name(), stopped, () -> {
            if (!platform.hasArtifact(ref.sha256())) {
                trace.request("send file", () -> platform.putArtifact(ref, file));
            }
        });
    }

    /**
     * @return false if the attempt was stopped before
     * @throws IOException if the disk fails, or what comes is not what was asked for
     */
    boolean fetch(FileRef ref, Path target) throws IOException {
        try {
            return retry.untilAcknowledged(
                    label + ": download of " + ref.name(),
                    stopped,
                    () -> trace.request("fetch file", () -> {
                        try {
                            platform.fetchArtifact(ref, target);
                        } catch (IOException e) {
                            throw new UncheckedIOException(e);
                        }
                    }));
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }
}
