package dev.isoflop.platform.orchestration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.db.run.NewRun;
import dev.isoflop.db.scheduling.LedgerStore;
import dev.isoflop.db.scheduling.UsageStore;
import dev.isoflop.platform.scheduling.Budgets;
import dev.isoflop.platform.scheduling.Scheduler;
import dev.isoflop.platform.scheduling.Shares;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.job.CommandSpec;
import dev.isoflop.protocol.job.JobResult;
import dev.isoflop.protocol.job.JobSpec;
import dev.isoflop.protocol.runner.ClaimGrant.Assignment;
import dev.isoflop.protocol.runner.ClaimRequest;
import dev.isoflop.protocol.runner.Directives.Intent;
import dev.isoflop.protocol.runner.FinishAttempt;
import dev.isoflop.protocol.runner.FinishAttempt.Category;
import dev.isoflop.protocol.runner.FinishAttempt.Outcome;
import dev.isoflop.protocol.runner.RegisterRunner;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

/** Whose run is next, what budgets allow, and who makes room for whom. */
class SchedulingTests {

    private static final long GIB = 1L << 30;

    private final Orchestra on = Orchestra.get();
    private final Scheduler scheduler = on.context.getBean(Scheduler.class);
    private final UsageStore usage = on.context.getBean(UsageStore.class);
    private final Budgets budgets = on.context.getBean(Budgets.class);
    private final String pool = Orchestra.newPool();

    // --- fair share

    @Test
    void slotsAlternateBetweenExperimentsThatHaveHadTheSame() {
        long a = on.sweep();
        long b = on.sweep();
        pretrain(a, 0, 6);
        pretrain(b, 0, 6);
        assertThat(experiments(host(8, 0).claim(6))).isEqualTo(Map.of(experiment(a), 3L, experiment(b), 3L));
    }

    @Test
    void theOneThatHasHadLessDeviceTimeForItsWeightIsServedFirst() {
        long a = on.sweep();
        long b = on.sweep();
        pretrain(a, 0, 20);
        pretrain(b, 0, 20);
        Host host = host(16, 0);
        spend(host, a, 3600);
        assertThat(experiments(host.claim(5)))
                .as("an hour behind, at a minute a run")
                .isEqualTo(Map.of(experiment(b), 5L));
        on.jdbc
                .sql("update experiment set weight = 6 where id = ?")
                .param(experiment(a))
                .update();
        spend(host, b, 300);
        Map<Long, Long> granted = experiments(host.claim(8));
        // a run of a is taken to need an hour, one of b five minutes; a is to have six times the time of b
        double secondsOfA = 3600.0 * (1 + granted.getOrDefault(experiment(a), 0L));
        double secondsOfB = 300.0 * (1 + granted.getOrDefault(experiment(b), 0L));
        assertThat(secondsOfA / 6).as("%s", granted).isCloseTo(secondsOfB, within(600.0));
    }

    @Test
    void longRunsGetFewerSlotsUntilTheHoursAreEven() {
        long slow = on.sweep();
        long fast = on.sweep();
        pretrain(slow, 0, 40);
        pretrain(fast, 0, 40);
        Host host = host(64, 0);
        // each has ended one run, and from then on a run of slow is taken to need nine times the time
        spend(host, slow, 900);
        spend(host, fast, 100);
        Map<Long, Long> granted = experiments(host.claim(28));
        double slowHours = 900 * (1 + granted.getOrDefault(experiment(slow), 0L));
        double fastHours = 100 * (1 + granted.getOrDefault(experiment(fast), 0L));
        assertThat(Math.abs(slowHours - fastHours)).as("%s", granted).isLessThanOrEqualTo(900);
    }

    @Test
    void priorityGoesBeforeShareAndDataBeforeBoth() {
        long poor = on.sweep();
        long rich = on.sweep();
        Host host = host(8, 0);
        pretrain(rich, 1, 1);
        spend(host, rich, 7200);
        pretrain(poor, 0, 2);
        long data = on.run(pool);
        List<Assignment> granted = host.claim(4);
        assertThat(experiments(granted.subList(0, 1))).isEqualTo(Map.of(experiment(rich), 1L));
        assertThat(granted.get(1).runId()).isEqualTo(data);
        assertThat(experiments(granted.subList(2, 4))).isEqualTo(Map.of(experiment(poor), 2L));
    }

    @Test
    void manyExperimentsWhoseRunsFitNobodyDoNotStarveTheOneWhoseRunsFit() {
        for (int i = 0; i < 12; i++) {
            queue(on.sweep(), "pretrain", 5, 900 * GIB, 0, 0, 0);
        }
        long fitting = queue(on.sweep(), "pretrain", 0, GIB, 0, 0, 0);
        assertThat(host(4, 0).claim(1)).extracting(Assignment::runId).containsExactly(fitting);
    }

    @Test
    void whatManyRunnersClaimAtOnceIsSharedAndNeverGrantedTwice() throws Exception {
        List<Long> sweeps = IntStream.range(0, 4).mapToObj(i -> on.sweep()).toList();
        sweeps.forEach(sweep -> pretrain(sweep, 0, 30));
        List<Assignment> granted = new ArrayList<>();
        try (var threads = Executors.newFixedThreadPool(8)) {
            List<Callable<List<Assignment>>> work = IntStream.range(0, 8)
                    .<Callable<List<Assignment>>>mapToObj(i -> () -> {
                        Host host = host(8, 0);
                        List<Assignment> mine = new ArrayList<>();
                        for (int n = 0; n < 5; n++) {
                            mine.addAll(host.claim(2));
                        }
                        return mine;
                    })
                    .toList();
            for (var done : threads.invokeAll(work)) {
                granted.addAll(done.get());
            }
        }
        assertThat(granted).hasSize(80).extracting(Assignment::runId).doesNotHaveDuplicates();
        assertThat(experiments(granted).values()).allSatisfy(n -> assertThat(n).isBetween(14L, 26L));
    }

    // --- accounts and budgets

    @Test
    void deviceTimeIsDividedAmongWhatARunnerHolds() {
        long sweep = on.sweep();
        List<Long> runs = pretrain(sweep, 0, 2);
        Host host = host(4, 2);
        List<Assignment> two = host.claim(2);
        two.forEach(a -> on.api.start(a.runId(), a.attempt()));
        two.forEach(a -> on.age(a.runId(), 100));
        host.heartbeat(10, two);
        // two devices, shared by two: each has one
        assertThat(deviceSeconds(runs.getFirst())).isCloseTo(100, within(2.0));
        finish(two.get(0), 100);
        on.age(two.get(1).runId(), 50);
        finish(two.get(1), 100);
        assertThat(attempt(two.get(1), "device_seconds", Double.class))
                .as("alone with both devices at the end")
                .isCloseTo(200, within(4.0));
        scheduler.look();
        scheduler.look();
        assertThat(usage.spent(experiment(sweep)).gpuHours()).isCloseTo(300 / 3600.0, within(0.01));
        assertThat(usage.spent(experiment(sweep)).flops()).isEqualTo(2e12);
    }

    @Test
    void whatALostAttemptExecutedIsKeptAndTheRunGoesBackToItsCheckpoint() {
        long sweep = on.sweep();
        long run = queue(sweep, "pretrain", 0, 0, 0, 1e12, 100);
        Host host = host(1, 0);
        Assignment first = host.claimAndStart();
        on.api.commitCheckpoint(run, 1, Orchestra.checkpoint(40, on.store("w", "of " + run)));
        host.heartbeat(70, List.of(first));
        on.age(run, 120);
        on.reap();
        on.skipBackoff(run);
        assertThat(attempt(first, "last_step", Long.class)).isEqualTo(70);
        assertThat(attempt(first, "flops", Double.class)).isCloseTo(0.7e12, within(1e3));
        assertThat(attempt(first, "device_seconds", Double.class))
                .as("the silence is not charged")
                .isLessThan(60);
        Assignment second = host.claimAndStart();
        assertThat(on.jdbc
                        .sql("select step from run where id = ?")
                        .param(run)
                        .query(Long.class)
                        .single())
                .isEqualTo(40);
        finish(second, 100);
        assertThat(attempt(second, "flops", Double.class)).isCloseTo(0.6e12, within(1e3));
    }

    @Test
    void aSubmissionHasToFitIntoTheBudgetWithAllThatIsPlannedAndWasExecuted() {
        long sweep = on.sweep();
        budget(sweep, 3e12, null);
        pretrain(sweep, 0, 2);
        admit(sweep, 1e12);
        assertThatThrownBy(() -> admit(sweep, 1.1e12)).isInstanceOfSatisfying(ProblemException.class, e -> {
            assertThat(e.code()).isEqualTo(ErrorCode.BUDGET_EXCEEDED);
            assertThat(e).hasMessageContaining("1.00e+12 left of its 3.00e+12");
        });
    }

    @Test
    void workThatWasLostIsNotDoneAgainWithoutTheBudgetForIt() {
        long sweep = on.sweep();
        List<Long> runs = pretrain(sweep, 0, 2);
        budget(sweep, 2.5e12, null);
        Host host = host(4, 0);
        List<Assignment> both = host.claim(2);
        both.forEach(a -> on.api.start(a.runId(), a.attempt()));
        host.heartbeat(60, both);
        both.forEach(a -> on.api.finish(a.runId(), a.attempt(), Orchestra.failed(Category.USER)));
        runs.forEach(on::skipBackoff);
        // 1.2e12 are gone; of the two that are to be done again the budget pays for one
        assertThat(host.claim(2)).extracting(Assignment::runId).containsExactly(runs.getFirst());
        assertThat(host.claim(2)).isEmpty();
        budget(sweep, 3.2e12, null);
        assertThat(host.claim(2)).extracting(Assignment::runId).containsExactly(runs.get(1));
    }

    @Test
    void concurrentClaimsDoNotSpendTheSameFlopsTwice() throws Exception {
        long sweep = on.sweep();
        pretrain(sweep, 0, 16);
        budget(sweep, 5e12, null);
        int granted = 0;
        try (var threads = Executors.newFixedThreadPool(8)) {
            List<Callable<Integer>> work = IntStream.range(0, 8)
                    .<Callable<Integer>>mapToObj(i -> () -> host(4, 0).claim(2).size())
                    .toList();
            for (var done : threads.invokeAll(work)) {
                granted += done.get();
            }
        }
        assertThat(granted).isEqualTo(5);
    }

    @Test
    void nothingStartsOnceTheGpuHoursAreUsedAndOtherExperimentsGoOn() {
        long spent = on.sweep();
        long other = on.sweep();
        budget(spent, null, 0.5);
        Host host = host(4, 1);
        pretrain(spent, 0, 3);
        spend(host, spent, 1900);
        assertThat(host.claim(2)).isEmpty();
        assertThatThrownBy(() -> admit(spent, 0)).hasMessageContaining("GPU-hours");
        List<Long> others = pretrain(other, 0, 1);
        assertThat(host.claim(2)).extracting(Assignment::runId).containsExactlyElementsOf(others);
    }

    @Test
    void theLedgerSaysWhereEveryFlopWent() {
        long sweep = on.sweep();
        Host host = host(8, 0);
        long good = queue(sweep, "pretrain", 9, 0, 0, 1e12, 100);
        Assignment first = host.claimAndStart();
        on.api.commitCheckpoint(good, 1, Orchestra.checkpoint(40, on.store("w", "of " + good)));
        host.heartbeat(70, List.of(first));
        on.age(good, 120);
        on.reap();
        on.skipBackoff(good);
        finish(host.claimAndStart(), 100);

        long bad = queue(sweep, "pretrain", 8, 0, 0, 1e12, 100);
        Assignment failing = host.claimAndStart();
        host.heartbeat(30, List.of(failing));
        on.api.finish(bad, 1, Orchestra.failed(Category.INVALID_INPUT));

        long cancelled = queue(sweep, "pretrain", 7, 0, 0, 1e12, 100);
        Assignment unwanted = host.claimAndStart();
        host.heartbeat(20, List.of(unwanted));
        on.cancelRuns.cancel(cancelled, null);
        on.api.finish(cancelled, 1, Orchestra.ended(Outcome.CANCELLED));

        queue(sweep, "pretrain", 6, 0, 0, 1e12, 100);
        Assignment running = host.claimAndStart();
        host.heartbeat(50, List.of(running));
        long again = queue(sweep, "pretrain", 5, 0, 0, 1e12, 100);
        Assignment preempted = host.claimAndStart();
        host.heartbeat(10, List.of(preempted));
        on.api.finish(again, 1, Orchestra.ended(Outcome.PREEMPTED));

        var line =
                on.context.getBean(LedgerStore.class).lines(experiment(sweep)).getFirst();
        assertThat(line.planned()).isEqualTo(5e12);
        assertThat(line.executed()).isCloseTo(1.3e12 + 0.3e12 + 0.2e12 + 0.5e12 + 0.1e12, within(1e6));
        assertThat(line.achieved()).isCloseTo(1e12 + 0.5e12, within(1e6));
        assertThat(line.lost()).isCloseTo(0.3e12, within(1e6));
        assertThat(line.preempted()).isCloseTo(0.1e12, within(1e6));
        assertThat(line.failed()).isCloseTo(0, within(1e6));
        assertThat(line.abandonedFailed()).isCloseTo(0.3e12, within(1e6));
        assertThat(line.abandonedCancelled()).isCloseTo(0.2e12, within(1e6));
        assertThat(line.remaining()).isCloseTo(0.5e12 + 1e12, within(1e6));
        assertThat(line.attempts()).isEqualTo(6);
        assertThat(line.achieved()
                        + line.lost()
                        + line.preempted()
                        + line.failed()
                        + line.abandonedFailed()
                        + line.abandonedCancelled())
                .isCloseTo(line.executed(), within(1e6));
        scheduler.look();
        double heldBack = usage.spent(experiment(sweep)).flops();
        assertThat(heldBack + 0.5e12)
                .as("the sums that budgets are held against agree")
                .isCloseTo(line.executed(), within(1e6));
    }

    // --- room for what does not fit

    @Test
    void workOfALowerPriorityCheckpointsAndStopsForWorkThatWaits() {
        long low = on.sweep();
        List<Long> running = pretrain(low, 0, 2);
        Host host = host(2, 0);
        List<Assignment> held = host.claim(2);
        held.forEach(a -> on.api.start(a.runId(), a.attempt()));
        host.heartbeat(5, held);
        on.jdbc
                .sql("update attempt set started_at = now() - interval '1 hour' where run_id = ?")
                .param(running.getFirst())
                .update();
        long urgent = queue(on.sweep(), "pretrain", 3, 0, 0, 1e12, 100);
        scheduler.look();
        assertThat(intents(host, held)).as("it has not waited long").containsOnly(Intent.RUN);
        waited(urgent);
        scheduler.look();
        scheduler.look();
        long victim = running.get(1);
        assertThat(host.directives(held))
                .filteredOn(d -> d.intent() == Intent.CHECKPOINT_AND_STOP)
                .as("the one that has done least, and only that")
                .singleElement()
                .satisfies(d -> {
                    assertThat(d.runId()).isEqualTo(victim);
                    assertThat(d.deadlineSeconds()).isBetween(100, 120);
                });
        long intruder = queue(on.sweep(), "pretrain", 0, 0, 0, 1e12, 100);
        on.api.finish(victim, 1, Orchestra.ended(Outcome.PREEMPTED));
        assertThat(host.claim(1)).extracting(Assignment::runId).containsExactly(urgent);
        assertThat(on.state(victim)).isEqualTo(RunState.QUEUED);
        assertThat(causes(victim)).contains("preempted: it made room for run " + urgent);
        assertThat(on.state(intruder)).isEqualTo(RunState.QUEUED);
        assertThat(reservations(host)).isZero();
    }

    @Test
    void equalsAndThoseWithNoPreemptionsLeftAreLeftAlone() {
        Host host = host(2, 0);
        long same = queue(on.sweep(), "pretrain", 3, 0, 0, 1e12, 100);
        long worn = queue(on.sweep(), "pretrain", 0, 0, 0, 1e12, 100);
        List<Assignment> held = host.claim(2);
        held.forEach(a -> on.api.start(a.runId(), a.attempt()));
        on.jdbc
                .sql("update run set retries_preemption = 0 where id = ?")
                .param(worn)
                .update();
        waited(queue(on.sweep(), "pretrain", 3, 0, 0, 1e12, 100));
        scheduler.look();
        assertThat(intents(host, held)).containsOnly(Intent.RUN);
        assertThat(on.state(same)).isEqualTo(RunState.RUNNING);
    }

    @Test
    void aRunThatWantsSeveralGpusStartsOnAllAtOnceAndIsNotStarvedBySmallOnes() {
        long small = on.sweep();
        IntStream.range(0, 12).forEach(i -> queue(small, "command", 0, 0, 1, 0, 0));
        Host host = host(8, 4);
        List<Assignment> held = new ArrayList<>(host.claim(8));
        assertThat(held).as("one for each GPU").hasSize(4);
        held.forEach(a -> on.api.start(a.runId(), a.attempt()));
        long gang = queue(on.sweep(), "command", 0, 0, 4, 0, 0);
        waited(gang);
        scheduler.look();
        for (Assignment a : held) {
            assertThat(intents(host, held))
                    .as("nobody is stopped for an equal")
                    .doesNotContain(Intent.CHECKPOINT_AND_STOP);
            on.api.finish(a.runId(), 1, succeeded(new JobResult.Command(0, Map.of(), List.of(), 1)));
            scheduler.look();
            List<Assignment> next = host.claim(8);
            if (a != held.getLast()) {
                assertThat(next).as("the runner is being emptied").isEmpty();
            } else {
                assertThat(next).extracting(Assignment::runId).containsExactly(gang);
            }
        }
        assertThat(on.jdbc
                        .sql("select gpus from lease where run_id = ?")
                        .param(gang)
                        .query(Integer.class)
                        .single())
                .isEqualTo(4);
    }

    @Test
    void onlyOneRunnerIsEmptiedAndHigherPrioritiesStillGetIn() {
        long small = on.sweep();
        IntStream.range(0, 8).forEach(i -> queue(small, "command", 0, 0, 1, 0, 0));
        Host first = host(8, 2);
        Host second = host(8, 2);
        for (Host host : List.of(first, second)) {
            host.claim(8).forEach(a -> on.api.start(a.runId(), a.attempt()));
        }
        waited(queue(on.sweep(), "command", 0, 0, 2, 0, 0));
        scheduler.look();
        scheduler.look();
        assertThat(List.of(reservations(first), reservations(second))).containsExactlyInAnyOrder(0, 1);
        Host emptied = reservations(first) == 1 ? first : second;
        Assignment done = emptied.granted.getFirst();
        on.api.finish(done.runId(), 1, succeeded(new JobResult.Command(0, Map.of(), List.of(), 1)));
        assertThat(emptied.claim(8)).isEmpty();
        long urgent = queue(on.sweep(), "command", 7, 0, 1, 0, 0);
        assertThat(emptied.claim(8)).extracting(Assignment::runId).containsExactly(urgent);
    }

    // --- making things

    private List<Long> pretrain(long sweep, int priority, int n) {
        return IntStream.range(0, n)
                .mapToObj(i -> queue(sweep, "pretrain", priority, 0, 0, 1e12, 100))
                .toList();
    }

    private long queue(long sweep, String kind, int priority, long memory, int gpus, double flops, long steps) {
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

    private long experiment(long sweep) {
        return on.jdbc
                .sql("select experiment_id from sweep where id = ?")
                .param(sweep)
                .query(Long.class)
                .single();
    }

    private void budget(long sweep, Double flops, Double gpuHours) {
        on.jdbc
                .sql("update experiment set flop_budget = ?, gpu_hour_budget = ? where id = ?")
                .params(java.util.Arrays.asList(flops, gpuHours, experiment(sweep)))
                .update();
        on.context.getBean(Shares.class).changed();
    }

    private void admit(long sweep, double flops) {
        on.transactions.executeWithoutResult(status -> budgets.admit(experiment(sweep), flops));
    }

    /** Has the experiment run one of its queued runs for that long, alone on the runner. */
    private void spend(Host host, long sweep, int seconds) {
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
        on.context.getBean(Shares.class).changed();
    }

    private void finish(Assignment a, long steps) {
        on.api.finish(a.runId(), a.attempt(), succeeded(new JobResult.Pretrained(1, 1, 1, steps, 1, 1, 1, false)));
    }

    private static FinishAttempt succeeded(JobResult result) {
        return new FinishAttempt(Outcome.SUCCEEDED, result, null);
    }

    private void waited(long run) {
        on.jdbc
                .sql("update run set not_before = now() - interval '1 minute' where id = ?")
                .param(run)
                .update();
    }

    private Host host(int slots, int gpus) {
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
                        "host",
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

    private final class Host {
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

    private List<Intent> intents(Host host, List<Assignment> observed) {
        return host.directives(observed).stream().map(d -> d.intent()).toList();
    }

    private Map<Long, Long> experiments(List<Assignment> granted) {
        return granted.stream()
                .collect(Collectors.groupingBy(
                        a -> on.jdbc
                                .sql("select experiment_id from run where id = ?")
                                .param(a.runId())
                                .query(Long.class)
                                .single(),
                        Collectors.counting()));
    }

    private <T> T attempt(Assignment a, String column, Class<T> type) {
        return on.jdbc
                .sql("select " + column + " from attempt where run_id = ? and attempt_no = ?")
                .param(a.runId())
                .param(a.attempt())
                .query(type)
                .single();
    }

    private double deviceSeconds(long run) {
        return on.jdbc
                .sql("select device_seconds from lease where run_id = ?")
                .param(run)
                .query(Double.class)
                .single();
    }

    private List<String> causes(long run) {
        return on.jdbc
                .sql("select cause from run_event where run_id = ? order by id")
                .param(run)
                .query((rs, i) -> rs.getString(1))
                .list();
    }

    private int reservations(Host host) {
        return on.jdbc
                .sql("select count(*) from reservation where runner_id = ?")
                .param(host.id)
                .query(Integer.class)
                .single();
    }
}
