package dev.isoflop.runner;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The wall clock of everything the runner does. {@code -Disoflop.clock.offset-file=PATH} names a file with milliseconds that are added
 * to it, looked at every tenth of a second: how the chaos suite lets the clock of one runner jump. Nothing of the JDK's own sees that;
 * its timeouts and waits go by the monotonic clock.
 *
 * <p>Concurrency: any number of threads. A file that cannot be read leaves the offset as it is.
 */
public final class WallClock {

    private static final long LOOK_MILLIS = 100;

    private static final @Nullable Path FILE = file();
    private static volatile long offsetMillis;

    static {
        if (FILE != null) {
            look(FILE);
            Thread.ofPlatform().name("clock-offset").daemon().start(() -> follow(FILE));
        }
    }

    private WallClock() {}

    /** Milliseconds since the epoch. */
    public static long millis() {
        return System.currentTimeMillis() + offsetMillis;
    }

    private static @Nullable Path file() {
        String name = System.getProperty("isoflop.clock.offset-file");
        return name == null ? null : Path.of(name);
    }

    private static void follow(Path file) {
        try {
            while (true) {
                look(file);
                Thread.sleep(LOOK_MILLIS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void look(Path file) {
        try {
            offsetMillis = Long.parseLong(Files.readString(file).strip());
        } catch (IOException | NumberFormatException e) {
            // it is being replaced, or gone: the clock goes on as it does
        }
    }
}
