package dev.isoflop.db.metric;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * The heads of one run, inside a transaction that holds the run's fence: nobody else writes them meanwhile.
 */
final class Heads {

    /** Points that count, one row per chunk or per point of what is cut or still in the tail. */
    private static final String RECOMPUTE = """
            with seg as (
                select attempt_no,
                       coalesce(min(from_step) over (order by attempt_no rows between 1 following and unbounded following),
                                9223372036854775807) as upto
                  from metric_segment where run_id = ?
            ), part as (
                select c.metric_id, c.attempt_no, c.step_max as step, c.n, c.nonfinite, c.vmin, c.vmax, c.vlast
                  from metric_chunk c join seg using (attempt_no)
                 where c.run_id = ? and c.metric_id = any(?::int[]) and c.step_max <= seg.upto
                union all
                select c.metric_id, c.attempt_no, p.step, 1, 1 - p.finite, p.v, p.v, p.v
                  from (select run_id, metric_id, attempt_no, step_min, step_max, stride, steps, vals from metric_chunk
                        union all
                        select run_id, metric_id, attempt_no, step_min, null, stride, steps, vals from metric_tail) c
                  join seg using (attempt_no)
                 cross join lateral (
                     select coalesce(c.steps[u.i], c.step_min + (u.i - 1) * c.stride) as step,
                            case when abs(u.v) < 'Infinity' then u.v end as v,
                            case when abs(u.v) < 'Infinity' then 1 else 0 end as finite
                       from unnest(c.vals) with ordinality as u(v, i)) p
                 where c.run_id = ? and c.metric_id = any(?::int[])
                   and c.step_min <= seg.upto and (c.step_max is null or c.step_max > seg.upto)
                   and p.step <= seg.upto
            ), whole as (
                select metric_id, max(step) as last_step, sum(n) as n, sum(nonfinite) as nonfinite,
                       min(vmin) as vmin, max(vmax) as vmax,
                       (array_agg(vlast order by step desc) filter (where vlast is not null))[1] as vlast,
                       (array_agg(attempt_no order by step desc))[1] as attempt_no
                  from part group by metric_id
            )
            insert into metric_head
                   (run_id, metric_id, attempt_no, last_step, last_value, min_value, max_value, n, nonfinite, tail_n)
            select ?, w.metric_id, w.attempt_no, w.last_step, w.vlast, w.vmin, w.vmax, w.n, w.nonfinite,
                   coalesce((select sum(t.n) from metric_tail t
                              where t.run_id = ? and t.metric_id = w.metric_id and t.attempt_no = w.attempt_no), 0)
              from whole w""";

    /**
     * @param lastStep step of the last point that counts, finite or not
     * @param last last finite value, NaN when there is none; so are min and max
     * @param tailPoints points of {@code attempt} that lie in the tail
     */
    record Head(
            int metricId,
            int attempt,
            long lastStep,
            double last,
            double min,
            double max,
            long n,
            long nonfinite,
            int tailPoints) {}

    private final JdbcTemplate jdbc;
    private final long runId;

    Heads(JdbcTemplate jdbc, long runId) {
        this.jdbc = jdbc;
        this.runId = runId;
    }

    Map<Integer, Head> load(Collection<Integer> ids) {
        Map<Integer, Head> heads = new HashMap<>();
        jdbc.query(
                "select metric_id, attempt_no, last_step, last_value, min_value, max_value, n, nonfinite, tail_n"
                        + " from metric_head where run_id = ? and metric_id = any(?::int[])",
                row -> {
                    Head head = new Head(
                            row.getInt(1),
                            row.getInt(2),
                            row.getLong(3),
                            orNaN(row.getObject(4, Double.class)),
                            orNaN(row.getObject(5, Double.class)),
                            orNaN(row.getObject(6, Double.class)),
                            row.getLong(7),
                            row.getLong(8),
                            row.getInt(9));
                    heads.put(head.metricId(), head);
                },
                runId,
                ids.toArray(Integer[]::new));
        return heads;
    }

    int count() {
        Integer count = jdbc.queryForObject("select count(*) from metric_head where run_id = ?", Integer.class, runId);
        return count == null ? 0 : count;
    }

    /** The head once {@code points}, all later than it, follow. */
    static Head after(@Nullable Head before, int metricId, int attempt, PointColumns points, int tailPoints) {
        Bucket all = new Bucket();
        int nonfinite = 0;
        for (int i = 0; i < points.size(); i++) {
            if (Double.isFinite(points.value(i))) {
                all.add(points.step(i), points.time(i), points.value(i));
            } else {
                nonfinite++;
            }
        }
        double last = all.isEmpty() ? Double.NaN : all.last();
        double min = all.isEmpty() ? Double.NaN : all.min();
        double max = all.isEmpty() ? Double.NaN : all.max();
        if (before != null) {
            last = Double.isNaN(last) ? before.last : last;
            min = Double.isNaN(min) ? before.min : Double.isNaN(before.min) ? min : Math.min(min, before.min);
            max = Double.isNaN(max) ? before.max : Double.isNaN(before.max) ? max : Math.max(max, before.max);
        }
        return new Head(
                metricId,
                attempt,
                points.step(points.size() - 1),
                last,
                min,
                max,
                points.size() + (before == null ? 0 : before.n),
                nonfinite + (before == null ? 0 : before.nonfinite),
                tailPoints);
    }

    void store(List<Head> heads) {
        if (heads.isEmpty()) {
            return;
        }
        jdbc.update(
                "insert into metric_head as h (run_id, metric_id, attempt_no, last_step, last_value, min_value, max_value,"
                        + " n, nonfinite, tail_n) select ?, u.* from unnest(?::int[], ?::int[], ?::bigint[], ?::float8[],"
                        + " ?::float8[], ?::float8[], ?::bigint[], ?::bigint[], ?::int[]) as u on conflict (run_id, metric_id)"
                        + " do update set attempt_no = excluded.attempt_no, last_step = excluded.last_step,"
                        + " last_value = excluded.last_value, min_value = excluded.min_value,"
                        + " max_value = excluded.max_value, n = excluded.n, nonfinite = excluded.nonfinite,"
                        + " tail_n = excluded.tail_n",
                runId,
                heads.stream().map(Head::metricId).toArray(Integer[]::new),
                heads.stream().map(Head::attempt).toArray(Integer[]::new),
                heads.stream().map(Head::lastStep).toArray(Long[]::new),
                heads.stream().map(h -> orNull(h.last)).toArray(Double[]::new),
                heads.stream().map(h -> orNull(h.min)).toArray(Double[]::new),
                heads.stream().map(h -> orNull(h.max)).toArray(Double[]::new),
                heads.stream().map(Head::n).toArray(Long[]::new),
                heads.stream().map(Head::nonfinite).toArray(Long[]::new),
                heads.stream().map(Head::tailPoints).toArray(Integer[]::new));
    }

    /**
     * Records that the attempt has begun to write, and takes what it shadows out of the heads.
     *
     * @return whether any head changed
     */
    boolean openSegment(int attempt, long fromStep) {
        jdbc.update(
                "insert into metric_segment (run_id, attempt_no, from_step) values (?, ?, ?) on conflict do nothing",
                runId,
                attempt,
                fromStep);
        List<Integer> shadowed = jdbc.query(
                "select metric_id from metric_head where run_id = ? and last_step > ?",
                (row, i) -> row.getInt(1),
                runId,
                fromStep);
        if (!shadowed.isEmpty()) {
            recompute(shadowed);
        }
        return !shadowed.isEmpty();
    }

    /** Makes heads anew from the points; one without a point that counts disappears. */
    void recompute(Collection<Integer> ids) {
        Integer[] array = ids.toArray(Integer[]::new);
        jdbc.update("delete from metric_head where run_id = ? and metric_id = any(?::int[])", runId, array);
        jdbc.update(RECOMPUTE, runId, runId, array, runId, array, runId, runId);
    }

    static String join(Collection<Integer> ids) {
        return ids.stream().map(String::valueOf).collect(Collectors.joining(","));
    }

    private static double orNaN(@Nullable Double value) {
        return value == null ? Double.NaN : value;
    }

    private static @Nullable Double orNull(double value) {
        return Double.isNaN(value) ? null : value;
    }
}
