package dev.isoflop.runner.work;

import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.tokens.TokenSource;
import dev.isoflop.lm.train.Schedule;
import dev.isoflop.lm.train.StepResult;
import dev.isoflop.lm.train.Trainer;
import dev.isoflop.lm.train.TrainingOptions;
import dev.isoflop.protocol.job.LearningRateSchedule;
import dev.isoflop.protocol.job.ModelShape;
import dev.isoflop.protocol.job.PretrainSpec;
import dev.isoflop.protocol.job.TrainingSettings;
import java.io.IOException;
import java.nio.file.Path;

/** The project's own engine on the CPU. */
public final class CpuEngine implements TrainingEngine {

    @Override
    public Session create(PretrainSpec spec, TokenSource train, int threads) {
        return new TrainerSession(Trainer.create(model(spec.model()), options(spec), train, threads));
    }

    @Override
    public Session resume(PretrainSpec spec, Path checkpoint, TokenSource train, int threads) throws IOException {
        return new TrainerSession(Trainer.resume(checkpoint, train, threads));
    }

    static ModelSpec model(ModelShape shape) {
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

    static TrainingOptions options(PretrainSpec spec) {
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
                1);
    }

    private static Schedule schedule(LearningRateSchedule schedule) {
        return switch (schedule) {
            case COSINE -> Schedule.COSINE;
            case WSD -> Schedule.WSD;
            case CONSTANT -> Schedule.CONSTANT;
        };
    }

    private record TrainerSession(Trainer trainer) implements Session {

        @Override
        public long stepsDone() {
            return trainer.stepsDone();
        }

        @Override
        public StepResult step() {
            return trainer.step();
        }

        @Override
        public double evaluate(TokenSource source, long maxTokens) {
            return trainer.evaluate(source, maxTokens);
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
