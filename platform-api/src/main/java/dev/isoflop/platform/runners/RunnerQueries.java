package dev.isoflop.platform.runners;

import dev.isoflop.platform.access.ExperimentAccess;
import dev.isoflop.platform.orchestration.LeaseSettings;
import dev.isoflop.protocol.api.Views;
import dev.isoflop.protocol.runner.DeviceSample;
import dev.isoflop.protocol.runner.RegisterRunner;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.json.JsonMapper;

/** Runners as the views have them. */
@Component
class RunnerQueries {

    private static final String SELECT = """
            select n.*, extract(epoch from now() - n.last_seen) as silent,
                   array(select l.run_id
                               from lease l join run r on r.id = l.run_id left join sweep s on s.id = r.sweep_id
                              where l.runner_id = n.id and (s.id is null or not (s.experiment_id = any(:hidden)))
                              order by 1) as runs
              from runner n
            """;

    private final JdbcClient jdbc;
    private final ObjectReader stored;
    private final LeaseSettings leases;
    private final ExperimentAccess access;

    RunnerQueries(JdbcClient jdbc, JsonMapper json, LeaseSettings leases, ExperimentAccess access) {
        this.access = access;
        this.jdbc = jdbc;
        // what a newer platform on the same database has written besides is no reason to show nothing
        this.stored = json.reader().without(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);
        this.leases = leases;
    }

    /** Last heard of first, the latest 200. */
    List<Views.Runner> all() {
        return jdbc.sql(SELECT + " order by n.last_seen desc limit 200")
                .param("hidden", access.hidden().toArray(Long[]::new))
                .query((rs, i) -> view(rs))
                .list();
    }

    Optional<Views.Runner> find(long id) {
        return jdbc.sql(SELECT + " where n.id = :id")
                .param("id", id)
                .param("hidden", access.hidden().toArray(Long[]::new))
                .query((rs, i) -> view(rs))
                .optional();
    }

    private Views.Runner view(ResultSet rs) throws SQLException {
        OffsetDateTime devicesSeen = rs.getObject("devices_seen", OffsetDateTime.class);
        return new Views.Runner(
                rs.getLong("id"),
                rs.getString("name"),
                rs.getString("pool"),
                rs.getString("host"),
                rs.getLong("pid"),
                rs.getString("version"),
                state(rs.getDouble("silent")),
                rs.getInt("slots"),
                rs.getInt("cores"),
                rs.getLong("memory_bytes"),
                devices(
                        rs.getString("devices"),
                        rs.getString("device_samples"),
                        devicesSeen == null ? null : devicesSeen.toInstant()),
                Arrays.stream((Long[]) rs.getArray("runs").getArray()).toList(),
                rs.getObject("registered_at", OffsetDateTime.class).toInstant(),
                rs.getObject("last_seen", OffsetDateTime.class).toInstant());
    }

    private String state(double silentSeconds) {
        if (silentSeconds < leases.suspect().toSeconds()) {
            return "online";
        }
        return silentSeconds < leases.ttl().toSeconds() ? "suspect" : "gone";
    }

    private List<Views.Device> devices(String registered, String samples, @Nullable Instant seen) {
        Map<Integer, DeviceSample> latest = Arrays.stream(
                        stored.forType(DeviceSample[].class).<DeviceSample[]>readValue(samples))
                .collect(Collectors.toMap(DeviceSample::index, Function.identity(), (a, b) -> b));
        return Arrays.stream(
                        stored.forType(RegisterRunner.Device[].class).<RegisterRunner.Device[]>readValue(registered))
                .map(d -> new Views.Device(
                        d.index(),
                        d.name(),
                        d.memoryBytes(),
                        d.pciBusId(),
                        d.multiprocessors(),
                        d.computeCapability(),
                        d.cudaVersion(),
                        state(latest.get(d.index()), seen)))
                .toList();
    }

    private static Views.@Nullable DeviceState state(@Nullable DeviceSample sample, @Nullable Instant seen) {
        return sample == null || seen == null
                ? null
                : new Views.DeviceState(
                        seen,
                        sample.utilisationPercent(),
                        sample.memoryUsedBytes(),
                        sample.powerWatts(),
                        sample.temperatureCelsius(),
                        sample.smClockMhz());
    }
}
