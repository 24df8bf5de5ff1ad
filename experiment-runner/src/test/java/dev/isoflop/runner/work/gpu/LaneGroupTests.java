package dev.isoflop.runner.work.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.isoflop.lm.checkpoint.AtomicDirectory;
import dev.isoflop.lm.cuda.driver.CudaException;
import dev.isoflop.lm.cuda.engine.GpuPlan;
import dev.isoflop.lm.cuda.engine.LaneCalibration;
import dev.isoflop.lm.cuda.engine.Precision;
import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.train.Optimizer;
import dev.isoflop.lm.train.StepResult;
import dev.isoflop.lm.train.TrainerState;
import dev.isoflop.lm.train.TrainingOptions;
import dev.isoflop.protocol.runner.RunProfile;
import dev.isoflop.runner.work.OutOfDeviceMemoryException;
import dev.isoflop.runner.work.TrainingDevice;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Attempts' threads against a group's, on an array without a device that enforces its rules. */
@Timeout(60)
class LaneGroupTests {

    private static final ModelSpec SPEC = ModelSpec.llama(64, 32, 32, 1, 2);
    private static final TrainingDevice DEVICE = new TrainingDevice(
            "NVIDIA X", dev.isoflop.protocol.job.Precision.BF16, null, new RunProfile.Peaks(5e11, 8e10));

    /** A host whose arrays are fakes. */
    private static final class Host implements LaneHost {
        final List<FakeLanes> arrays = new ArrayList<>();
        final ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
        final CountDownLatch ended = new CountDownLatch(1);
        volatile long returned;
        volatile boolean full;
        volatile double launchMicros = 2;
        volatile int mostLanes = 64;

        @Override
        public LaneCalibration calibration() {
            return new LaneCalibration(launchMicros, 2e12, 5e14, 5e13);
        }

        @Override
        public long freeBytes() {
            return 1L << 40;
        }

        @Override
        public void reserve(long bytes) {
            if (full) {
                throw new OutOfDeviceMemoryException("the run takes too much");
            }
        }

        @Override
        public synchronized LaneArray open(LaneGroup.Shape shape, GpuPlan plan) {
            if (plan.lanes() > mostLanes) {
                throw new CudaException(2, "allocation of too much");
            }
            arrays.add(new FakeLanes(plan));
            return arrays.getLast();
        }

        synchronized FakeLanes array() {
            return arrays.getFirst();
        }

        @Override
        public void failed(Throwable error) {
            failures.add(error);
        }

        @Override
        public void ended(LaneGroup group, long bytes) {
            returned = bytes;
            ended.countDown();
        }
    }

    private final Host host = new Host();
    private final ExecutorService attempts = Executors.newCachedThreadPool();
    private final LaneGroup.Shape shape = new LaneGroup.Shape(new GpuPlan(SPEC, Precision.BF16, 1, 2, 32, 1), "text");

    @AfterEach
    void stop() {
        attempts.shutdownNow();
    }

    private static LaneSession session(long steps, long seed) {
        return new LaneSession(DEVICE, TrainingOptions.defaults(2, 32, steps, 1e-3, seed), null);
    }

    private LaneGroup group(LaneSession... sessions) {
        LaneGroup group = new LaneGroup(host, shape);
        for (LaneSession session : sessions) {
            assertThat(group.join(shape, session)).isTrue();
        }
        Thread.ofPlatform().start(group);
        return group;
    }

    /** An attempt: goes to each multiple of {@code every}, evaluates there, and closes. */
    private Future<List<Double>> attempt(LaneSession session, long seed, int every) {
        return attempts.submit(() -> {
            List<Double> losses = new ArrayList<>();
            List<StepResult> results = new ArrayList<>();
            try (session) {
                session.awaitReady();
                long steps = session.options().steps();
                while (session.stepsDone() < steps) {
                    long next = Math.min(steps, (session.stepsDone() / every + 1) * every);
                    session.advance(next, results::add);
                    assertThat(session.stepsDone()).isEqualTo(next);
                    losses.add(session.evaluate(512));
                }
                for (int i = 0; i < results.size(); i++) {
                    assertThat(results.get(i).step()).isEqualTo(i + 1);
                    assertThat(results.get(i).loss()).isEqualTo(FakeLanes.loss(seed, i + 1));
                }
                assertThat(results).hasSize((int) steps);
            }
            return losses;
        });
    }

    @Test
    void everyRunGetsItsOwnResultsOnceAndIsEvaluatedWhereItStands() throws Exception {
        LaneSession[] sessions = new LaneSession[6];
        List<Future<List<Double>>> running = new ArrayList<>();
        for (int i = 0; i < sessions.length; i++) {
            sessions[i] = session(200 + 130 * i, i);
        }
        group(sessions);
        for (int i = 0; i < sessions.length; i++) {
            running.add(attempt(sessions[i], i, 30 + 7 * i));
        }
        for (int i = 0; i < sessions.length; i++) {
            List<Double> losses = running.get(i).get();
            long steps = 200 + 130 * i;
            int every = 30 + 7 * i;
            for (int e = 0; e < losses.size(); e++) {
                assertThat(losses.get(e)).isEqualTo(1 + FakeLanes.loss(i, Math.min(steps, (e + 1L) * every)));
            }
        }
        host.ended.await();
        assertThat(host.arrays).hasSize(1);
        assertThat(host.array().plan.lanes()).isEqualTo(6);
        assertThat(host.array().closed).isTrue();
        assertThat(host.returned).isEqualTo(shape.plan().withLanes(6).totalBytes());
        assertThat(host.failures).isEmpty();
        // together, not one after the other
        assertThat(host.array().steps.get()).isLessThan(2 * (200 + 130 * 5));
    }

    @Test
    void runsThatStopAtTheSameStepsShareEvaluations() throws Exception {
        LaneSession[] sessions = new LaneSession[8];
        for (int i = 0; i < sessions.length; i++) {
            sessions[i] = session(500, i);
        }
        group(sessions);
        List<Future<List<Double>>> running = new ArrayList<>();
        for (int i = 0; i < sessions.length; i++) {
            running.add(attempt(sessions[i], i, 100));
        }
        for (Future<List<Double>> each : running) {
            assertThat(each.get()).hasSize(5);
        }
        assertThat(host.array().evaluations.get()).isLessThan(8 * 5);
    }

    @Test
    void aFreedLaneIsGivenToTheNextRun() throws Exception {
        LaneSession first = session(100, 1);
        LaneSession second = session(5_000, 2);
        LaneGroup group = group(first, second);
        Future<List<Double>> longer = attempt(second, 2, 50);
        attempt(first, 1, 50).get();
        LaneSession third = session(100, 3);
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (!group.join(shape, third)) {
            assertThat(System.nanoTime()).isLessThan(until);
            Thread.sleep(1);
        }
        assertThat(attempt(third, 3, 50).get()).hasSize(2);
        assertThat(longer.get()).hasSize(100);
        assertThat(host.arrays).hasSize(1);
    }

    @Test
    void whatSweepsAreCheckedAgainstIsWhatTheEngineTrains() {
        assertThat(dev.isoflop.scaling.flops.TransformerShape.BF16_HEAD_SIZES)
                .containsExactlyElementsOf(GpuPlan.HEAD_SIZES);
    }

    @Test
    void anotherShapeOrDatasetIsNotTaken() {
        LaneGroup group = new LaneGroup(host, shape);
        assertThat(group.join(new LaneGroup.Shape(shape.plan(), "other text"), session(10, 1)))
                .isFalse();
        GpuPlan wider = new GpuPlan(SPEC, Precision.BF16, 1, 4, 32, 1);
        assertThat(group.join(new LaneGroup.Shape(wider, "text"), session(10, 1)))
                .isFalse();
        assertThat(group.join(
                        new LaneGroup.Shape(new GpuPlan(SPEC, Precision.FP32, 1, 2, 32, 1), "text"), session(10, 1)))
                .isFalse();
        assertThat(group.join(new LaneGroup.Shape(shape.plan().withOptimizer(Optimizer.MUON), "text"), session(10, 1)))
                .isFalse();
    }

    @Test
    void aCheckpointIsOfTheStepThatWasHandedOver(@TempDir Path directory) throws Exception {
        LaneSession one = session(1_000, 1);
        LaneSession other = session(1_000, 2);
        group(one, other);
        Future<List<Double>> beside = attempt(other, 2, 20);
        try (one) {
            one.awaitReady();
            one.advance(137, r -> {});
            one.save(directory.resolve("checkpoint"));
        }
        AtomicDirectory.recover(directory.resolve("checkpoint"));
        assertThat(TrainerState.read(directory.resolve("checkpoint")).step()).isEqualTo(137);
        assertThat(beside.get()).hasSize(50);
    }

    @Test
    void aRunThatDivergesEndsAtThatStep() throws Exception {
        LaneSession one = session(1_000, 1);
        group(one);
        one.awaitReady();
        host.array().divergeAt = 25;
        List<StepResult> results = new ArrayList<>();
        one.advance(100, results::add);
        assertThat(results).hasSize(25);
        assertThat(results.getLast().finite()).isFalse();
        one.close();
        host.ended.await();
    }

    @Test
    void anErrorOfTheDeviceReachesEveryAttempt() throws Exception {
        LaneSession one = session(100_000, 1);
        LaneSession two = session(100_000, 2);
        group(one, two);
        Future<List<Double>> first = attempt(one, 1, 1_000);
        Future<List<Double>> second = attempt(two, 2, 1_000);
        while (host.arrays.isEmpty() || host.array().steps.get() < 50) {
            Thread.sleep(1);
        }
        IllegalStateException broken = new IllegalStateException("the device is gone");
        host.array().failure = broken;
        for (Future<List<Double>> each : List.of(first, second)) {
            assertThatThrownBy(each::get).isInstanceOf(ExecutionException.class).hasCause(broken);
        }
        host.ended.await();
        assertThat(host.failures).containsExactly(broken);
    }

    @Test
    void whatDoesNotFitFailsItsAttempt() {
        host.full = true;
        LaneSession one = session(100, 1);
        group(one);
        assertThatThrownBy(one::awaitReady).isInstanceOf(OutOfDeviceMemoryException.class);
    }

    @Test
    void runsThatFindNoPlaceWaitForOne() throws Exception {
        host.mostLanes = 2;
        LaneSession[] sessions = new LaneSession[5];
        for (int i = 0; i < sessions.length; i++) {
            sessions[i] = session(100 + 20 * i, i);
        }
        group(sessions);
        List<Future<List<Double>>> running = new ArrayList<>();
        for (int i = 0; i < sessions.length; i++) {
            running.add(attempt(sessions[i], i, 30));
        }
        for (Future<List<Double>> each : running) {
            assertThat(each.get()).isNotEmpty();
        }
        assertThat(host.array().plan.lanes()).isEqualTo(1); // 6 places, 3, 1
        assertThat(host.failures).isEmpty();
    }

    @Test
    void fewRunsThatAreLeftGoOnInASmallerArray() throws Exception {
        host.launchMicros = 20_000; // a step is thought to take a second, so that a smaller array seems worth making
        LaneSession[] sessions = new LaneSession[8];
        for (int i = 0; i < sessions.length; i++) {
            sessions[i] = session(i < 5 ? 60 : 2_000, i);
        }
        group(sessions);
        List<Future<List<Double>>> running = new ArrayList<>();
        for (int i = 0; i < sessions.length; i++) {
            running.add(attempt(sessions[i], i, 20));
        }
        for (Future<List<Double>> each : running) {
            each.get();
        }
        assertThat(host.array().shrunk.get()).isPositive();
        assertThat(host.array().plan.lanes()).isLessThanOrEqualTo(4);
    }

    @Test
    void profilingOnTheWayChangesNoResult() throws Exception {
        LaneSession one = session(300, 1);
        group(one);
        one.profile();
        assertThat(attempt(one, 1, 50).get()).hasSize(6);
        assertThat(one.profile()).isPresent();
    }
}
