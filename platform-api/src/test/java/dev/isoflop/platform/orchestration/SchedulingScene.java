package dev.isoflop.platform.orchestration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.db.run.NewRun;
import dev.isoflop.db.scheduling.UsageStore;
import dev.isoflop.db.testing.DatabaseTest;
import dev.isoflop.platform.scheduling.Budgets;
import dev.isoflop.platform.scheduling.Scheduler;
import dev.isoflop.protocol.job.CommandSpec;
import dev.isoflop.protocol.job.JobResult;
import dev.isoflop.protocol.job.JobSpec;
import dev.isoflop.protocol.runner.ClaimGrant.Assignment;
import dev.isoflop.protocol.runner.ClaimRequest;
import dev.isoflop.protocol.runner.Directives.Intent;
import dev.isoflop.protocol.runner.FinishAttempt;
import dev.isoflop.protocol.runner.FinishAttempt.Outcome;
import dev.isoflop.protocol.runner.RegisterRunner;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import tools.jackson.databind.json.JsonMapper;

/** What the tests of scheduling are made of: a pool, experiments with runs, runners with GPUs, and looks at what became of them. */
@DatabaseTest
abstract class SchedulingScene {

    static final long GIB = 1L << 30;

    final Orchestra on = Orchestra.get();
    final Scheduler scheduler = on.context.getBean(Scheduler.class);
    final UsageStore usage = on.context.getBean(UsageStore.class);
    final Budgets budgets = on.context.getBean(Budgets.class);
    final String pool = Orchestra.newPool();

    // --- making things

    List<Long> pretrain(long sweep, int priority, int n) {
        return IntStream.range(0, n)
                .mapToObj(i -> queue(sweep, "pretrain", priority, 0, 0, 1e12, 100))
                .toList();
    }

    long queue(long sweep, String kind, int priority, long memory, int gpus, double flops, long steps) {
        JobSpec job = kind.equals("command")
                ? new CommandSpec(
                        List.of("true"), Map.of(), Map.of(), List.of(), List.of(), List.of(), memory, gpus, "", "c", 1)
                : ClaimTests.pretrain("none");
        return on.inTransaction(() -> on.runs.create(new NewRun(
                sweep,
                "run-" + UUID.randomUUID(),
                kind,
                JsonMapper.shared().writerFor(JobSpec.class).writeValueAsString(job),
                pool,
                priority,
                null,
                memory,
                new NewRun.Size(1, 1, 1, flops, flops, flops, 1, steps),
                1L,
                0.01,
                null,
                NewRun.Retries.DEFAULT)));
    }

    long experiment(long sweep) {
        return on.jdbc
                .sql("select experiment_id from sweep where id = ?")
                .param(sweep)
                .query(Long.class)
                .single();
    }

    void budget(long sweep, Double flops, Double gpuHours) {
        on.jdbc
                .sql("update experiment set flop_budget = ?, gpu_hour_budget = ? where id = ?")
                .params(java.util.Arrays.asList(flops, gpuHours, experiment(sweep)))
                .update();
    }

    void admit(long sweep, double flops) {
        on.transactions.executeWithoutResult(status -> budgets.admit(experiment(sweep), flops));
    }

    /** Has the experiment run one of its queued runs for that long, alone on the runner. */
    void spend(Host host, long sweep, int seconds) {
        long run = queue(sweep, "pretrain", 1_000, 0, 0, 0, 0);
        Assignment a = host.claimAndStart();
        assertThat(a.runId()).isEqualTo(run);
        on.jdbc
                .sql("delete from lease where runner_id = ? and run_id <> ?")
                .param(host.id)
                .param(run)
                .update();
        on.age(run, seconds);
        on.api.finish(run, 1, succeeded(new JobResult.Pretrained(1, 1, 1, 1, 1, 1, 1, false)));
        scheduler.look();
    }

    void finish(Assignment a, long steps) {
        on.api.finish(a.runId(), a.attempt(), succeeded(new JobResult.Pretrained(1, 1, 1, steps, 1, 1, 1, false)));
    }

    static FinishAttempt succeeded(JobResult result) {
        return new FinishAttempt(Outcome.SUCCEEDED, result, null);
    }

    void waited(long run) {
        on.jdbc
                .sql("update run set not_before = now() - interval '1 minute' where id = ?")
                .param(run)
                .update();
    }

    Host host(int slots, int gpus) {
        String name = "host-" + UUID.randomUUID();
        String instance = UUID.randomUUID().toString();
        List<RegisterRunner.Device> devices = IntStream.range(0, gpus)
                .mapToObj(i -> new RegisterRunner.Device(i, "GPU", 80 * GIB, null, null, null, null))
                .toList();
        long id = on.api
                .register(new RegisterRunner(
                        name,
                        instance,
                        pool,
                        name,
                        1,
                        "test",
                        slots,
                        2,
                        64 * GIB,
                        devices,
                        List.of("pretrain", "data", "command")))
                .runnerId();
        return new Host(id, instance);
    }

    final class Host {
        final long id;
        final String instance;
        final List<Assignment> granted = new ArrayList<>();

        Host(long id, String instance) {
            this.id = id;
            this.instance = instance;
        }

        List<Assignment> claim(int slots) {
            List<Assignment> now = on.api
                    .claim(
                            id,
                            UUID.randomUUID().toString(),
                            new ClaimRequest(slots, 64 * GIB, List.of("pretrain", "data", "command")))
                    .assignments();
            granted.addAll(now);
            return now;
        }

        Assignment claimAndStart() {
            List<Assignment> one = claim(1);
            assertThat(one).hasSize(1);
            on.api.start(one.getFirst().runId(), one.getFirst().attempt());
            return one.getFirst();
        }

        List<dev.isoflop.protocol.runner.Directives.Directive> directives(List<Assignment> observed) {
            return on.new Worker(id, "", instance, pool)
                    .heartbeat(5, observed.toArray(Assignment[]::new))
                    .desired();
        }

        void heartbeat(long step, List<Assignment> observed) {
            var unused = on.new Worker(id, "", instance, pool).heartbeat(step, observed.toArray(Assignment[]::new));
        }
    }

    // --- looking

    List<Intent> intents(Host host, List<Assignment> observed) {
        return host.directives(observed).stream().map(d -> d.intent()).toList();
    }

    Map<Long, Long> experiments(List<Assignment> granted) {
        return granted.stream()
                .collect(Collectors.groupingBy(
                        a -> on.jdbc
                                .sql("select experiment_id from run where id = ?")
                                .param(a.runId())
                                .query(Long.class)
                                .single(),
                        Collectors.counting()));
    }

    <T> T attempt(Assignment a, String column, Class<T> type) {
        return on.jdbc
                .sql("select " + column + " from attempt where run_id = ? and attempt_no = ?")
                .param(a.runId())
                .param(a.attempt())
                .query(type)
                .single();
    }

    double deviceSeconds(long run) {
        return on.jdbc
                .sql("select device_seconds from lease where run_id = ?")
                .param(run)
                .query(Double.class)
                .single();
    }

    List<String> causes(long run) {
        return on.jdbc
                .sql("select cause from run_event where run_id = ? order by id")
                .param(run)
                .query((rs, i) -> rs.getString(1))
                .list();
    }

    int reservations(Host host) {
        return on.jdbc
                .sql("select count(*) from reservation where runner_id = ?")
                .param(host.id)
                .query(Integer.class)
                .single();
    }
}
