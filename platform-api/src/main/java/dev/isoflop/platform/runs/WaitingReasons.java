package dev.isoflop.platform.runs;

import dev.isoflop.platform.orchestration.LeaseSettings;
import dev.isoflop.platform.scheduling.Budgets;
import dev.isoflop.platform.scheduling.Shares;
import dev.isoflop.protocol.api.Views.Waiting;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/**
 * Why a queued run does not run yet: the conditions of a claim ({@code ClaimStore}), asked one after the other against what is known of
 * the pool's runners. It is what held a moment ago: a claim may be under way.
 */
@Component
@Transactional(readOnly = true, propagation = Propagation.MANDATORY)
class WaitingReasons {

    private static final int MOST_COUNTED = 10_000;

    private record Queued(
            String kind,
            String pool,
            int priority,
            long memoryBytes,
            int gpus,
            @Nullable Instant tryAgain,
            int attempts,
            long experiment,
            double remainingFlops,
            @Nullable Long waitsFor,
            @Nullable String waitsForName,
            @Nullable String waitsForState) {}

    /**
     * The pool's runners that were heard from.
     *
     * @param taking those that take the kind
     * @param fitting those of them that are large enough
     */
    private record Pool(int runners, int taking, long largestMemory, int mostGpus, int fitting, int slots, int held) {}

    private final JdbcClient jdbc;
    private final LeaseSettings leases;
    private final Budgets budgets;
    private final Shares shares;
    private final UnwellRunners unwell;

    WaitingReasons(JdbcClient jdbc, LeaseSettings leases, Budgets budgets, Shares shares, UnwellRunners unwell) {
        this.jdbc = jdbc;
        this.leases = leases;
        this.budgets = budgets;
        this.shares = shares;
        this.unwell = unwell;
    }

    /** Nothing for a run that is not queued. */
    Optional<Waiting> of(long run) {
        return queued(run).map(q -> reason(run, q));
    }

    private Waiting reason(long id, Queued run) {
        if (run.waitsFor != null && !"succeeded".equals(run.waitsForState)) {
            return new Waiting(
                    "dependency",
                    "It waits for run %d (%s), which is %s."
                            .formatted(run.waitsFor, run.waitsForName, run.waitsForState),
                    null,
                    0);
        }
        if (run.tryAgain != null) {
            return new Waiting(
                    "back-off",
                    "Attempt %d did not end well; the next one waits a little, longer each time."
                            .formatted(run.attempts),
                    run.tryAgain,
                    0);
        }
        Optional<String> overBudget = budgets.refusal(run.experiment, run.remainingFlops);
        if (overBudget.isPresent()) {
            return waits("budget", overBudget.get(), 0);
        }
        Pool pool = pool(run);
        int ahead = ahead(id, run);
        if (pool.runners == 0) {
            return waits(
                    "no-runner",
                    "No runner of the pool %s is there. Start one with isoflop runner --pool %s; the page of runners says what pools do by themselves."
                            .formatted(run.pool, run.pool),
                    ahead);
        }
        if (pool.taking == 0) {
            return waits(
                    "wrong-kind",
                    "None of the %s of the pool %s takes runs of kind %s."
                            .formatted(runners(pool.runners), run.pool, run.kind),
                    ahead);
        }
        if (pool.fitting == 0 && run.memoryBytes > pool.largestMemory) {
            return waits(
                    "too-large",
                    "It needs %s of memory; the largest runner of the pool %s that takes such runs has %s."
                            .formatted(gib(run.memoryBytes), run.pool, gib(pool.largestMemory)),
                    ahead);
        }
        if (pool.fitting == 0) {
            return waits(
                    "too-large",
                    "It asks for %d GPUs; no runner of the pool %s with enough memory has more than %d."
                            .formatted(run.gpus, run.pool, pool.mostGpus),
                    ahead);
        }
        Optional<Waiting> unwell = this.unwell.reason(id, ahead);
        if (unwell.isPresent()) {
            return unwell.get();
        }
        Optional<Waiting> room = room(id, run, ahead);
        if (room.isPresent()) {
            return room.get();
        }
        if (pool.held >= pool.slots) {
            return waits(
                    "busy",
                    "All %d slots of the %s that could take it are in use; %s."
                            .formatted(pool.slots, runners(pool.fitting), before(ahead)),
                    ahead);
        }
        Optional<String> others = othersBefore(run);
        if (others.isPresent()) {
            return waits("fair-share", others.get(), ahead);
        }
        if (ahead > 0) {
            return waits(
                    "ahead",
                    "%s, by priority and then by age; memory or GPUs for it may still be in use."
                            .formatted(capitalised(before(ahead))),
                    ahead);
        }
        return waits("next", "It is the next of its pool: a runner takes it once its memory or GPUs are free.", 0);
    }

    /** Room that is being made, for it or for another run. */
    private Optional<Waiting> room(long id, Queued run, int ahead) {
        record Reserved(long run, int priority, String runner, int stopping) {}
        List<Reserved> reserved = jdbc.sql("""
                        select r.id, r.priority, n.name,
                            (select count(*) from lease l join run v on v.id = l.run_id where l.runner_id = n.id and v.stop_for = r.id)
                        from reservation v join run r on r.id = v.run_id join runner n on n.id = v.runner_id
                        where n.pool = ? and v.until > now() and r.state = 'queued' order by (r.id = ?) desc, r.priority desc, r.id
                        """)
                .param(run.pool)
                .param(id)
                .query((rs, i) -> new Reserved(rs.getLong(1), rs.getInt(2), rs.getString(3), rs.getInt(4)))
                .list();
        if (reserved.isEmpty()) {
            return Optional.empty();
        }
        Reserved first = reserved.getFirst();
        if (first.run == id) {
            return Optional.of(waits(
                    "room",
                    first.stopping > 0
                            ? "Runner %s makes room for it: %s of a lower priority %s asked to checkpoint and stop."
                                    .formatted(first.runner, runs(first.stopping), first.stopping == 1 ? "was" : "were")
                            : "Runner %s is being emptied for it: nothing new of its priority or below starts there."
                                    .formatted(first.runner),
                    ahead));
        }
        return first.priority < run.priority || reserved.size() < runnersOf(run.pool)
                ? Optional.empty()
                : Optional.of(waits(
                        "room",
                        "Runner %s is being emptied for run %d, which needs more of it at once than is free."
                                .formatted(first.runner, first.run),
                        ahead));
    }

    private int runnersOf(String pool) {
        return jdbc.sql("select count(*) from runner where pool = ? and last_seen > now() - make_interval(secs => ?)")
                .param(pool)
                .param(leases.ttl().toMillis() / 1e3)
                .query(Integer.class)
                .single();
    }

    /** Other experiments whose runs of the same priority are served first, since they have had less. */
    private Optional<String> othersBefore(Queued run) {
        List<Shares.Turn> before = new ArrayList<>();
        for (Shares.Turn turn : shares.turns(run.pool)) {
            if (turn.priority() != run.priority) {
                continue;
            }
            if (turn.experiment() == run.experiment) {
                return before.isEmpty()
                        ? Optional.empty()
                        : Optional.of(
                                "Fair share: its experiment has had, or is about to have had, %s of the pool%s; %s with less for %s weight %s first."
                                        .formatted(
                                                hours(turn.deviceSeconds()),
                                                turn.weight() == 1
                                                        ? ""
                                                        : String.format(Locale.ROOT, " at weight %.3g", turn.weight()),
                                                before.size() == 1 ? "another" : before.size() + " others",
                                                before.size() == 1 ? "its" : "their",
                                                before.size() == 1 ? "comes" : "come"));
            }
            before.add(turn);
        }
        return Optional.empty();
    }

    private static String hours(double seconds) {
        return seconds < 3600
                ? String.format(Locale.ROOT, "%.1f device minutes", seconds / 60)
                : String.format(Locale.ROOT, "%.1f device hours", seconds / 3600);
    }

    private static String runs(int n) {
        return n == 1 ? "1 run" : n + " runs";
    }

    private static Waiting waits(String code, String reason, int ahead) {
        return new Waiting(code, reason, null, ahead);
    }

    private Optional<Queued> queued(long run) {
        return jdbc.sql("""
                        select r.kind, r.pool, r.priority, r.memory_bytes, r.attempt_no, coalesce(r.experiment_id, 0) as experiment,
                            flops_left(r.flops, r.step, r.steps) as remaining,
                            coalesce(r.gpus, 0) as gpus,
                            case when r.not_before > now() then r.not_before end as try_again,
                            r.waits_for, d.name as waits_for_name, d.state as waits_for_state
                        from run r left join run d on d.id = r.waits_for where r.id = ? and r.state = 'queued'
                        """)
                .param(run)
                .query((rs, i) -> {
                    long waitsFor = rs.getLong("waits_for");
                    return new Queued(
                            rs.getString("kind"),
                            rs.getString("pool"),
                            rs.getInt("priority"),
                            rs.getLong("memory_bytes"),
                            rs.getInt("gpus"),
                            RunRows.nullable(rs, "try_again"),
                            rs.getInt("attempt_no"),
                            rs.getLong("experiment"),
                            rs.getDouble("remaining"),
                            waitsFor == 0 ? null : waitsFor,
                            rs.getString("waits_for_name"),
                            rs.getString("waits_for_state"));
                })
                .optional();
    }

    private Pool pool(Queued run) {
        return jdbc.sql("""
                        with live as (
                            select n.slots, n.memory_bytes, jsonb_array_length(n.devices) as gpus, jsonb_exists(n.kinds, :kind) as takes,
                                (select count(*) from lease l where l.runner_id = n.id) as held
                            from runner n
                            where n.pool = :pool and n.last_seen > now() - make_interval(secs => :heard)
                        )
                        select count(*) as runners, count(*) filter (where takes) as taking,
                            coalesce(max(memory_bytes) filter (where takes), 0) as largest,
                            coalesce(max(gpus) filter (where takes and memory_bytes >= :memory), 0) as most_gpus,
                            count(*) filter (where takes and memory_bytes >= :memory and gpus >= :gpus) as fitting,
                            coalesce(sum(slots) filter (where takes and memory_bytes >= :memory and gpus >= :gpus), 0) as slots,
                            coalesce(sum(held) filter (where takes and memory_bytes >= :memory and gpus >= :gpus), 0) as held
                        from live
                        """)
                .param("kind", run.kind)
                .param("pool", run.pool)
                .param("heard", leases.ttl().toMillis() / 1e3)
                .param("memory", run.memoryBytes)
                .param("gpus", run.gpus)
                .query((rs, i) -> new Pool(
                        rs.getInt("runners"),
                        rs.getInt("taking"),
                        rs.getLong("largest"),
                        rs.getInt("most_gpus"),
                        rs.getInt("fitting"),
                        rs.getInt("slots"),
                        rs.getInt("held")))
                .single();
    }

    /** Runs of the pool of a higher priority, and older ones of its own experiment, up to {@value #MOST_COUNTED}. */
    private int ahead(long id, Queued run) {
        return jdbc.sql("""
                        select count(*) from (
                            select 1 from run r
                            where r.state = 'queued' and r.pool = :pool
                              and (r.priority > :priority
                                   or r.priority = :priority and coalesce(r.experiment_id, 0) in (0, :experiment) and r.id < :id)
                              and r.not_before <= now()
                              and (r.waits_for is null
                                   or exists (select 1 from run d where d.id = r.waits_for and d.state = 'succeeded'))
                            limit :most) before
                        """)
                .param("pool", run.pool)
                .param("priority", run.priority)
                .param("experiment", run.experiment)
                .param("id", id)
                .param("most", MOST_COUNTED)
                .query(Integer.class)
                .single();
    }

    private static String before(int ahead) {
        return switch (ahead) {
            case 0 -> "none is before it";
            case 1 -> "1 run is before it";
            default -> (ahead == MOST_COUNTED ? "at least " : "") + ahead + " runs are before it";
        };
    }

    private static String capitalised(String text) {
        return Character.toUpperCase(text.charAt(0)) + text.substring(1);
    }

    private static String runners(int n) {
        return n == 1 ? "1 runner" : n + " runners";
    }

    private static String gib(long bytes) {
        return bytes < 1L << 30
                ? "%d MiB".formatted(Math.ceilDiv(bytes, 1L << 20))
                : String.format(Locale.ROOT, "%.1f GiB", bytes / (double) (1L << 30));
    }
}
