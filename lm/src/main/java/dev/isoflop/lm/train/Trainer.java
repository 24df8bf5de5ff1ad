package dev.isoflop.lm.train;

import dev.isoflop.lm.checkpoint.AtomicDirectory;
import dev.isoflop.lm.checkpoint.CorruptCheckpointException;
import dev.isoflop.lm.cpu.AdamW;
import dev.isoflop.lm.cpu.CpuModel;
import dev.isoflop.lm.cpu.MemoryPlan;
import dev.isoflop.lm.cpu.Muon;
import dev.isoflop.lm.cpu.ParameterUpdater;
import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.tokens.TokenSource;
import java.io.IOException;
import java.nio.file.Path;

/**
 * Trains one model on the CPU.
 *
 * <p>Concurrency: one thread uses a trainer at a time; it has worker threads of its own, so several trainers can run side by side.
 * Weights, losses and checkpoints depend on spec, options and data, not on the number of threads. They are bitwise reproducible on
 * machines with the same vector width.
 *
 * <p>Crash behaviour: {@link #save} writes a whole checkpoint or none ({@link AtomicDirectory}). What follows a {@link #resume} is
 * bitwise what would have followed without the interruption.
 */
public final class Trainer implements AutoCloseable {

    private final ModelSpec spec;
    private final TrainingOptions options;
    private final TokenSource train;
    private final BatchOrder order;
    private final CpuModel model;
    private final ParameterUpdater optimizer;
    private final int[] window;
    private long step;

    private Trainer(ModelSpec spec, TrainingOptions options, TokenSource train, int threads) {
        if (options.contextLength() > spec.contextLength()) {
            throw new IllegalArgumentException("contextLength = " + options.contextLength()
                    + " is more than the model's contextLength = " + spec.contextLength());
        }
        if (train.vocabSize() > spec.vocabSize()) {
            throw new IllegalArgumentException(
                    "the data has " + train.vocabSize() + " distinct ids, the model's vocabSize is " + spec.vocabSize()
                            + "; use the vocabulary of the tokenizer that made the data");
        }
        this.spec = spec;
        this.options = options;
        this.train = train;
        this.order = new BatchOrder(options.seed(), train.length(), options.contextLength());
        this.model = new CpuModel(new MemoryPlan(spec, options.batchSequences(), options.contextLength(), threads));
        this.optimizer = switch (options.optimizer()) {
            case ADAMW -> new AdamW(model);
            case MUON -> new Muon(model);
        };
        this.window = new int[options.contextLength() + 1];
    }

    /**
     * A new run: parameters drawn from {@code options.seed()}.
     *
     * @param threads workers, the calling thread included
     * @throws IllegalArgumentException if spec, options and data do not fit together, naming the field
     */
    public static Trainer create(ModelSpec spec, TrainingOptions options, TokenSource train, int threads) {
        Trainer trainer = new Trainer(spec, options, train, threads);
        Initialiser.initialise(spec, trainer.model.plan().layout(), options.seed(), trainer.model.parameters());
        return trainer;
    }

    /**
     * Goes on from a checkpoint of {@link #save}, with the same data.
     *
     * @throws CorruptCheckpointException if a file is missing, cut short or of another model, or if the data has another length
     */
    public static Trainer resume(Path dir, TokenSource train, int threads) throws IOException {
        TrainerState state = TrainerState.read(dir);
        if (state.dataLength() != train.length()) {
            throw new CorruptCheckpointException(dir + " was trained on " + state.dataLength()
                    + " tokens, the data given has " + train.length() + "; resume with the data it began with");
        }
        Trainer trainer = new Trainer(state.spec(), state.options(), train, threads);
        try {
            TrainerState.readTensors(dir, trainer.model.plan().layout(), trainer.tensors());
            trainer.model.parametersChanged();
        } catch (IOException | RuntimeException e) {
            trainer.close();
            throw e;
        }
        trainer.step = state.step();
        return trainer;
    }

    /** Bytes and FLOPs of training with these options, with no buffer made. */
    public static MemoryPlan plan(ModelSpec spec, TrainingOptions options, int threads) {
        return new MemoryPlan(spec, options.batchSequences(), options.contextLength(), threads);
    }

    /** The model being trained. */
    public ModelSpec spec() {
        return spec;
    }

    /** How it is trained. */
    public TrainingOptions options() {
        return options;
    }

    /** Steps completed. */
    public long stepsDone() {
        return step;
    }

    /** Tokens seen since the run began. */
    public long tokensSeen() {
        return step * options.tokensPerStep();
    }

    /** Parameters, laid out as {@code plan().layout()}; for reading between steps. */
    public float[] parameters() {
        return model.parameters();
    }

    /** One optimizer step: passes over the next batch, clipping, update. A loss that is not finite is a result, not an error. */
    public StepResult step() {
        int accumulation = options.gradientAccumulation();
        double targets = options.tokensPerStep();
        double sum = 0;
        for (int pass = 0; pass < accumulation; pass++) {
            long first = (step * accumulation + pass) * options.batchSequences();
            for (int i = 0; i < options.batchSequences(); i++) {
                train.read(order.start(first + i), window, 0, window.length);
                model.setSequence(i, window, 0);
            }
            sum += model.lossAndGradients(options.batchSequences(), (float) (1.0 / targets), pass > 0);
        }
        double loss = sum / targets;
        double norm = optimizer.gradientNorm();
        double rate = options.schedule().learningRate(step, options);
        step++;
        StepResult result = new StepResult(
                step,
                loss,
                norm,
                rate,
                tokensSeen(),
                tokensSeen() * spec.trainingFlopsPerToken(options.contextLength()));
        if (result.finite()) {
            double clip =
                    options.gradientClip() > 0 && norm > options.gradientClip() ? options.gradientClip() / norm : 1.0;
            optimizer.step(
                    step, rate, options.beta1(), options.beta2(), options.epsilon(), options.weightDecay(), clip);
        }
        return result;
    }

    /**
     * Mean loss in nats per token over windows of the training context: evenly spread over the source, not overlapping, the same each
     * time. Uses the training buffers between steps and changes no state.
     *
     * @param maxTokens about how many targets to score; all whole windows if the source has fewer
     * @throws IllegalArgumentException if the source has fewer tokens than one window
     */
    public double evaluate(TokenSource source, long maxTokens) {
        int context = options.contextLength();
        long available = (source.length() - 1) / context;
        if (available < 1) {
            throw new IllegalArgumentException("the evaluation data has " + source.length()
                    + " tokens, fewer than one window of contextLength + 1 = " + (context + 1));
        }
        long windows = Math.clamp(maxTokens / context, 1, available);
        double sum = 0;
        for (long w = 0; w < windows; ) {
            int count = (int) Math.min(options.batchSequences(), windows - w);
            for (int i = 0; i < count; i++, w++) {
                source.read(Math.floorDiv(w * available, windows) * context, window, 0, window.length);
                model.setSequence(i, window, 0);
            }
            sum += model.loss(count);
        }
        return sum / ((double) windows * context);
    }

    /**
     * Writes {@code model.safetensors}, {@code config.json}, {@code optimizer.safetensors} and {@code trainer.json} to {@code dir}, which
     * is replaced if it exists. The first two are what the transformers library loads.
     */
    public void save(Path dir) throws IOException {
        TrainerState state = new TrainerState(spec, options, step, train.length());
        AtomicDirectory.write(dir, fresh -> state.write(fresh, model.plan().layout(), tensors()));
    }

    private TrainerState.Tensors tensors() {
        return new TrainerState.Tensors(model.parameters(), optimizer.firstMoments(), optimizer.secondMoments());
    }

    /** Ends the worker threads. */
    @Override
    public void close() {
        model.close();
    }
}
