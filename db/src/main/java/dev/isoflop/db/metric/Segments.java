package dev.isoflop.db.metric;

import dev.isoflop.protocol.api.MetricViews;
import java.util.ArrayList;
import java.util.List;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * Which attempt's points count over which steps. A point of an attempt counts when no later attempt resumed from an
 * earlier step, whoever resumed from whom in between: everything after a step that was gone back to is void.
 *
 * @param list in order of attempt
 */
record Segments(List<Segment> list) {

    /**
     * @param fromStep exclusive; -1 when the attempt began from nothing
     * @param upTo inclusive; {@link Long#MAX_VALUE} when no later attempt wrote
     */
    record Segment(int attempt, long fromStep, long upTo) {

        boolean isEmpty() {
            return upTo <= fromStep;
        }
    }

    static Segments of(JdbcTemplate jdbc, long runId) {
        List<Segment> segments = new ArrayList<>();
        long upTo = Long.MAX_VALUE;
        List<Segment> descending = jdbc.query(
                "select attempt_no, from_step from metric_segment where run_id = ? order by attempt_no desc",
                (row, i) -> new Segment(row.getInt(1), row.getLong(2), Long.MAX_VALUE),
                runId);
        for (Segment segment : descending) {
            segments.addFirst(new Segment(segment.attempt, segment.fromStep, upTo));
            upTo = Math.min(upTo, segment.fromStep);
        }
        return new Segments(List.copyOf(segments));
    }

    /** @param lastStep step at which the newest stretch ends so far */
    List<MetricViews.Segment> views(long lastStep) {
        return list.stream()
                .filter(s -> !s.isEmpty())
                .map(s -> new MetricViews.Segment(
                        s.attempt,
                        Math.max(0, s.fromStep),
                        s.upTo == Long.MAX_VALUE ? Math.max(lastStep, Math.max(0, s.fromStep)) : s.upTo))
                .toList();
    }

    /** SQL values {@code (attempt_no, lo, hi)} of the steps that count within a range; never empty. */
    String values(long from, long to) {
        StringBuilder sql = new StringBuilder("(values (-1, 0::bigint, 0::bigint)");
        for (Segment s : list) {
            long lo = Math.max(s.fromStep + 1, from);
            long hi = Math.min(s.upTo, to);
            if (lo <= hi) {
                sql.append(", (")
                        .append(s.attempt)
                        .append(", ")
                        .append(lo)
                        .append(", ")
                        .append(hi)
                        .append(")");
            }
        }
        return sql.append(") as seg (attempt_no, lo, hi)").toString();
    }
}
