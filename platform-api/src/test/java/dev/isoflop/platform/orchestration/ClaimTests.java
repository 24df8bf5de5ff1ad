package dev.isoflop.platform.orchestration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.isoflop.db.dataset.DatasetStore;
import dev.isoflop.db.run.NewRun;
import dev.isoflop.db.run.RunStore;
import dev.isoflop.db.runner.ClaimStore;
import dev.isoflop.db.runner.RunnerStore;
import dev.isoflop.db.testing.DatabaseTest;
import dev.isoflop.platform.scheduling.Shares;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.platform.tracing.Traces;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.api.SweepSpec;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.job.DatasetRef;
import dev.isoflop.protocol.job.FileRef;
import dev.isoflop.protocol.job.JobResult;
import dev.isoflop.protocol.job.LearningRateSchedule;
import dev.isoflop.protocol.job.ModelShape;
import dev.isoflop.protocol.job.Precision;
import dev.isoflop.protocol.job.PretrainSpec;
import dev.isoflop.protocol.job.TrainingSettings;
import dev.isoflop.protocol.runner.ClaimGrant;
import dev.isoflop.protocol.runner.ClaimGrant.Assignment;
import dev.isoflop.protocol.runner.ClaimRequest;
import dev.isoflop.protocol.runner.FinishAttempt;
import dev.isoflop.protocol.runner.FinishAttempt.Category;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.springframework.context.event.ContextClosedEvent;
import tools.jackson.databind.json.JsonMapper;

@DatabaseTest
class ClaimTests {

    private static final NewRun.Retries RETRIES = NewRun.Retries.DEFAULT;

    private final Orchestra on = Orchestra.get();
    private final String pool = Orchestra.newPool();

    /** What one runner was told: the run and attempt it was granted, and whether its end was accepted. */
    private record Told(long run, int attempt, boolean accepted) {}

    @Test
    void aPlatformThatIsEndingGrantsNothingNewAndRepeatsWhatItHasGranted() {
        Ending ending = new Ending();
        Claims claims = new Claims(
                on.context.getBean(ClaimStore.class),
                on.context.getBean(Shares.class),
                on.context.getBean(RunnerStore.class),
                on.context.getBean(DatasetStore.class),
                ending,
                on.context.getBean(Traces.class),
                JsonMapper.shared());
        on.runs(pool, 2);
        Orchestra.Worker worker = on.worker(pool);
        ClaimRequest request = new ClaimRequest(1, 1L << 30, List.of("data"));
        Function<String, ClaimGrant> asked = key -> on.inTransaction(() ->
                claims.claim(List.of(new Claims.Asked(worker.id, key, request))).get(worker.id));
        ClaimGrant before = asked.apply("before");
        assertThat(before.assignments()).hasSize(1);
        ending.closing(new ContextClosedEvent(on.context));
        assertThat(asked.apply("after").assignments()).isEmpty();
        assertThat(asked.apply("before")).as("the answer may have been lost").isEqualTo(before);
        assertThat(worker.claim(1)).as("another platform").hasSize(1);
    }

    @Test
    void racingRunnersNeverGetTheSameAttemptAndNoRunSucceedsTwice() throws Exception {
        int runs = 60;
        Set<Long> all = new HashSet<>(on.runs(pool, runs));
        ConcurrentLinkedQueue<Told> history = new ConcurrentLinkedQueue<>();
        try (var threads = Executors.newFixedThreadPool(8)) {
            List<Callable<Void>> work = IntStream.range(0, 8)
                    .<Callable<Void>>mapToObj(i -> () -> {
                        Orchestra.Worker worker = on.worker(pool);
                        for (int empty = 0; empty < 5; ) {
                            List<Assignment> granted = worker.claim(3);
                            empty = granted.isEmpty() ? empty + 1 : 0;
                            for (Assignment a : granted) {
                                history.add(execute(a));
                            }
                        }
                        return null;
                    })
                    .toList();
            for (Future<Void> f : threads.invokeAll(work)) {
                f.get();
            }
        }
        // Attempts that were taken away in the race are still queued or leased to nobody: let one runner finish them.
        Orchestra.Worker last = on.worker(pool);
        all.forEach(on::skipBackoff);
        for (List<Assignment> granted = last.claim(16); !granted.isEmpty(); granted = last.claim(16)) {
            for (Assignment a : granted) {
                on.api.finish(a.runId(), a.attempt(), Orchestra.succeeded());
                history.add(new Told(a.runId(), a.attempt(), true));
            }
        }
        assertThat(history.stream().map(t -> t.run() + "/" + t.attempt())).doesNotHaveDuplicates();
        assertThat(history.stream().filter(Told::accepted).map(Told::run))
                .doesNotHaveDuplicates()
                .containsExactlyInAnyOrderElementsOf(all);
        assertThat(all).allSatisfy(id -> assertThat(on.state(id)).isEqualTo(RunState.SUCCEEDED));
    }

    /**
     * Finishes the attempt; one in four loses its lease first, and its late report must be refused. A third loss in a row would have the run
     * quarantined, which is another test's subject.
     */
    private Told execute(Assignment a) {
        on.api.start(a.runId(), a.attempt());
        if (a.attempt() < 3 && ThreadLocalRandom.current().nextInt(4) == 0) {
            on.age(a.runId(), 61);
            on.lost.expire(new dev.isoflop.db.run.LeaseStore.Silent(a.runId(), a.attempt()), on.settings.ttl());
            on.skipBackoff(a.runId());
        }
        try {
            on.api.finish(a.runId(), a.attempt(), Orchestra.succeeded());
            return new Told(a.runId(), a.attempt(), true);
        } catch (ProblemException e) {
            assertThat(e.code()).isEqualTo(ErrorCode.STALE_ATTEMPT);
            return new Told(a.runId(), a.attempt(), false);
        }
    }

    @Test
    void repeatedKeyBringsTheSameGrant() {
        on.runs(pool, 3);
        Orchestra.Worker worker = on.worker(pool);
        String key = UUID.randomUUID().toString();
        List<Assignment> first = worker.claim(key, 2, 1L << 30);
        assertThat(first).hasSize(2);
        assertThat(worker.claim(key, 2, 1L << 30)).isEqualTo(first);
        assertThat(worker.claim(2)).hasSize(1).doesNotContainAnyElementsOf(first);
    }

    @Test
    void keySentTwiceAtOnceIsGrantedOnce() throws Exception {
        on.runs(pool, 4);
        Orchestra.Worker worker = on.worker(pool);
        try (var threads = Executors.newFixedThreadPool(4)) {
            Set<List<Assignment>> answers = new HashSet<>();
            List<Callable<List<Assignment>>> same =
                    java.util.Collections.nCopies(4, () -> worker.claim("the-key", 1, 1L << 30));
            for (Future<List<Assignment>> f : threads.invokeAll(same)) {
                answers.add(f.get());
            }
            assertThat(answers).hasSize(1);
        }
        assertThat(worker.claim(4)).hasSize(3);
    }

    @Test
    void higherPriorityGoesFirstThenOlder() {
        long low = on.run(pool);
        long high = on.run(pool, null, 5, null, 0, RETRIES);
        long alsoHigh = on.run(pool, null, 5, null, 0, RETRIES);
        assertThat(on.worker(pool).claim(3)).extracting(Assignment::runId).containsExactly(high, alsoHigh, low);
    }

    @Test
    void grantsFitIntoTheMemoryTogether() {
        long tooLarge = on.run(pool, null, 9, null, 101, RETRIES);
        long first = on.run(pool, null, 0, null, 60, RETRIES);
        long second = on.run(pool, null, 0, null, 50, RETRIES);
        Orchestra.Worker worker = on.worker(pool);
        assertThat(worker.claim("a", 4, 100)).extracting(Assignment::runId).containsExactly(first);
        assertThat(worker.claim("b", 4, 100)).extracting(Assignment::runId).containsExactly(second);
        assertThat(worker.claim("c", 4, 100)).isEmpty();
        assertThat(on.state(tooLarge)).isEqualTo(RunState.QUEUED);
    }

    @Test
    void otherPoolsKindsAndFutureRunsAreNotGranted() {
        on.run(Orchestra.newPool());
        long later = on.run(pool);
        on.jdbc
                .sql("update run set not_before = now() + interval '1 hour' where id = ?")
                .param(later)
                .update();
        Orchestra.Worker worker = on.worker(pool);
        assertThat(worker.claim(4)).isEmpty();
        on.skipBackoff(later);
        assertThat(on.api
                        .claim(worker.id, "k", new dev.isoflop.protocol.runner.ClaimRequest(4, 1, List.of("pretrain")))
                        .assignments())
                .isEmpty();
        assertThat(worker.claim(4)).hasSize(1);
    }

    @Test
    void runWaitsUntilTheOneItNeedsHasSucceeded() {
        long data = on.run(pool);
        long dependent = on.run(pool, null, 9, data, 0, RETRIES);
        Orchestra.Worker worker = on.worker(pool);
        Assignment first = worker.claimOne();
        assertThat(first.runId()).isEqualTo(data);
        assertThat(worker.claim(4)).isEmpty();
        on.api.finish(data, first.attempt(), Orchestra.succeeded());
        assertThat(worker.claimOne().runId()).isEqualTo(dependent);
    }

    @Test
    void dependentsFailWithTheRunTheyWaitFor() {
        long data = on.run(pool, null, 0, null, 0, new NewRun.Retries(0, 0, 0));
        long dependent = on.run(pool, null, 0, data, 0, RETRIES);
        long dependentOfDependent = on.run(pool, null, 0, dependent, 0, RETRIES);
        Assignment a = on.worker(pool).claimAndStart();
        on.api.finish(a.runId(), a.attempt(), Orchestra.failed(Category.USER));
        assertThat(on.look(dependent).failure()).satisfies(f -> {
            assertThat(f.category()).isEqualTo("dependency");
            assertThat(f.code()).isEqualTo("dependency-failed");
            assertThat(f.message()).contains("run " + data);
        });
        assertThat(on.state(dependentOfDependent)).isEqualTo(RunState.FAILED);
        assertThatThrownBy(() -> on.run(pool, null, 0, data, 0, RETRIES))
                .isInstanceOf(RunStore.DependencyEndedException.class);
    }

    @Test
    void cancelledDataRunFailsItsDependents() {
        long data = on.run(pool);
        long dependent = on.run(pool, null, 0, data, 0, RETRIES);
        on.cancelRuns.cancel(data, null);
        assertThat(on.look(dependent).failure()).extracting("code").isEqualTo("dependency-cancelled");
    }

    @Test
    void datasetPlannedBeforeItWasReadyIsCompletedInTheGrant() {
        var spec = new SweepSpec.DatasetSpec("npm:" + UUID.randomUUID(), null, null);
        var ensured = on.datasets.ensure(spec, pool);
        assertThat(ensured.made()).isTrue();
        assertThat(on.datasets.ensure(spec, pool).made()).isFalse();
        assertThat(ensured.dataset().state()).isEqualTo("preparing");

        PretrainSpec job = pretrain(ensured.dataset().id());
        long train = on.inTransaction(() -> on.runs.create(new NewRun(
                null,
                "t",
                "pretrain",
                new JsonMapper().writeValueAsString(job),
                pool,
                0,
                ensured.dataset().runId(),
                0,
                NewRun.Size.NONE,
                1L,
                0.01,
                null,
                RETRIES)));
        Orchestra.Worker worker = on.worker(pool);
        Assignment data = worker.claimAndStart();
        FileRef bin = on.store("train.bin", "tokens of " + train);
        JobResult.Dataset made = new JobResult.Dataset("x", 10, 2, 8, 1, 1, 1024, "t", List.of(bin));
        on.api.finish(data.runId(), data.attempt(), new FinishAttempt(FinishAttempt.Outcome.SUCCEEDED, made, null));

        assertThat(on.datasets.find(ensured.dataset().id())).hasValueSatisfying(d -> {
            assertThat(d.state()).isEqualTo("ready");
            assertThat(d.detail()).isEqualTo(made);
        });
        Assignment granted = worker.claimOne();
        assertThat(granted.runId()).isEqualTo(train);
        assertThat(granted.job())
                .isInstanceOfSatisfying(
                        PretrainSpec.class, p -> assertThat(p.dataset().files()).containsExactly(bin));
    }

    @Test
    void failedDatasetGetsANewRunWhenAskedForAgain() {
        var spec = new SweepSpec.DatasetSpec("npm:" + UUID.randomUUID(), 2048, 6);
        var first = on.datasets.ensure(spec, pool).dataset();
        on.cancelRuns.cancel(first.runId(), null);
        assertThat(on.datasets.find(first.id())).get().extracting("state").isEqualTo("failed");
        var second = on.datasets.ensure(spec, pool);
        assertThat(second.made()).isTrue();
        assertThat(second.dataset().id()).isEqualTo(first.id());
        assertThat(second.dataset().runId()).isNotEqualTo(first.runId());
    }

    @Test
    void wrongDatasetOptionsAreNamed() {
        assertThatThrownBy(() -> on.datasets.ensure(new SweepSpec.DatasetSpec(" ", 10, 1)))
                .isInstanceOfSatisfying(
                        ProblemException.class,
                        e -> assertThat(e.errors())
                                .extracting("pointer")
                                .containsExactly("/corpus", "/vocabSize", "/validationModulus"));
    }

    static PretrainSpec pretrain(String dataset) {
        return new PretrainSpec(
                new ModelShape(1024, 128, 32, 2, 2, 2, 88, true, false, 1e4, 1e-5),
                new TrainingSettings(
                        16, 10, 0.01, 0.1, 0.02, LearningRateSchedule.COSINE, 0.9, 0.95, 1e-8, 0.1, 1, Precision.FP32),
                1,
                new DatasetRef(dataset, new ArrayList<>()),
                1,
                0,
                0,
                0);
    }
}
