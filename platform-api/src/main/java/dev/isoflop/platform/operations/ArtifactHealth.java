package dev.isoflop.platform.operations;

import dev.isoflop.platform.artifacts.ArtifactFiles;
import java.io.IOException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.stereotype.Component;
import org.springframework.util.unit.DataSize;

/**
 * Whether artifacts can be stored: their directory takes a file, and there is room.
 *
 * <p>Concurrency: as {@link DatabaseHealth}.
 */
@Component("artifacts")
class ArtifactHealth implements HealthIndicator {

    private static final long GOOD_FOR_NANOS = 1_000_000_000L;

    private final ArtifactFiles files;
    private final DataSize leastFree;
    private long lookedAt;
    private @Nullable Health last;

    ArtifactHealth(ArtifactFiles files, @Value("${isoflop.artifacts.least-free:256MB}") DataSize leastFree) {
        this.files = files;
        this.leastFree = leastFree;
    }

    @Override
    public synchronized Health health() {
        Health before = last;
        if (before != null && System.nanoTime() - lookedAt < GOOD_FOR_NANOS) {
            return before;
        }
        Health now = look();
        last = now;
        lookedAt = System.nanoTime();
        return now;
    }

    private Health look() {
        try {
            long free = files.probe();
            return (free < leastFree.toBytes() ? Health.down().withDetail("reason", "the disk is full") : Health.up())
                    .withDetail("freeBytes", free)
                    .withDetail("leastFreeBytes", leastFree.toBytes())
                    .build();
        } catch (IOException e) {
            return Health.down()
                    .withDetail(
                            "reason",
                            "the directory cannot be written: "
                                    + e.getClass().getSimpleName().toLowerCase(Locale.ROOT))
                    .build();
        }
    }
}
