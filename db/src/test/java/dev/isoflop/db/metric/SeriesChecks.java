package dev.isoflop.db.metric;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.protocol.api.MetricViews;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Heads and drawn series against brute force over the points. */
final class SeriesChecks {

    private SeriesChecks() {}

    static void head(MetricViews.@Nullable Head head, List<MetricOracle.Point> points) {
        List<MetricOracle.Point> finite = finite(points);
        assertThat(head).isNotNull();
        if (head == null) {
            return;
        }
        assertThat(head.count()).isEqualTo(points.size());
        assertThat(head.nonfinite()).isEqualTo(points.size() - finite.size());
        assertThat(head.lastStep()).isEqualTo(points.getLast().step());
        if (finite.isEmpty()) {
            assertThat(head.last()).isNull();
            assertThat(head.min()).isNull();
            assertThat(head.max()).isNull();
        } else {
            assertThat(head.last()).isEqualTo(finite.getLast().value());
            assertThat(head.min()).isEqualTo(min(finite));
            assertThat(head.max()).isEqualTo(max(finite));
        }
    }

    /**
     * Every finite point of the range lies in exactly one bucket: the buckets end at the steps returned, and each one's
     * last, min and max are those of the points after the bucket before.
     */
    static void series(
            MetricReader reader,
            long run,
            String name,
            List<MetricOracle.Point> all,
            long from,
            long to,
            int maxPoints) {
        MetricViews.Series drawn = reader.series(run, name, from, to, maxPoints).orElseThrow();
        List<MetricOracle.Point> points =
                all.stream().filter(p -> p.step() >= from && p.step() <= to).toList();
        List<MetricOracle.Point> finite = finite(points);
        assertThat(drawn.points()).isEqualTo(points.size());
        assertThat(drawn.reduced()).isEqualTo(finite.size() > maxPoints);
        assertThat(drawn.steps().length)
                .isLessThanOrEqualTo(maxPoints)
                .isGreaterThanOrEqualTo(Math.min(finite.size(), maxPoints));
        if (finite.isEmpty()) {
            return;
        }
        assertThat(drawn.steps()[0]).isEqualTo(finite.getFirst().step());
        assertThat(drawn.last()[0]).isEqualTo(finite.getFirst().value());
        assertThat(drawn.min()[0]).isEqualTo(finite.getFirst().value());
        int at = 0;
        for (int b = 0; b < drawn.steps().length; b++) {
            int start = at;
            while (at < finite.size() && finite.get(at).step() <= drawn.steps()[b]) {
                at++;
            }
            List<MetricOracle.Point> bucket = finite.subList(start, at);
            assertThat(bucket).isNotEmpty();
            assertThat(drawn.steps()[b]).isEqualTo(bucket.getLast().step());
            assertThat(drawn.times()[b]).isEqualTo(bucket.getLast().time());
            assertThat(drawn.last()[b]).isEqualTo(bucket.getLast().value());
            assertThat(drawn.min()[b]).isEqualTo(min(bucket));
            assertThat(drawn.max()[b]).isEqualTo(max(bucket));
            assertThat(bucket.size())
                    .isLessThanOrEqualTo(2 + 2 * finite.size() / maxPoints + StoredColumns.BLOCK_POINTS);
        }
        assertThat(at).as("the last point is drawn").isEqualTo(finite.size());
    }

    private static List<MetricOracle.Point> finite(List<MetricOracle.Point> points) {
        return points.stream().filter(p -> Double.isFinite(p.value())).toList();
    }

    private static double min(List<MetricOracle.Point> points) {
        return points.stream().mapToDouble(MetricOracle.Point::value).min().orElseThrow();
    }

    private static double max(List<MetricOracle.Point> points) {
        return points.stream().mapToDouble(MetricOracle.Point::value).max().orElseThrow();
    }
}
