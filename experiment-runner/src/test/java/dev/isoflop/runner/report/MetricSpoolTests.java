package dev.isoflop.runner.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.protocol.runner.MetricBatch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetricSpoolTests {

    @TempDir
    Path directory;

    private static void record(MetricSpool spool, long from, long to) throws IOException {
        for (long step = from; step <= to; step++) {
            spool.record("train/loss", step, step == 3 ? Double.NaN : 1.0 / step, step);
        }
    }

    private static List<Long> drain(MetricSpool spool) throws IOException {
        List<Long> steps = new ArrayList<>();
        for (MetricBatch b = spool.oldest(); b != null; b = spool.oldest()) {
            for (MetricBatch.Series s : b.series()) {
                LongStream.of(s.steps()).forEach(steps::add);
            }
            spool.acknowledge(b.seq() + 1);
        }
        return steps;
    }

    private long filesLeft() throws IOException {
        try (Stream<Path> files = Files.exists(directory) ? Files.list(directory) : Stream.empty()) {
            return files.count();
        }
    }

    @Test
    void aBatchStaysTheSameUntilItIsAcknowledged() throws IOException {
        MetricSpool spool = new MetricSpool(directory, 1 << 20);
        record(spool, 1, 10);
        MetricBatch first = spool.oldest();
        record(spool, 11, 20);
        MetricBatch again = spool.oldest();
        assertThat(again.seq()).isEqualTo(first.seq());
        assertThat(again.series().getFirst().steps())
                .isEqualTo(first.series().getFirst().steps())
                .hasSize(10);
    }

    @Test
    void whatDoesNotFitInMemoryGoesToDiskAndComesBackInOrder() throws IOException {
        MetricSpool spool = new MetricSpool(directory, 64 << 20);
        long points = 10L * MetricSpool.BATCH_POINTS + 17;
        record(spool, 1, points);
        assertThat(filesLeft()).isEqualTo(10 - MetricSpool.IN_MEMORY);
        assertThat(drain(spool))
                .isEqualTo(LongStream.rangeClosed(1, points).boxed().toList());
        assertThat(spool.acknowledged()).isEqualTo(spool.recorded()).isEqualTo(points);
        assertThat(filesLeft()).isZero();
    }

    @Test
    void aFullSpoolSaysSoAndLosesNothing() throws IOException {
        MetricSpool spool = new MetricSpool(directory, 1_000_000);
        long points = 20L * MetricSpool.BATCH_POINTS;
        record(spool, 1, 5L * MetricSpool.BATCH_POINTS);
        assertThat(spool.isOverBound()).isFalse();
        record(spool, 5L * MetricSpool.BATCH_POINTS + 1, points);
        assertThat(spool.isOverBound()).isTrue();
        assertThat(drain(spool)).hasSize((int) points);
        assertThat(spool.isOverBound()).isFalse();
    }

    @Test
    void whatTheDiskDoesNotTakeStaysInMemory() throws IOException {
        Path file = Files.writeString(directory.resolve("taken"), "a file where the directory should be");
        MetricSpool spool = new MetricSpool(file, 64 << 20);
        long points = MetricSpool.MOST_UNSPILLED + 5L * MetricSpool.BATCH_POINTS;
        record(spool, 1, points / 2);
        assertThat(spool.isOverBound()).isFalse();
        record(spool, points / 2 + 1, points);
        assertThat(spool.isOverBound()).as("memory has an end, too").isTrue();
        // not element by element as AssertJ would tell: of a million that takes minutes
        assertThat(drain(spool))
                .isEqualTo(LongStream.rangeClosed(1, points).boxed().toList());
        assertThat(spool.isOverBound()).isFalse();
    }

    @Test
    void followsAPlatformThatWaitsForAnEarlierNumber() throws IOException {
        MetricSpool spool = new MetricSpool(directory, 1 << 20);
        record(spool, 1, 5);
        spool.oldest();
        spool.acknowledge(1);
        record(spool, 6, 9);
        assertThat(spool.oldest().seq()).isEqualTo(1);
        spool.follow(0);
        assertThat(spool.oldest().seq()).isZero();
        assertThat(spool.oldest().series().getFirst().steps()).containsExactly(6, 7, 8, 9);
        record(spool, 10, 10);
        spool.acknowledge(1);
        assertThat(spool.oldest().seq()).isEqualTo(1);
    }

    @Test
    void followsAPlatformThatAlreadyHasABatch() throws IOException {
        MetricSpool spool = new MetricSpool(directory, 1 << 20);
        record(spool, 1, 5);
        assertThat(spool.oldest().seq()).isZero();
        spool.follow(1);
        assertThat(spool.oldest()).isNull();
        assertThat(spool.acknowledged()).isEqualTo(5);
    }
}
