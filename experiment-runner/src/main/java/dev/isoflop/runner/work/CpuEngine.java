package dev.isoflop.runner.work;

import dev.isoflop.lm.cpu.MemoryPlan;
import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.tokens.TokenSource;
import dev.isoflop.lm.train.Optimizer;
import dev.isoflop.lm.train.Schedule;
import dev.isoflop.lm.train.StepResult;
import dev.isoflop.lm.train.Trainer;
import dev.isoflop.lm.train.TrainingOptions;
import dev.isoflop.protocol.job.LearningRateSchedule;
import dev.isoflop.protocol.job.ModelShape;
import dev.isoflop.protocol.job.Precision;
import dev.isoflop.protocol.job.PretrainSpec;
import dev.isoflop.protocol.job.TrainingSettings;
import dev.isoflop.protocol.runner.RunProfile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** The project's own engine on the CPU. */
public final class CpuEngine implements TrainingEngine {

    private static final String PROCESSOR = processor();

    @Override
    public Session create(PretrainSpec spec, PreparedDataset data, int threads) {
        requireFp32(spec);
        return new TrainerSession(
                Trainer.create(model(spec.model()), options(spec), data.train(), threads), data.validation(), threads);
    }

    @Override
    public Session resume(PretrainSpec spec, Path checkpoint, PreparedDataset data, int threads) throws IOException {
        requireFp32(spec);
        return new TrainerSession(Trainer.resume(checkpoint, data.train(), threads), data.validation(), threads);
    }

    private static String processor() {
        String architecture = System.getProperty("os.arch", "CPU");
        try {
            return Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
                    .filter(line -> line.startsWith("model name"))
                    .findFirst()
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .filter(name -> !name.isEmpty())
                    .orElse(architecture);
        } catch (IOException e) {
            return architecture; // another system than Linux
        }
    }

    private static void requireFp32(PretrainSpec spec) {
        if (spec.training().precision() != Precision.FP32) {
            throw new IllegalArgumentException("precision = " + spec.training().precision()
                    + " needs a GPU, and this runner trains on the CPU; use FP32, or a pool whose runners have GPUs");
        }
    }

    /** The engine's own description of a shape. */
    public static ModelSpec model(ModelShape shape) {
        return new ModelSpec(
                shape.vocabSize(),
                shape.contextLength(),
                shape.dModel(),
                shape.layers(),
                shape.heads(),
                shape.kvHeads(),
                shape.dFf(),
                shape.ropeTheta(),
                shape.normEpsilon(),
                shape.tiedEmbeddings(),
                shape.qkNorm());
    }

    /** The engine's own description of how to train. */
    public static TrainingOptions options(PretrainSpec spec) {
        TrainingSettings t = spec.training();
        return new TrainingOptions(
                t.batchSequences(),
                spec.model().contextLength(),
                t.steps(),
                t.learningRate(),
                t.finalLearningRateFraction(),
                t.warmupFraction(),
                schedule(t.schedule()),
                t.beta1(),
                t.beta2(),
                t.epsilon(),
                t.weightDecay(),
                t.gradientClip(),
                spec.seed(),
                1,
                optimizer(t.optimizer()));
    }

    private static Optimizer optimizer(dev.isoflop.protocol.job.Optimizer optimizer) {
        return switch (optimizer) {
            case ADAMW -> Optimizer.ADAMW;
            case MUON -> Optimizer.MUON;
        };
    }

    private static Schedule schedule(LearningRateSchedule schedule) {
        return switch (schedule) {
            case COSINE -> Schedule.COSINE;
            case WSD -> Schedule.WSD;
            case CONSTANT -> Schedule.CONSTANT;
        };
    }

    private record TrainerSession(Trainer trainer, TokenSource validation, int threads) implements Session {

        @Override
        public long stepsDone() {
            return trainer.stepsDone();
        }

        @Override
        public int mostAhead() {
            return 1;
        }

        @Override
        public void advance(long step, Consumer<StepResult> results) {
            boolean finite = true;
            while (finite && trainer.stepsDone() < step) {
                StepResult result = trainer.step();
                finite = result.finite();
                results.accept(result);
            }
        }

        @Override
        public double evaluate(long maxTokens) {
            return trainer.evaluate(validation, maxTokens);
        }

        /**
         * Without peaks: nobody's datasheet says what some threads of a CPU do, and to measure it means seconds until the compiler is done
         * with the product, on cores that other runs train on meanwhile. {@code bench cpu-train} does that where it is quiet.
         */
        @Override
        public TrainingDevice device() {
            String name = PROCESSOR + (threads == 1 ? ", 1 thread" : ", " + threads + " threads");
            return new TrainingDevice(name, Precision.FP32, null, null);
        }

        /** Of memory alone: inside a step its threads go from one operation to the next without a common clock. */
        @Override
        public Optional<TrainingProfile> profile() {
            MemoryPlan plan = Trainer.plan(trainer.spec(), trainer.options(), threads);
            RunProfile.Memory memory = new RunProfile.Memory(
                    plan.parameterBytes(), plan.gradientBytes(), plan.optimizerBytes(), plan.activationBytes());
            return Optional.of(new TrainingProfile(device(), 1, 1, memory, List.of()));
        }

        @Override
        public void save(Path directory) throws IOException {
            trainer.save(directory);
        }

        @Override
        public void close() {
            trainer.close();
        }
    }
}
