package dev.isoflop.db.runner;

import dev.isoflop.db.run.RunTransitioned;
import dev.isoflop.db.run.TransitionPublisher;
import dev.isoflop.protocol.api.RunState;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/**
 * The claim: queued runs become assigned, each with a new attempt, a lease and an event, in one statement.
 *
 * <p>Concurrency: candidates are taken {@code FOR UPDATE SKIP LOCKED}, so claims of different runners never wait for
 * each other and never see the same run. A crash before the commit leaves nothing behind; a reply lost after it is
 * answered again from the stored grant.
 */
@Repository
@Transactional(propagation = Propagation.MANDATORY)
public class ClaimStore {

    private static final String CLAIM = """
            with room as (
                select greatest(0, jsonb_array_length(me.devices) - coalesce((
                    select sum(coalesce((c.spec ->> 'gpus')::int, 0)) from lease l join run c on c.id = l.run_id
                    where l.runner_id = me.id and c.kind = 'command'), 0)) as gpus
                from runner me where me.id = :runner
            ), candidate as (
                select r.id, r.priority, r.memory_bytes,
                    case when r.kind = 'command' then coalesce((r.spec ->> 'gpus')::int, 0) else 0 end as gpus
                from run r
                where r.state = 'queued' and r.pool = :pool and r.kind = any(:kinds) and r.memory_bytes <= :free
                  and r.not_before <= now()
                  and (r.kind <> 'command' or coalesce((r.spec ->> 'gpus')::int, 0) <= (select gpus from room))
                  and (r.waits_for is null
                       or exists (select 1 from run d where d.id = r.waits_for and d.state = 'succeeded'))
                order by r.priority desc, r.id
                limit :slots
                for update of r skip locked
            ), fitting as (
                select id from (
                    select id, sum(memory_bytes) over up_to as together, sum(gpus) over up_to as gpus_together
                    from candidate window up_to as (order by priority desc, id)) c
                where together <= :free and gpus_together <= (select gpus from room)
            ), granted as (
                update run r set state = 'assigned', attempt_no = r.attempt_no + 1, version = r.version + 1,
                    stop_intent = null, stop_deadline = null
                from fitting f where r.id = f.id
                returning r.id, r.attempt_no, r.name, r.kind, r.spec, r.sweep_id, r.priority, r.trace_parent
            ), resume as (
                select g.id as run_id, c.id, c.step, c.train_seconds, c.files
                from granted g cross join lateral (
                    select * from checkpoint where run_id = g.id order by step desc, id desc limit 1) c
            ), new_attempt as (
                insert into attempt (run_id, attempt_no, runner_id, state, resumed_from_step, resume_checkpoint)
                select g.id, g.attempt_no, :runner, 'assigned', coalesce(c.step, 0), c.id
                from granted g left join resume c on c.run_id = g.id
            ), new_lease as (
                insert into lease (run_id, attempt_no, runner_id) select id, attempt_no, :runner from granted
            ), event as (
                insert into run_event (run_id, sweep_id, from_state, to_state, attempt_no, cause)
                select id, sweep_id, 'queued', 'assigned', attempt_no, 'claimed by ' || (select name from runner where id = :runner) from granted
                returning id, run_id, at, cause
            )
            select g.id, g.attempt_no, g.name, g.kind, g.spec, g.sweep_id, e.id as event_id, e.at, e.cause,
                c.step, c.train_seconds, c.files, g.trace_parent
            from granted g join event e on e.run_id = g.id left join resume c on c.run_id = g.id
            order by g.priority desc, g.id
            """;

    private final JdbcClient jdbc;
    private final TransitionPublisher publisher;

    ClaimStore(JdbcClient jdbc, TransitionPublisher publisher) {
        this.jdbc = jdbc;
        this.publisher = publisher;
    }

    /**
     * @param specJson a JobSpec as JSON
     * @param resume last committed checkpoint
     * @param traceParent of the submission, if it was traced
     */
    public record Granted(
            long runId,
            int attempt,
            String name,
            String specJson,
            @Nullable Checkpointed resume,
            @Nullable String traceParent) {}

    /** @param filesJson FileRef[] as JSON */
    public record Checkpointed(long step, double trainSeconds, String filesJson) {}

    /**
     * Grants up to {@code slots} runs of the pool, highest priority first, that together fit into the memory. Commands get as
     * many GPUs as the runner has, all that it holds taken together: a run that waits for one holds no lease, so that another
     * runner may take it, and a pool that scales sees it.
     *
     * @param runnerId whose row the caller has locked
     */
    public List<Granted> claim(long runnerId, String pool, int slots, long freeMemoryBytes, Collection<String> kinds) {
        record Row(Granted granted, RunTransitioned event) {}
        List<Row> rows = jdbc.sql(CLAIM)
                .param("runner", runnerId)
                .param("pool", pool)
                .param("slots", slots)
                .param("free", freeMemoryBytes)
                .param("kinds", kinds.toArray(String[]::new))
                .query((rs, i) -> {
                    long runId = rs.getLong("id");
                    int attempt = rs.getInt("attempt_no");
                    String files = rs.getString("files");
                    long sweep = rs.getLong("sweep_id");
                    Long sweepId = rs.wasNull() ? null : sweep;
                    return new Row(
                            new Granted(
                                    runId,
                                    attempt,
                                    rs.getString("name"),
                                    rs.getString("spec"),
                                    files == null
                                            ? null
                                            : new Checkpointed(
                                                    rs.getLong("step"), rs.getDouble("train_seconds"), files),
                                    rs.getString("trace_parent")),
                            new RunTransitioned(
                                    rs.getLong("event_id"),
                                    runId,
                                    sweepId,
                                    rs.getString("kind"),
                                    RunState.QUEUED,
                                    RunState.ASSIGNED,
                                    attempt,
                                    rs.getString("cause"),
                                    rs.getObject("at", OffsetDateTime.class).toInstant()));
                })
                .list();
        publisher.publishAfterCommit(rows.stream().map(Row::event).toList());
        return rows.stream().map(Row::granted).toList();
    }

    /** What the runner was granted under that key, as JSON. */
    public Optional<String> find(long runnerId, String key) {
        return jdbc.sql("select grant_body from claim where runner_id = ? and claim_key = ?")
                .param(runnerId)
                .param(key)
                .query(String.class)
                .optional();
    }

    /** Remembers a grant under its key. Empty grants need not be: asking again is harmless. */
    public void remember(long runnerId, String key, String grantJson) {
        jdbc.sql("insert into claim (runner_id, claim_key, grant_body) values (?, ?, ?::jsonb)")
                .param(runnerId)
                .param(key)
                .param(grantJson)
                .update();
    }

    /** Forgets grants older than that. */
    public int prune(Duration age) {
        return jdbc.sql("delete from claim where created_at < now() - make_interval(secs => ?)")
                .param((double) age.toSeconds())
                .update();
    }
}
