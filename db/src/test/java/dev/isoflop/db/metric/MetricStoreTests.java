package dev.isoflop.db.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.isoflop.db.testing.DatabaseTest;
import dev.isoflop.protocol.api.MetricViews;
import dev.isoflop.protocol.runner.MetricBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@DatabaseTest
class MetricStoreTests {

    private final MetricDatabase db = MetricDatabase.get();

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
    void anyMixOfBatchesRepeatsGapsAndResumesReadsAsThePlainOracle(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        MetricOracle oracle = new MetricOracle();
        List<String> names =
                List.of("train/loss", "eval/loss", "p" + seed + "/Ω").subList(0, 1 + random.nextInt(3));
        long run = db.newRun();
        long lastStep = 0;
        for (int a = 0; a < 4; a++) {
            long resumed = a == 0 || random.nextInt(4) == 0 ? 0 : random.nextLong(lastStep + 1);
            int attempt = db.newAttempt(run, resumed);
            long step = resumed;
            int batches = random.nextInt(1, 12);
            for (int seq = 0; seq < batches; seq++) {
                // sometimes the attempt goes back over its own steps
                long start = random.nextInt(6) == 0 ? resumed + (step - resumed) / 2 : step;
                MetricBatch batch = randomBatch(random, seq, names, start);
                if (random.nextInt(5) == 0) {
                    assertThat(append(run, attempt, new MetricBatch(seq + 1 + random.nextInt(3), batch.series())))
                            .isEqualTo(new AppendOutcome.Gap(seq));
                }
                assertThat(append(run, attempt, batch)).isInstanceOf(AppendOutcome.Appended.class);
                if (random.nextInt(3) == 0) {
                    assertThat(append(run, attempt, new MetricBatch(random.nextInt(seq + 1), batch.series())))
                            .isEqualTo(new AppendOutcome.Repeated(seq + 1));
                }
                oracle.write(attempt, resumed, batch);
                for (MetricBatch.Series s : batch.series()) {
                    step = s.steps().length == 0 ? step : Math.max(step, s.steps()[s.steps().length - 1]);
                }
                if (random.nextInt(10) == 0) {
                    db.store.seal(run);
                }
                check(run, names, oracle, random);
            }
            lastStep = step;
        }
    }

    @Test
    void aFoldKeepsEveryPointAndLeavesNoTail() {
        long run = db.newRun();
        int attempt = db.newAttempt(run, 0);
        for (int seq = 0; seq < 9; seq++) {
            append(
                    run,
                    attempt,
                    batch(seq, "m", LongStream.range(seq * 7L, seq * 7L + 7).toArray()));
        }
        assertThat(count("metric_tail", run)).isEqualTo(9);
        db.store.seal(run);
        assertThat(count("metric_tail", run)).isZero();
        assertThat(count("metric_chunk", run)).isEqualTo(1);
        assertThat(series(run, "m").steps())
                .containsExactly(LongStream.range(0, 63).toArray());
        append(run, attempt, batch(9, "m", 63));
        assertThat(series(run, "m").points()).isEqualTo(64);
    }

    @Test
    void manySmallBatchesBecomeChunksOfAThousandPoints() {
        long run = db.newRun();
        int attempt = db.newAttempt(run, 0);
        for (int seq = 0; seq < 45; seq++) {
            append(
                    run,
                    attempt,
                    batch(seq, "m", LongStream.range(seq * 90L, seq * 90L + 90).toArray()));
        }
        assertThat(db.jdbc.queryForList("select n from metric_chunk where run_id = ?", Integer.class, run))
                .contains(1000);
        assertThat(series(run, "m").points()).isEqualTo(4050);
    }

    @Test
    void aBatchThatFailsMidwayStoresNothing() {
        long run = db.newRun();
        int attempt = db.newAttempt(run, 0);
        append(run, attempt, batch(0, "m", 1, 2));
        MetricStore.Fence failsLater = () -> db.jdbc.update("update run set step = 77 where id = ?", run);
        db.jdbc.execute("alter table metric_head add constraint poison check (last_step <> 4242)");
        try {
            assertThatThrownBy(() -> db.store.append(run, attempt, batch(1, "m", 3, 4242), failsLater))
                    .hasMessageContaining("poison");
        } finally {
            db.jdbc.execute("alter table metric_head drop constraint poison");
        }
        assertThat(series(run, "m").steps()).containsExactly(1, 2);
        assertThat(db.jdbc.queryForObject("select step from run where id = ?", Long.class, run))
                .isEqualTo(2);
        assertThat(append(run, attempt, batch(1, "m", 3, 4242))).isInstanceOf(AppendOutcome.Appended.class);
    }

    @Test
    void aStaleAttemptWritesNothing() {
        long run = db.newRun();
        int first = db.newAttempt(run, 0);
        append(run, first, batch(0, "m", 1, 2, 3));
        int second = db.newAttempt(run, 2);
        assertThatThrownBy(() -> append(run, first, batch(1, "m", 4))).isInstanceOf(MetricDatabase.StaleAttempt.class);
        assertThat(series(run, "m").steps()).containsExactly(1, 2, 3);
        append(run, second, batch(0, "other", 3));
        assertThat(series(run, "m").steps()).containsExactly(1, 2);
        assertThat(series(run, "m").segments())
                .containsExactly(new MetricViews.Segment(1, 0, 2), new MetricViews.Segment(2, 2, 2));
    }

    @Test
    void whatAResumeShadowsLeavesTheHeads() {
        long run = db.newRun();
        int first = db.newAttempt(run, 0);
        append(run, first, series(0, "m", new long[] {1, 2, 3}, 5, 9, 1));
        append(run, first, series(1, "late", new long[] {3}, 1));
        int second = db.newAttempt(run, 2);
        append(run, second, series(0, "m", new long[] {3}, 4));
        assertThat(db.reader.heads(run)).containsExactly(new MetricViews.Head("m", 3, 4.0, 4.0, 9.0, 3, 0));
        assertThat(count("metric_tail", run)).as("nothing is deleted").isEqualTo(3);
    }

    @Test
    void aResumeFromBeforeAnEarlierResumeShadowsBoth() {
        long run = db.newRun();
        append(run, db.newAttempt(run, 0), batch(0, "m", 1, 2, 3, 4, 5, 6));
        append(run, db.newAttempt(run, 4), batch(0, "m", 5, 6, 7));
        append(run, db.newAttempt(run, 2), batch(0, "m", 3));
        assertThat(series(run, "m").steps()).containsExactly(1, 2, 3);
        assertThat(series(run, "m").segments())
                .containsExactly(new MetricViews.Segment(1, 0, 2), new MetricViews.Segment(3, 2, 3));
    }

    @Test
    void nonFiniteValuesAreCountedButNotDrawn() {
        long run = db.newRun();
        int attempt = db.newAttempt(run, 0);
        double nan = Double.NaN;
        double inf = Double.POSITIVE_INFINITY;
        append(run, attempt, series(0, "m", new long[] {0, 1, 2, 3, 4}, nan, 2, -inf, 3, inf));
        append(run, attempt, series(1, "none", new long[] {1}, nan));
        assertThat(db.reader.heads(run))
                .containsExactly(
                        new MetricViews.Head("m", 4, 3.0, 2.0, 3.0, 5, 3),
                        new MetricViews.Head("none", 1, null, null, null, 1, 1));
        assertThat(series(run, "m").steps()).containsExactly(1, 3);
        assertThat(series(run, "m").points()).isEqualTo(5);
        assertThat(series(run, "none").steps()).isEmpty();
        assertThat(db.jdbc.queryForList("select unnest(vals) from metric_tail where run_id = ?", Double.class, run))
                .as("as they came")
                .containsExactlyInAnyOrder(nan, 2.0, -inf, 3.0, inf, nan);
    }

    @Test
    void progressOfTheRunFollowsItsNewestValues() {
        long run = db.newRun();
        int attempt = db.newAttempt(run, 0);
        AppendOutcome outcome = append(
                run,
                attempt,
                new MetricBatch(
                        0,
                        List.of(
                                new MetricBatch.Series(
                                        "train/loss", new long[] {1, 2}, new double[] {5, 4}, new long[] {1, 2}),
                                new MetricBatch.Series(
                                        "train/tokens_per_second", new long[] {1}, new double[] {900}, new long[] {1
                                        }))));
        assertThat(outcome).isEqualTo(new AppendOutcome.Appended(1, 3, new AppendOutcome.Progress(2L, 4.0, 900.0)));
        append(run, attempt, series(1, "eval/loss", new long[] {3}, 7));
        assertThat(db.jdbc.queryForMap("select step, train_loss, tokens_per_second from run where id = ?", run))
                .containsEntry("step", 3L)
                .containsEntry("train_loss", 4.0)
                .containsEntry("tokens_per_second", 900.0);
    }

    @Test
    void malformedBatchesAreRefusedWithThePlaceAndNothingIsStored() {
        long run = db.newRun();
        int attempt = db.newAttempt(run, 5);
        assertRefused(run, attempt, batch(0, "m", 6, 6), "/series/0/steps/1");
        assertRefused(run, attempt, batch(0, "m", 5), "/series");
        assertRefused(run, attempt, batch(0, " ", 6), "/series/0/metric");
        assertRefused(run, attempt, batch(0, "x".repeat(201), 6), "/series/0/metric");
        assertRefused(run, attempt, batch(0, "a\u0000b", 6), "/series/0/metric");
        assertRefused(run, attempt, batch(0, "m", -1), "/series/0/steps/0");
        assertRefused(run, attempt, batch(0, "m", LongStream.range(6, 5007).toArray()), "/series");
        assertRefused(run, attempt, new MetricBatch(0, List.of(uneven())), "/series/0");
        assertRefused(
                run,
                attempt,
                new MetricBatch(
                        0,
                        List.of(
                                batch(0, "m", 6).series().getFirst(),
                                batch(0, "m", 7).series().getFirst())),
                "/series/1/metric");
        assertThat(count("metric_tail", run)).isZero();
        assertThat(append(run, attempt, batch(0, "x".repeat(200), 6))).isInstanceOf(AppendOutcome.Appended.class);
        assertThat(append(run, 9, batch(0, "m", 6))).isInstanceOf(AppendOutcome.UnknownAttempt.class);
    }

    @Test
    void aRunHasAtMostTwoThousandSeries() {
        long run = db.newRun();
        int attempt = db.newAttempt(run, 0);
        List<MetricBatch.Series> all = IntStream.range(0, 2000)
                .mapToObj(i -> batch(0, "n" + i, 1).series().getFirst())
                .toList();
        append(run, attempt, new MetricBatch(0, all));
        assertRefused(run, attempt, batch(1, "one-too-many", 2), "/series");
        assertThat(append(run, attempt, batch(1, "n7", 2))).isInstanceOf(AppendOutcome.Appended.class);
    }

    @Test
    void clientsThatWriteAndRepeatAtOnceLoseAndDoubleNothing() throws Exception {
        int runs = 4;
        List<Callable<Void>> work = new ArrayList<>();
        List<Long> ids = new ArrayList<>();
        for (int r = 0; r < runs; r++) {
            long run = db.newRun();
            int attempt = db.newAttempt(run, 0);
            ids.add(run);
            // two clients per run: the second repeats what the first sends, at its own pace
            for (int client = 0; client < 2; client++) {
                work.add(() -> {
                    int seq = 0;
                    while (seq < 30) {
                        int now = seq;
                        List<MetricBatch.Series> columns = IntStream.range(0, 20)
                                .mapToObj(i -> batch(now, "shared" + (now + i) % 40, steps(now))
                                        .series()
                                        .getFirst())
                                .toList();
                        switch (append(run, attempt, new MetricBatch(seq, columns))) {
                            case AppendOutcome.Appended a -> seq = (int) a.nextSeq();
                            case AppendOutcome.Repeated a -> seq = (int) a.nextSeq();
                            case AppendOutcome.Gap g -> throw new AssertionError(g);
                            case AppendOutcome.Invalid i -> throw new AssertionError(i);
                            case AppendOutcome.UnknownAttempt u -> throw new AssertionError(u);
                        }
                    }
                    return null;
                });
            }
        }
        try (ExecutorService pool = Executors.newFixedThreadPool(8)) {
            for (Future<Void> done : pool.invokeAll(work)) {
                done.get();
            }
        }
        for (long run : ids) {
            assertThat(db.reader.heads(run).stream()
                            .mapToLong(MetricViews.Head::count)
                            .sum())
                    .isEqualTo(30L * 20 * 50);
            assertThat(series(run, "shared7").points()).isEqualTo(10L * 50);
        }
    }

    private static long[] steps(int seq) {
        return LongStream.range(seq * 50L, seq * 50L + 50).toArray();
    }

    private void check(long run, List<String> names, MetricOracle oracle, SplittableRandom random) {
        List<MetricViews.Head> heads = db.reader.heads(run);
        for (String name : names) {
            List<MetricOracle.Point> expected = oracle.stitched(name);
            MetricViews.Head head = heads.stream()
                    .filter(h -> h.metric().equals(name))
                    .findFirst()
                    .orElse(null);
            if (expected.isEmpty()) {
                assertThat(head).isNull();
                continue;
            }
            SeriesChecks.head(head, expected);
            long last = expected.getLast().step();
            long from = random.nextLong(last + 2);
            long to = from + random.nextLong(last + 2);
            SeriesChecks.series(db.reader, run, name, expected, 0, Long.MAX_VALUE, 10_000);
            SeriesChecks.series(db.reader, run, name, expected, from, to, 2 + random.nextInt(40));
        }
    }

    private static MetricBatch randomBatch(SplittableRandom random, long seq, List<String> names, long after) {
        List<MetricBatch.Series> series = new ArrayList<>();
        for (String name : names) {
            if (random.nextInt(4) == 0) {
                continue;
            }
            int n = random.nextInt(3) == 0 ? random.nextInt(250, 1_600) : random.nextInt(0, 120);
            boolean regular = random.nextBoolean();
            long stride = 1 + random.nextInt(3);
            long[] steps = new long[n];
            double[] values = new double[n];
            long[] times = new long[n];
            long step = after;
            long time = 1_700_000_000_000L + random.nextLong(1_000_000);
            for (int i = 0; i < n; i++) {
                step += regular ? stride : 1 + random.nextInt(5);
                // now and then a clock that jumps by years
                time += random.nextInt(400) == 0 ? 40_000_000_000L : random.nextInt(2_000);
                steps[i] = step;
                times[i] = time;
                values[i] = switch (random.nextInt(40)) {
                    case 0 -> Double.NaN;
                    case 1 -> Double.POSITIVE_INFINITY;
                    case 2 -> Double.NEGATIVE_INFINITY;
                    default -> random.nextDouble(-5, 5);
                };
            }
            series.add(new MetricBatch.Series(name, steps, values, times));
        }
        return new MetricBatch(seq, series);
    }

    private void assertRefused(long run, int attempt, MetricBatch batch, String pointer) {
        AppendOutcome outcome = append(run, attempt, batch);
        assertThat(outcome).isInstanceOf(AppendOutcome.Invalid.class);
        assertThat(((AppendOutcome.Invalid) outcome).pointer()).isEqualTo(pointer);
    }

    private AppendOutcome append(long run, int attempt, MetricBatch batch) {
        return db.store.append(run, attempt, batch, attempt > 8 ? () -> {} : db.fence(run, attempt));
    }

    private MetricViews.Series series(long run, String name) {
        return db.reader.series(run, name, 0, Long.MAX_VALUE, 10_000).orElseThrow();
    }

    private int count(String table, long run) {
        Integer n = db.jdbc.queryForObject("select count(*) from " + table + " where run_id = ?", Integer.class, run);
        return n == null ? -1 : n;
    }

    private static MetricBatch.Series uneven() {
        return new MetricBatch.Series("m", new long[] {6, 7}, new double[] {1}, new long[] {1, 2});
    }

    private static MetricBatch batch(long seq, String name, long... steps) {
        double[] values = Arrays.stream(steps).mapToDouble(s -> s * 0.5).toArray();
        return series(seq, name, steps, values);
    }

    private static MetricBatch series(long seq, String name, long[] steps, double... values) {
        long[] times = Arrays.stream(steps).map(s -> 1_000 + s).toArray();
        return new MetricBatch(seq, List.of(new MetricBatch.Series(name, steps, values, times)));
    }
}
