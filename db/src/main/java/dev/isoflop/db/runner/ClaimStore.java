package dev.isoflop.db.runner;

import dev.isoflop.db.run.RunTransitioned;
import dev.isoflop.db.run.TransitionPublisher;
import dev.isoflop.protocol.api.RunState;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/**
 * The claim: queued runs are picked for runners, then become assigned, each with a new attempt, a lease and an event.
 *
 * <p>Concurrency: candidates are taken {@code FOR UPDATE SKIP LOCKED}, so claims of different transactions never wait for
 * each other and never see the same run. A crash before the commit leaves nothing behind; a reply lost after it is
 * answered again from the stored grant.
 */
@Repository
@Transactional(propagation = Propagation.MANDATORY)
public class ClaimStore {

    private static final String PICK = """
            with room as (
                select greatest(0, jsonb_array_length(me.devices) - coalesce(
                    (select sum(l.gpus) from lease l where l.runner_id = me.id), 0) - :gpusTaken) as gpus
                from runner me where me.id = :runner
            ), kept as (
                select r.id, r.priority from reservation v join run r on r.id = v.run_id
                where v.runner_id = :runner and v.until > now() and r.state = 'queued' and r.not_before <= now() and r.id <> all(:taken)
            ), wanted as (
                select * from unnest(:experiments, :priorities, :quotas, :headrooms)
                    with ordinality as w (experiment, priority, quota, headroom, rank)
            ), candidate as (
                select c.*, w.rank, w.experiment, w.priority, w.headroom from wanted w cross join lateral (
                    select r.id, r.memory_bytes, r.gpus, flops_left(r.flops, r.step, r.steps) as flops
                    from run r
                    where r.state = 'queued' and r.pool = :pool and coalesce(r.experiment_id, 0) = w.experiment
                      and -r.priority = -w.priority and r.kind = any(:kinds) and r.memory_bytes <= :free
                      and r.not_before <= now() and r.id <> all(:taken)
                      and not exists (select 1 from run_avoids v join runner me on me.place = v.place
                                      where v.run_id = r.id and me.id = :runner and v.until > now())
                      and (r.gpus is null or r.gpus <= (select gpus from room))
                      and (r.waits_for is null
                           or exists (select 1 from run d where d.id = r.waits_for and d.state = 'succeeded'))
                      and not exists (select 1 from kept k where k.id <> r.id and k.priority >= r.priority)
                    order by r.id
                    limit w.quota
                    for update of r skip locked) c
            )
            select id, experiment, priority, memory_bytes, gpus, flops from (
                select *, sum(memory_bytes) over up_to as together,
                    coalesce(sum(gpus) over up_to, 0) as gpus_together, row_number() over up_to as nth,
                    sum(flops) over (partition by experiment order by rank, id) as flops_together
                from candidate window up_to as (order by rank, id)) c
            where together <= :free and gpus_together <= (select gpus from room) and nth <= :slots
              and flops_together <= headroom
            order by rank, id
            """;

    private static final String GRANT = """
            with picked as (
                select p.*, c.id as checkpoint, coalesce(c.step, 0) as resume_step, c.train_seconds, c.files
                from unnest(:runs, :runners, :gpus) with ordinality as p (run_id, runner_id, gpus, rank)
                left join lateral (
                    select * from checkpoint k where k.run_id = p.run_id order by k.step desc, k.id desc limit 1) c on true
            ), granted as (
                update run r set state = 'assigned', attempt_no = r.attempt_no + 1, version = r.version + 1,
                    step = p.resume_step, stop_intent = null, stop_deadline = null, stop_for = null
                from picked p where r.id = p.run_id
                returning r.id, r.attempt_no, r.name, r.kind, r.sweep_id, r.experiment_id, r.memory_bytes, r.trace_parent,
                    p.runner_id, p.gpus, p.rank, p.checkpoint, p.resume_step, p.train_seconds, p.files
            ), new_attempt as (
                insert into attempt (run_id, attempt_no, runner_id, state, resumed_from_step, resume_checkpoint)
                select id, attempt_no, runner_id, 'assigned', resume_step, checkpoint from granted
            ), new_lease as (
                insert into lease (run_id, attempt_no, runner_id, gpus, step)
                select id, attempt_no, runner_id, gpus, resume_step from granted
            ), fulfilled as (
                delete from reservation where run_id = any(:runs)
            ), event as (
                insert into run_event (run_id, sweep_id, from_state, to_state, attempt_no, cause)
                select g.id, g.sweep_id, 'queued', 'assigned', g.attempt_no, 'claimed by ' || n.name
                from granted g join runner n on n.id = g.runner_id
                returning id, run_id, at, cause
            )
            select g.*, e.id as event_id, e.at, e.cause, j.spec,
                (select (s.spec ->> 'stallAfterSeconds')::int from sweep s where s.id = g.sweep_id) as stall_after
            from granted g join event e on e.run_id = g.id join run_job j on j.run_id = g.id
            order by g.rank
            """;

    /** Runs that one statement grants: it compares each with each. */
    private static final int MOST_AT_ONCE = 256;

    private final JdbcClient jdbc;
    private final TransitionPublisher publisher;

    ClaimStore(JdbcClient jdbc, TransitionPublisher publisher) {
        this.jdbc = jdbc;
        this.publisher = publisher;
    }

    /**
     * A run that is to be granted; its row is locked.
     *
     * @param experiment it belongs to, 0 if to none
     * @param gpus that it gets for itself; null for a share of the others
     * @param flops that it has left to execute
     */
    public record Picked(
            long runId,
            long runnerId,
            long experiment,
            int priority,
            long memoryBytes,
            @Nullable Integer gpus,
            double flops) {}

    /**
     * @param specJson a JobSpec as JSON
     * @param resume last committed checkpoint
     * @param stallAfterSeconds if its sweep says so
     * @param traceParent of the submission, if it was traced
     */
    public record Granted(
            long runId,
            long runnerId,
            int attempt,
            String name,
            String specJson,
            @Nullable Checkpointed resume,
            @Nullable Integer stallAfterSeconds,
            @Nullable String traceParent) {}

    /** @param filesJson FileRef[] as JSON */
    public record Checkpointed(long step, double trainSeconds, String filesJson) {}

    /**
     * How many runs of one experiment and one priority may be granted.
     *
     * @param experiment 0 for runs that belong to none
     * @param headroomFlops FLOPs that its budget leaves to what is not running yet; infinite without one, negative to
     *     keep even runs without FLOPs from starting
     */
    public record Quota(long experiment, int priority, int runs, double headroomFlops) {}

    /**
     * Picks up to {@code slots} runs of the pool, by the quotas in their order and the oldest of each first, that together fit
     * into the memory and into what the budgets leave. Commands get as many GPUs as the runner has, all that it holds taken
     * together: a run that waits for one holds no lease, so that another runner may take it, and a pool that scales sees it. A
     * runner that is being emptied for a run gets that one, or runs of a higher priority.
     *
     * @param runnerId whose row the caller has locked
     * @param taken what this transaction has picked before
     */
    public List<Picked> pick(
            long runnerId,
            String pool,
            List<Quota> quotas,
            int slots,
            long freeMemoryBytes,
            Collection<String> kinds,
            Collection<Picked> taken) {
        return jdbc.sql(PICK)
                .param("runner", runnerId)
                .param("pool", pool)
                .param("experiments", quotas.stream().map(Quota::experiment).toArray(Long[]::new))
                .param("priorities", quotas.stream().map(Quota::priority).toArray(Integer[]::new))
                .param("quotas", quotas.stream().map(Quota::runs).toArray(Integer[]::new))
                .param("headrooms", quotas.stream().map(Quota::headroomFlops).toArray(Double[]::new))
                .param("slots", slots)
                .param("free", freeMemoryBytes)
                .param("kinds", kinds.toArray(String[]::new))
                .param("taken", taken.stream().map(Picked::runId).toArray(Long[]::new))
                .param(
                        "gpusTaken",
                        taken.stream()
                                .filter(run -> run.runnerId() == runnerId)
                                .mapToInt(run -> run.gpus() == null ? 0 : run.gpus())
                                .sum())
                .query((rs, i) -> new Picked(
                        rs.getLong("id"),
                        runnerId,
                        rs.getLong("experiment"),
                        rs.getInt("priority"),
                        rs.getLong("memory_bytes"),
                        rs.getObject("gpus", Integer.class),
                        rs.getDouble("flops")))
                .list();
    }

    /** Grants what was picked in this transaction, each run to its runner, in that order. */
    public List<Granted> grant(List<Picked> picked) {
        List<Granted> granted = new ArrayList<>(picked.size());
        for (int from = 0; from < picked.size(); from += MOST_AT_ONCE) {
            granted.addAll(grantTogether(picked.subList(from, Math.min(picked.size(), from + MOST_AT_ONCE))));
        }
        return granted;
    }

    private List<Granted> grantTogether(List<Picked> picked) {
        record Row(Granted granted, RunTransitioned event) {}
        List<Row> rows = jdbc.sql(GRANT)
                .param("runs", picked.stream().map(Picked::runId).toArray(Long[]::new))
                .param("runners", picked.stream().map(Picked::runnerId).toArray(Long[]::new))
                .param("gpus", picked.stream().map(Picked::gpus).toArray(Integer[]::new))
                .query((rs, i) -> {
                    long runId = rs.getLong("id");
                    int attempt = rs.getInt("attempt_no");
                    String files = rs.getString("files");
                    return new Row(
                            new Granted(
                                    runId,
                                    rs.getLong("runner_id"),
                                    attempt,
                                    rs.getString("name"),
                                    rs.getString("spec"),
                                    files == null
                                            ? null
                                            : new Checkpointed(
                                                    rs.getLong("resume_step"), rs.getDouble("train_seconds"), files),
                                    rs.getObject("stall_after", Integer.class),
                                    rs.getString("trace_parent")),
                            new RunTransitioned(
                                    rs.getLong("event_id"),
                                    runId,
                                    rs.getObject("sweep_id", Long.class),
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

    /**
     * What runners were granted under keys, as JSON.
     *
     * @param keys by runner
     * @return by runner; those that were granted nothing under their key are absent
     */
    public Map<Long, String> find(Map<Long, String> keys) {
        Map<Long, String> grants = new HashMap<>();
        // one by one, by the key: a join could be planned as a walk through all that was ever granted
        jdbc.sql("""
                        select asked.runner_id, c.grant_body from unnest(:runners, :keys) as asked (runner_id, claim_key)
                        cross join lateral (select grant_body from claim c
                            where c.runner_id = asked.runner_id and c.claim_key = asked.claim_key limit 1) c
                        """)
                .param("runners", keys.keySet().toArray(Long[]::new))
                .param("keys", keys.values().toArray(String[]::new))
                .query(rs -> {
                    grants.put(rs.getLong(1), rs.getString(2));
                });
        return grants;
    }

    /** A grant as it is repeated to the runner that asks with the same key. */
    public record Remembered(long runnerId, String key, String grantJson) {}

    /** Remembers grants under their keys. Empty grants need not be: asking again is harmless. */
    public void remember(List<Remembered> grants) {
        if (grants.isEmpty()) {
            return;
        }
        jdbc.sql("""
                        insert into claim (runner_id, claim_key, grant_body)
                        select g.runner_id, g.claim_key, g.body::json from unnest(:runners, :keys, :bodies) as g (runner_id, claim_key, body)
                        """)
                .param("runners", grants.stream().map(Remembered::runnerId).toArray(Long[]::new))
                .param("keys", grants.stream().map(Remembered::key).toArray(String[]::new))
                .param("bodies", grants.stream().map(Remembered::grantJson).toArray(String[]::new))
                .update();
    }

    /** Forgets grants older than that. */
    public int prune(Duration age) {
        return jdbc.sql("delete from claim where created_at < now() - make_interval(secs => ?)")
                .param((double) age.toSeconds())
                .update();
    }
}
