package dev.isoflop.platform.sweeps;

import dev.isoflop.db.run.NewRun;
import dev.isoflop.platform.shared.idempotency.Idempotency;
import dev.isoflop.protocol.api.SweepSpec;
import dev.isoflop.protocol.job.DatasetRef;
import dev.isoflop.protocol.job.JobResult;
import dev.isoflop.protocol.job.JobSpec;
import dev.isoflop.protocol.job.LearningRateSchedule;
import dev.isoflop.protocol.job.Optimizer;
import dev.isoflop.protocol.job.Precision;
import dev.isoflop.protocol.job.PretrainSpec;
import dev.isoflop.protocol.job.TrainingSettings;
import dev.isoflop.scaling.plan.PlannedCell;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/** Turns the planned cells of an IsoFLOP sweep into runs to be queued, with the defaults of what the sweep does not say. */
@Component
class PretrainRuns {

    private static final long DEFAULT_EVAL_TOKENS = 8_192;
    private static final long DEFAULT_CHECKPOINT_SECONDS = 30;
    /** A series of about this many points shows all there is to see. */
    private static final long METRIC_POINTS = 1_000;

    private static final long EVALUATIONS = 10;

    private final JsonMapper json;

    /**
     * A dataset that may be trained on.
     *
     * @param id hash of its options
     */
    record Ready(String id, JobResult.Dataset detail) {}

    PretrainRuns(JsonMapper json) {
        this.json = json;
    }

    /**
     * @param dataset what it trains on
     * @param pool whose runners may train it
     */
    NewRun run(long sweepId, SweepSpec.IsoFlop spec, SweepPlanning.NamedCell named, String pool, Ready dataset) {
        PlannedCell cell = named.cell();
        SweepSpec.@Nullable TrainingEntry t = spec.training();
        TrainingSettings training = new TrainingSettings(
                cell.batchSequences(),
                cell.steps(),
                cell.learningRate(),
                or(t == null ? null : t.finalLearningRateFraction(), 0.1),
                or(t == null ? null : t.warmupFraction(), 0.1),
                t == null || t.schedule() == null ? LearningRateSchedule.COSINE : t.schedule(),
                or(t == null ? null : t.beta1(), 0.9),
                or(t == null ? null : t.beta2(), 0.95),
                or(t == null ? null : t.epsilon(), 1e-8),
                or(t == null ? null : t.weightDecay(), 0.1),
                or(t == null ? null : t.gradientClip(), 1.0),
                precision(spec),
                optimizer(spec));
        Integer metrics = t == null ? null : t.metricsEverySteps();
        Long evalEvery = t == null ? null : t.evalEverySteps();
        Long evalTokens = t == null ? null : t.evalTokens();
        Long checkpoint = t == null ? null : t.checkpointEverySeconds();
        PretrainSpec job = new PretrainSpec(
                ModelDefaults.wire(cell.shape()),
                training,
                cell.seed(),
                new DatasetRef(dataset.id(), dataset.detail().files()),
                metrics == null ? (int) Math.max(1, cell.steps() / METRIC_POINTS) : metrics,
                evalEvery == null ? Math.max(1, cell.steps() / EVALUATIONS) : evalEvery,
                evalTokens == null ? DEFAULT_EVAL_TOKENS : evalTokens,
                checkpoint == null ? DEFAULT_CHECKPOINT_SECONDS : checkpoint);
        return new NewRun(
                sweepId,
                named.name(),
                "pretrain",
                json.writerFor(JobSpec.class).writeValueAsString(job),
                pool,
                spec.priority() == null ? 0 : spec.priority(),
                null,
                cell.memory().total(),
                new NewRun.Size(
                        cell.parameters().total(),
                        cell.parameters().nonEmbedding(),
                        cell.D(),
                        cell.plannedFlops(),
                        cell.exactFlops(),
                        cell.budget(),
                        cell.tokensPerStep(),
                        cell.steps()),
                cell.seed(),
                cell.learningRate(),
                comparability(spec, dataset),
                retries(spec.retries()));
    }

    static NewRun.Retries retries(SweepSpec.@Nullable Retries retries) {
        return retries == null
                ? NewRun.Retries.DEFAULT
                : new NewRun.Retries(
                        retries.failures() == null ? 2 : retries.failures(),
                        retries.preemptions() == null ? 100 : retries.preemptions(),
                        retries.infrastructure() == null ? 10 : retries.infrastructure());
    }

    static Precision precision(SweepSpec.IsoFlop spec) {
        SweepSpec.@Nullable TrainingEntry t = spec.training();
        return t == null || t.precision() == null ? Precision.FP32 : t.precision();
    }

    private static Optimizer optimizer(SweepSpec.IsoFlop spec) {
        SweepSpec.@Nullable TrainingEntry t = spec.training();
        return t == null || t.optimizer() == null ? Optimizer.ADAMW : t.optimizer();
    }

    /** Losses share a fit only where all of this agrees; the final evaluation is always the whole held-out split. */
    private static String comparability(SweepSpec.IsoFlop spec, Ready dataset) {
        Optimizer optimizer = optimizer(spec);
        // AdamW is not named: hashes from before there was a choice stay what they are
        String others = optimizer == Optimizer.ADAMW
                ? ""
                : "\noptimizer " + optimizer.name().toLowerCase(Locale.ROOT);
        return Idempotency.hash(String.join(
                "\n",
                "tokenizer " + dataset.detail().tokenizerHash(),
                "data " + dataset.id(),
                "context " + SweepPlanning.contextLength(spec),
                "precision " + precision(spec).name().toLowerCase(Locale.ROOT),
                "eval held-out whole" + others));
    }

    private static double or(@Nullable Double value, double usual) {
        return value == null ? usual : value;
    }
}
