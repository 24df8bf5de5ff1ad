package dev.isoflop.db.runner;

import dev.isoflop.protocol.api.MetricViews;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** What runners' accelerators did, heartbeat by heartbeat, as {@link RunnerStore#heard} adds it. About 100 bytes a device and heartbeat, 1 MB a device and day. */
@Repository
public class DeviceSampleStore {

    private final JdbcClient jdbc;

    DeviceSampleStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /**
     * A device's samples of a time, in order; in buckets if there may be more than wanted. Buckets begin at multiples of
     * their width since the epoch, so that a chart that moves on draws what it has the same way.
     *
     * @param from first moment, included
     * @param to last moment, excluded
     * @param maxPoints most columns answered, give or take the bucket that is cut at either end
     * @param heartbeat pause between two samples
     */
    public MetricViews.DeviceSeries series(
            long runnerId, int device, Instant from, Instant to, int maxPoints, Duration heartbeat) {
        double seconds = Duration.between(from, to).toMillis() / 1e3;
        int bucket =
                seconds / Math.max(1, heartbeat.toSeconds()) <= maxPoints ? 0 : (int) Math.ceil(seconds / maxPoints);
        String sql = bucket == 0 ? """
                  select at, utilisation, memory_used, power, temperature, sm_clock
                    from runner_device_sample
                   where runner_id = :runner and device = :device and at >= :from and at < :to
                   order by at
                  """ : """
                  select max(at) as at, avg(utilisation) as utilisation, max(memory_used) as memory_used,
                         avg(power) as power, max(temperature) as temperature, avg(sm_clock) as sm_clock
                    from runner_device_sample
                   where runner_id = :runner and device = :device and at >= :from and at < :to
                   group by floor(extract(epoch from at) / :bucket)
                   order by 1
                  """;
        List<double[]> rows = new ArrayList<>();
        List<Long> times = new ArrayList<>();
        jdbc.sql(sql)
                .param("runner", runnerId)
                .param("device", device)
                .param("from", from.atOffset(ZoneOffset.UTC))
                .param("to", to.atOffset(ZoneOffset.UTC))
                .param("bucket", bucket)
                .query(rs -> {
                    times.add(
                            rs.getObject("at", OffsetDateTime.class).toInstant().toEpochMilli());
                    rows.add(new double[] {
                        number(rs, "utilisation"),
                        number(rs, "memory_used"),
                        number(rs, "power"),
                        number(rs, "temperature"),
                        number(rs, "sm_clock")
                    });
                });
        return new MetricViews.DeviceSeries(
                bucket,
                times.stream().mapToLong(t -> t).toArray(),
                column(rows, 0),
                column(rows, 1),
                column(rows, 2),
                column(rows, 3),
                column(rows, 4));
    }

    private static double number(ResultSet rs, String column) throws SQLException {
        double value = rs.getDouble(column);
        // two places: the columns are single precision, and a double would show what it does not know
        return rs.wasNull() ? Double.NaN : Math.round(value * 100) / 100.0;
    }

    private static double[] column(List<double[]> rows, int index) {
        return rows.stream().mapToDouble(row -> row[index]).toArray();
    }

    /** Forgets samples older than that. */
    public int prune(Duration age) {
        return jdbc.sql("delete from runner_device_sample where at < now() - make_interval(secs => ?)")
                .param((double) age.toSeconds())
                .update();
    }
}
