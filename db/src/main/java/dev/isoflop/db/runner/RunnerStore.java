package dev.isoflop.db.runner;

import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** Runners as they last registered and were last heard of. */
@Repository
public class RunnerStore {

    private final JdbcClient jdbc;

    RunnerStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /** What a runner says of itself; the lists as JSON arrays. */
    public record NewRunner(
            String name,
            String instance,
            String pool,
            String host,
            long pid,
            String version,
            int slots,
            int cores,
            long memoryBytes,
            String devicesJson,
            String kindsJson) {}

    /** @param replaced whether another process was registered under the name before */
    public record Registered(long runnerId, boolean replaced) {}

    /** Makes or renews the runner of that name and locks its row. */
    public Registered register(NewRunner runner) {
        // Made first if need be, so that there is a row to lock whichever of two first registrations comes second.
        boolean made = jdbc.sql("""
                        insert into runner (name, instance, pool, host, pid, version, slots, cores, memory_bytes)
                        values (:name, :instance, :pool, :host, :pid, :version, :slots, :cores, :memory)
                        on conflict (name) do nothing
                        """)
                        .param("name", runner.name())
                        .param("instance", runner.instance())
                        .param("pool", runner.pool())
                        .param("host", runner.host())
                        .param("pid", runner.pid())
                        .param("version", runner.version())
                        .param("slots", runner.slots())
                        .param("cores", runner.cores())
                        .param("memory", runner.memoryBytes())
                        .update()
                == 1;
        String before = jdbc.sql("select instance from runner where name = ? for no key update")
                .param(runner.name())
                .query(String.class)
                .single();
        long id = jdbc.sql("""
                        update runner set instance = :instance, pool = :pool, host = :host, pid = :pid,
                            version = :version, slots = :slots, cores = :cores, memory_bytes = :memory,
                            devices = :devices::jsonb, kinds = :kinds::jsonb, last_seen = now(),
                            device_samples = case when instance = :instance then device_samples else '[]' end,
                            registered_at = case when instance = :instance then registered_at else now() end
                        where name = :name returning id
                        """)
                .param("name", runner.name())
                .param("instance", runner.instance())
                .param("pool", runner.pool())
                .param("host", runner.host())
                .param("pid", runner.pid())
                .param("version", runner.version())
                .param("slots", runner.slots())
                .param("cores", runner.cores())
                .param("memory", runner.memoryBytes())
                .param("devices", runner.devicesJson())
                .param("kinds", runner.kindsJson())
                .query(Long.class)
                .single();
        return new Registered(id, !made && !before.equals(runner.instance()));
    }

    /** How a heartbeat was taken. */
    public enum Heard {
        CURRENT,
        /** Another process has registered under the name since. */
        REPLACED,
        UNKNOWN
    }

    /**
     * Notes that the runner's process has spoken, and locks its row.
     *
     * @param samplesJson {@code DeviceSample[]}, what its accelerators did; null leaves what is known of them
     */
    public Heard heard(long runnerId, String instance, @Nullable String samplesJson) {
        String samples = samplesJson == null ? "" : ", device_samples = :samples::jsonb, devices_seen = now()";
        JdbcClient.StatementSpec update = jdbc.sql(
                        "update runner set last_seen = now()" + samples + " where id = :id and instance = :instance")
                .param("id", runnerId)
                .param("instance", instance);
        int updated = (samplesJson == null ? update : update.param("samples", samplesJson)).update();
        if (updated == 1) {
            return Heard.CURRENT;
        }
        return lockPool(runnerId).isPresent() ? Heard.REPLACED : Heard.UNKNOWN;
    }

    /** Locks the runner's row, so that its claims and registrations come one after another, and returns its pool. */
    public Optional<String> lockPool(long runnerId) {
        return jdbc.sql("select pool from runner where id = ? for no key update")
                .param(runnerId)
                .query(String.class)
                .optional();
    }
}
