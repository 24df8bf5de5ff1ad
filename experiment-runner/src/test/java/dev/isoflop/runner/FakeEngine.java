package dev.isoflop.runner;

import dev.isoflop.lm.train.StepResult;
import dev.isoflop.protocol.job.Precision;
import dev.isoflop.protocol.job.PretrainSpec;
import dev.isoflop.protocol.runner.RunProfile;
import dev.isoflop.runner.work.PreparedDataset;
import dev.isoflop.runner.work.TrainingDevice;
import dev.isoflop.runner.work.TrainingEngine;
import dev.isoflop.runner.work.TrainingProfile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** Trains nothing, but has a state that its loss depends on, so that a wrong resume shows. */
final class FakeEngine implements TrainingEngine {

    volatile long stepMillis = 2;

    /** Steps whose results come together, as a GPU's do. */
    volatile int burst = 1;

    volatile long divergeAt = Long.MAX_VALUE;
    volatile Throwable throwAt10;
    volatile TrainingDevice device = new TrainingDevice("fake", Precision.FP32, null, null);
    volatile long profileAt = Long.MAX_VALUE;
    volatile boolean diskFull;

    /** Step after which it hangs; whether an interrupt ends that. */
    volatile long hangAt = -1;

    volatile boolean deaf;
    final CountDownLatch released = new CountDownLatch(1);
    final AtomicInteger stepsRun = new AtomicInteger();

    /** State after a number of undisturbed steps: a chaotic map, so that no two paths agree by luck. */
    static double stateAfter(long steps, long seed) {
        double x = 0.3 + seed * 1e-3;
        for (long i = 0; i < steps; i++) {
            x = 3.9 * x * (1 - x);
        }
        return x;
    }

    @Override
    public Session create(PretrainSpec spec, PreparedDataset data, int threads) {
        return new FakeSession(0, stateAfter(0, spec.seed()));
    }

    @Override
    public Session resume(PretrainSpec spec, Path checkpoint, PreparedDataset data, int threads) throws IOException {
        String[] state = Files.readString(checkpoint.resolve("state.txt")).split(" ");
        return new FakeSession(Long.parseLong(state[0]), Double.parseDouble(state[1]));
    }

    private void hang() {
        while (true) {
            try {
                released.await();
                return;
            } catch (InterruptedException e) {
                if (!deaf) {
                    FakeEngine.<RuntimeException>rethrow(e);
                }
            }
        }
    }

    private final class FakeSession implements Session {
        private long step;
        private double x;

        FakeSession(long step, double x) {
            this.step = step;
            this.x = x;
        }

        @Override
        public long stepsDone() {
            return step;
        }

        @Override
        public int mostAhead() {
            return burst;
        }

        @Override
        public void advance(long until, Consumer<StepResult> results) {
            boolean finite = true;
            while (finite && step < until) {
                StepResult result = step();
                finite = result.finite();
                results.accept(result);
            }
        }

        private StepResult step() {
            stepsRun.incrementAndGet();
            if (stepMillis > 0 && step % burst == 0) {
                try {
                    Thread.sleep(burst * stepMillis);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
            if (step == hangAt) {
                hang();
            }
            step++;
            if (step == 10 && throwAt10 != null) {
                FakeEngine.<RuntimeException>rethrow(throwAt10);
            }
            x = 3.9 * x * (1 - x);
            double loss = step >= divergeAt ? Double.NaN : x;
            return new StepResult(step, loss, 1 + x, 1e-3, step * 8, step * 1e6);
        }

        @Override
        public double evaluate(long maxTokens) {
            return 1 + x;
        }

        @Override
        public TrainingDevice device() {
            return device;
        }

        @Override
        public Optional<TrainingProfile> profile() {
            return step < profileAt
                    ? Optional.empty()
                    : Optional.of(new TrainingProfile(
                            device,
                            4,
                            3,
                            new RunProfile.Memory(6, 4, 8, 100),
                            List.of(new RunProfile.Operation("adamw", 1, 12.5, 1e6, 3e6))));
        }

        @Override
        public void save(Path directory) throws IOException {
            Files.createDirectories(directory);
            if (diskFull) {
                Files.writeString(directory.resolve("config.json"), "{");
                throw new IOException(directory + ": No space left on device");
            }
            Files.writeString(directory.resolve("state.txt"), step + " " + x);
            Files.writeString(directory.resolve("config.json"), "{}");
        }

        @Override
        public void close() {}
    }

    @SuppressWarnings("unchecked")
    private static <T extends Throwable> void rethrow(Throwable t) throws T {
        throw (T) t;
    }
}
