package dev.isoflop.runner;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file whose time of change says when the platform last answered a heartbeat. A health check reads it; to the runner it is of no
 * importance, so a disk that fails is a line in the log and nothing more.
 */
final class HeardFile implements Runnable {

    private static final Logger log = LoggerFactory.getLogger(HeardFile.class);

    private final Path file;
    private final AtomicBoolean complained = new AtomicBoolean();

    private HeardFile(Path file) {
        this.file = file;
    }

    /** @param file nothing is done if there is none */
    static Runnable of(@Nullable Path file) {
        return file == null ? () -> {} : new HeardFile(file);
    }

    @Override
    public void run() {
        try {
            if (!Files.exists(file)) {
                Files.createFile(file);
            }
            Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
        } catch (IOException e) {
            if (!complained.getAndSet(true)) {
                log.warn("{} cannot be written: {}", file, e.toString());
            }
        }
    }
}
