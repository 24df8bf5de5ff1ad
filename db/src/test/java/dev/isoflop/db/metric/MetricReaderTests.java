package dev.isoflop.db.metric;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.db.testing.DatabaseTest;
import dev.isoflop.protocol.api.MetricViews;
import dev.isoflop.protocol.runner.MetricBatch;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Long series, where charts are drawn from blocks. */
@DatabaseTest
class MetricReaderTests {

    private static final MetricDatabase DB = MetricDatabase.get();
    private static final MetricOracle ORACLE = new MetricOracle();
    private static final int POINTS = 250_000;
    private static long run;
    private static List<MetricOracle.Point> points = List.of();

    @BeforeAll
    static void writeALongSeriesInTwoAttempts() {
        SplittableRandom random = new SplittableRandom(7);
        run = DB.newRun();
        write(DB.newAttempt(run, 0), 0, POINTS / 2, random);
        write(DB.newAttempt(run, POINTS / 3), POINTS / 3, POINTS, random);
        points = ORACLE.stitched("long");
    }

    @Test
    void bucketsOfALongSeriesHoldEveryPointOnce() {
        for (int maxPoints : new int[] {2, 10, 333, 1_000, 10_000}) {
            SeriesChecks.series(DB.reader, run, "long", points, 0, Long.MAX_VALUE, maxPoints);
        }
    }

    @Test
    void aRangeIsCutBeforeItIsReduced() {
        SeriesChecks.series(DB.reader, run, "long", points, 12_345, 234_567, 1_000);
        SeriesChecks.series(DB.reader, run, "long", points, POINTS / 3, POINTS / 3 + 1, 1_000);
        SeriesChecks.series(DB.reader, run, "long", points, 101, 101, 1_000);
        SeriesChecks.series(DB.reader, run, "long", points, POINTS * 2, POINTS * 3, 1_000);
    }

    @Test
    void theSameQuestionHasTheSameAnswer() {
        MetricViews.Series first =
                DB.reader.series(run, "long", 0, Long.MAX_VALUE, 500).orElseThrow();
        MetricViews.Series second =
                DB.reader.series(run, "long", 0, Long.MAX_VALUE, 500).orElseThrow();
        assertThat(second.steps()).isEqualTo(first.steps());
        assertThat(second.min()).isEqualTo(first.min());
        assertThat(first.steps()).hasSize(500);
    }

    @Test
    void anUnknownSeriesIsAbsent() {
        assertThat(DB.reader.series(run, "unheard/of", 0, 10, 100)).isEmpty();
        assertThat(DB.reader.series(DB.newRun(), "long", 0, 10, 100)).isEmpty();
    }

    private static void write(int attempt, long resumed, int to, SplittableRandom random) {
        long step = resumed;
        for (int seq = 0; step < to; seq++) {
            int n = (int) Math.min(to - step, seq % 5 == 4 ? 40 : 5_000);
            long[] steps = new long[n];
            double[] values = new double[n];
            long[] times = new long[n];
            for (int i = 0; i < n; i++) {
                steps[i] = ++step;
                times[i] = 1_000 * step;
                values[i] = random.nextInt(1_000) == 0 ? Double.NaN : random.nextDouble();
            }
            MetricBatch batch = new MetricBatch(seq, List.of(new MetricBatch.Series("long", steps, values, times)));
            DB.store.append(run, attempt, batch, () -> {});
            ORACLE.write(attempt, resumed, batch);
        }
    }
}
