package dev.isoflop.db.runner;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
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

    /**
     * What a runner says of itself; the lists as JSON arrays.
     *
     * @param place where it works: the host and the bus addresses of its GPUs
     */
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
            String kindsJson,
            String place) {}

    /**
     * @param known whether there was a runner of the name before
     * @param replaced whether another process was registered under the name before
     * @param foreign whether the name is that of another token's runner which is alive: nothing was changed
     */
    public record Registered(long runnerId, boolean known, boolean replaced, boolean foreign) {}

    /**
     * Makes or renews the runner of that name and locks its row.
     *
     * @param tokenId that it is registered with
     * @param alive how long after its last word a runner keeps its name from other tokens
     */
    public Registered register(NewRunner runner, @Nullable Long tokenId, Duration alive) {
        // Made first if need be, so that there is a row to lock whichever of two first registrations comes second.
        boolean made = jdbc.sql("""
                        insert into runner (name, instance, pool, host, pid, version, slots, cores, memory_bytes, token_id)
                        values (:name, :instance, :pool, :host, :pid, :version, :slots, :cores, :memory, :token)
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
                        .param("token", tokenId, java.sql.Types.BIGINT)
                        .update()
                == 1;
        record Before(long id, String instance, boolean foreign) {}
        Before before = jdbc.sql("""
                        select id, instance, coalesce(token_id <> :token, false)
                            and last_seen > now() - make_interval(secs => :alive)
                            and exists (select 1 from api_token t where t.id = token_id
                                        and (t.expires_at is null or t.expires_at > now())) as foreign
                        from runner where name = :name for no key update
                        """)
                .param("token", tokenId, java.sql.Types.BIGINT)
                .param("alive", alive.toMillis() / 1e3)
                .param("name", runner.name())
                .query((rs, i) -> new Before(rs.getLong(1), rs.getString(2), rs.getBoolean(3)))
                .single();
        if (before.foreign()) {
            return new Registered(before.id(), true, false, true);
        }
        long id = jdbc.sql("""
                        update runner set instance = :instance, pool = :pool, host = :host, pid = :pid,
                            version = :version, slots = :slots, cores = :cores, memory_bytes = :memory, token_id = :token,
                            devices = :devices::jsonb, kinds = :kinds::jsonb, place = :place, last_seen = now(),
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
                .param("place", runner.place())
                .param("token", tokenId, java.sql.Types.BIGINT)
                .query(Long.class)
                .single();
        return new Registered(id, !made, !made && !before.instance().equals(runner.instance()), false);
    }

    /** The token that a runner is registered with; empty if there is no such runner, or none is known. */
    public Optional<Long> token(long runnerId) {
        return jdbc.sql("select token_id from runner where id = ? and token_id is not null")
                .param(runnerId)
                .query(Long.class)
                .optional();
    }

    /** The token of the runner that an attempt was given to; empty if there is no such attempt, or none is known. */
    public Optional<Long> tokenOfAttempt(long runId, int attempt) {
        return jdbc.sql("""
                        select n.token_id from attempt a join runner n on n.id = a.runner_id
                        where a.run_id = ? and a.attempt_no = ? and n.token_id is not null
                        """).param(runId).param(attempt).query(Long.class).optional();
    }

    /** How a heartbeat was taken. */
    public enum Heard {
        CURRENT,
        /** Another process has registered under the name since. */
        REPLACED,
        UNKNOWN
    }

    /** Rows are locked by rising id before anything is written, so that two that lock several cannot wait for each other. */
    private static final String HEARD = """
            with told as (
                select * from unnest(:ids, :instances, :samples, :troubles) as t (id, instance, samples, trouble)
            ), locked as (
                select r.id, r.instance from runner r where r.id = any(:ids) order by r.id for no key update
            ), me as (
                update runner r set last_seen = now(), trouble = t.trouble, device_samples = coalesce(t.samples::jsonb, r.device_samples),
                    devices_seen = case when t.samples is null then r.devices_seen else now() end
                from locked l join told t on t.id = l.id and t.instance = l.instance
                where r.id = l.id returning r.id, r.devices, t.samples
            ), kept as (
                insert into runner_device_sample
                    (runner_id, device, at, utilisation, memory_used, power, temperature, sm_clock)
                select me.id, s.index, now(), s."utilisationPercent", s."memoryUsedBytes", s."powerWatts",
                       s."temperatureCelsius", s."smClockMhz"
                  from me, jsonb_to_recordset(me.samples::jsonb) as s (
                           index smallint, "utilisationPercent" real, "memoryUsedBytes" bigint,
                           "powerWatts" real, "temperatureCelsius" real, "smClockMhz" int)
                 where s.index in (select (d -> 'index')::int from jsonb_array_elements(me.devices) d)
                    on conflict do nothing
            )
            select l.id, me.id is not null as current""" + ByKey.SETTINGS + " from locked l left join me on me.id = l.id";

    /**
     * A runner's process that has spoken.
     *
     * @param samplesJson {@code DeviceSample[]}, at most one of each device, what its accelerators did; null leaves what is known of them
     * @param trouble why it takes no runs for now
     */
    public record Word(
            long runnerId,
            String instance,
            @Nullable String samplesJson,
            @Nullable String trouble) {}

    /**
     * Notes that runners' processes have spoken, and locks their rows.
     *
     * @param words at most one of each runner
     * @return how each was taken, by runner
     */
    public Map<Long, Heard> heard(Collection<Word> words) {
        Map<Long, Heard> heard = new HashMap<>();
        words.forEach(word -> heard.put(word.runnerId(), Heard.UNKNOWN));
        jdbc.sql(HEARD)
                .param("ids", words.stream().map(Word::runnerId).toArray(Long[]::new))
                .param("instances", words.stream().map(Word::instance).toArray(String[]::new))
                .param("samples", words.stream().map(Word::samplesJson).toArray(String[]::new))
                .param("troubles", words.stream().map(Word::trouble).toArray(String[]::new))
                .query(rs -> {
                    heard.put(rs.getLong(1), rs.getBoolean(2) ? Heard.CURRENT : Heard.REPLACED);
                });
        return heard;
    }

    /**
     * A runner that claims.
     *
     * @param setAside whether its place is, so that nothing is to be granted to it
     */
    public record Claimant(String pool, boolean setAside) {}

    /**
     * Locks the runners' rows, by rising id, so that the claims and registrations of each come one after another.
     *
     * @return by runner; those that are not known are absent
     */
    public Map<Long, Claimant> lock(Collection<Long> runnerIds) {
        Map<Long, Claimant> claimants = new HashMap<>();
        jdbc.sql(
                        "select id, pool, exists (select 1 from place_set_aside a where a.place = runner.place and a.until > now())"
                                + ByKey.SETTINGS + " from runner where id = any(:ids) order by id for no key update")
                .param("ids", runnerIds.toArray(Long[]::new))
                .query(rs -> {
                    claimants.put(rs.getLong(1), new Claimant(rs.getString(2), rs.getBoolean(3)));
                });
        return claimants;
    }
}
