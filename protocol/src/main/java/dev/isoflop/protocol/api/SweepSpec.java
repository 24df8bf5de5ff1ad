package dev.isoflop.protocol.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonTypeName;
import dev.isoflop.protocol.job.CommandSpec;
import dev.isoflop.protocol.job.LearningRateSchedule;
import dev.isoflop.protocol.job.Optimizer;
import dev.isoflop.protocol.job.Precision;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A sweep as a person writes it. Absent fields have the documented defaults, filled in by the platform. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "kind")
@JsonSubTypes({
    @JsonSubTypes.Type(value = SweepSpec.IsoFlop.class, name = "isoflop"),
    @JsonSubTypes.Type(value = SweepSpec.Command.class, name = "command"),
})
public sealed interface SweepSpec {

    /** Unique within its experiment. */
    String name();

    /** Experiment the sweep is filed under; made on first use. */
    String experiment();

    /** The same without the values of secrets: what may be shown. */
    SweepSpec masked();

    /**
     * Model sizes trained at fixed compute budgets (Hoffmann et al. 2022, approach 2).
     *
     * @param name unique within the experiment
     * @param experiment folder of work; default {@code default}
     * @param dataset what to train on
     * @param contextLength tokens per sequence; default 128
     * @param models ladder of model sizes, named
     * @param budgets compute budgets, each with the models to train at it. A budget may appear several times, with another
     *     recipe (batchSequences, learningRate) each time; a fit then takes the best recipe of each model
     * @param replicates extra seeds at single points, so that the noise is known
     * @param training optimisation settings shared by all runs
     * @param flopRule what C counts; default {@code 6ND}
     * @param countEmbeddings whether N in C = 6ND counts the embedding matrix; default true
     * @param target compute budget to predict the optimum for
     * @param maxEpochs most passes over the training split a run may make; default 1, so that repetition is asked for
     * @param pool runners that may execute it; default {@code default}
     * @param priority larger goes first; default 0
     * @param retries budgets of retries
     * @param stallAfterSeconds without a step after which a run counts as stalled; default: what the runner derives, at least 10 min
     */
    @JsonTypeName("isoflop")
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record IsoFlop(
            String name,
            @JsonProperty(defaultValue = DEFAULT_EXPERIMENT) String experiment,
            DatasetSpec dataset,
            @Nullable Integer contextLength,
            List<ModelEntry> models,
            List<BudgetEntry> budgets,
            @Nullable List<Replicate> replicates,
            @Nullable TrainingEntry training,
            @Nullable String flopRule,
            @Nullable Boolean countEmbeddings,
            @Nullable Double target,
            @Nullable Double maxEpochs,
            @Nullable String pool,
            @Nullable Integer priority,
            @Nullable Retries retries,
            @Nullable Integer stallAfterSeconds)
            implements SweepSpec {

        /** Experiment of a sweep that names none. */
        public static final String DEFAULT_EXPERIMENT = "default";

        public IsoFlop {
            // absent from the file, it arrives as null whatever its declared type
            experiment = experiment == null ? DEFAULT_EXPERIMENT : experiment;
        }

        @Override
        public IsoFlop masked() {
            return this;
        }
    }

    /**
     * A program run with every combination of parameters: any trainer, see {@link dev.isoflop.protocol.job.CommandSpec}.
     *
     * @param name unique within the experiment
     * @param experiment folder of work; default {@code default}
     * @param command program and arguments, not read by a shell; <code>{name}</code> stands for a parameter's value, <code>{{</code>
     *     and <code>}}</code> for single braces
     * @param parameters by name: lists make a grid, ranges are drawn
     * @param search how ranges are drawn
     * @param environment variables of the program; <code>{name}</code> as in the command, but not in secrets
     * @param secrets names in environment whose values are never shown
     * @param files text files put into the working directory, by path
     * @param outputs globs of files to keep when a run has succeeded
     * @param gpus devices each run has for itself; default 0
     * @param memoryBytes memory a run needs of the machine, for the claim; default 0, unknown
     * @param metricPrefix put before the name of each metric; default none
     * @param checkpointDirectory under the working directory; default {@code checkpoints}
     * @param graceSeconds most seconds between SIGTERM and SIGKILL; default 30
     * @param pool runners that may execute it; default {@code default}
     * @param priority larger goes first; default 0
     * @param retries budgets of retries
     * @param stallAfterSeconds without a step after which a run counts as stalled; default: what the runner derives, at least 10 min
     */
    @JsonTypeName("command")
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Command(
            String name,

            @JsonProperty(defaultValue = IsoFlop.DEFAULT_EXPERIMENT)
            String experiment,

            List<String> command,
            @Nullable Map<String, ParameterEntry> parameters,
            @Nullable Search search,
            @Nullable Map<String, String> environment,
            @Nullable List<String> secrets,
            @Nullable Map<String, String> files,
            @Nullable List<String> outputs,
            @Nullable Integer gpus,
            @Nullable Long memoryBytes,
            @Nullable String metricPrefix,
            @Nullable String checkpointDirectory,
            @Nullable Integer graceSeconds,
            @Nullable String pool,
            @Nullable Integer priority,
            @Nullable Retries retries,
            @Nullable Integer stallAfterSeconds)
            implements SweepSpec {

        public Command {
            // absent from the file, it arrives as null whatever its declared type
            experiment = experiment == null ? IsoFlop.DEFAULT_EXPERIMENT : experiment;
        }

        @Override
        public Command masked() {
            return environment == null || secrets == null
                    ? this
                    : withEnvironment(CommandSpec.masked(environment, secrets));
        }

        /** The same with the secrets of an earlier version where this has only their mask: it was looked at and sent back. */
        public Command unmasked(Command before) {
            if (environment == null || before.environment() == null) {
                return this;
            }
            Map<String, String> known = before.environment();
            Map<String, String> own = new LinkedHashMap<>(environment);
            own.replaceAll(
                    (variable, value) -> CommandSpec.MASK.equals(value) ? known.getOrDefault(variable, value) : value);
            return withEnvironment(own);
        }

        private Command withEnvironment(Map<String, String> other) {
            return new Command(
                    name,
                    experiment,
                    command,
                    parameters,
                    search,
                    other,
                    secrets,
                    files,
                    outputs,
                    gpus,
                    memoryBytes,
                    metricPrefix,
                    checkpointDirectory,
                    graceSeconds,
                    pool,
                    priority,
                    retries,
                    stallAfterSeconds);
        }
    }

    /**
     * Values of a parameter: a list, or a range.
     *
     * @param values text, numbers, true or false
     * @param min least value of the range
     * @param max largest
     * @param scale default LINEAR; LOG spreads the logarithms
     * @param integer whether only whole numbers are drawn, both ends among them; default false
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record ParameterEntry(
            @Nullable List<Object> values,
            @Nullable Double min,
            @Nullable Double max,
            @Nullable Scale scale,
            @Nullable Boolean integer) {}

    /** How a range is spread. */
    enum Scale {
        LINEAR,
        LOG
    }

    /**
     * How ranges are drawn, all of them together. Each draw is combined with each cell of the grid that the lists make.
     *
     * @param method default HALTON
     * @param count draws; default 10
     * @param seed of RANDOM; default 1
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Search(
            @Nullable Method method,
            @Nullable Integer count,
            @Nullable Long seed) {}

    /** How points are chosen in ranges. */
    enum Method {
        /** Independent and uniform. */
        RANDOM,
        /** Halton's sequence, which covers evenly however many points are taken. */
        HALTON
    }

    /**
     * @param corpus {@code npm:PACKAGE} or a path readable by the runners
     * @param vocabSize tokenizer size, special tokens included; default 1,024
     * @param validationModulus see {@link dev.isoflop.protocol.job.DataSpec}; default 12
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record DatasetSpec(
            String corpus,
            @Nullable Integer vocabSize,
            @Nullable Integer validationModulus) {}

    /**
     * One rung of the ladder.
     *
     * @param name how budgets refer to it; default {@code d<dModel>}
     * @param dModel width of the residual stream
     * @param layers number of blocks
     * @param heads query heads; default by the planner's rule
     * @param kvHeads key/value heads; default the query heads
     * @param dFf hidden width of the feed-forward; default 8/3 of dModel rounded up to a multiple of 8
     * @param tiedEmbeddings default true
     * @param qkNorm default false
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record ModelEntry(
            @Nullable String name,
            int dModel,
            int layers,
            @Nullable Integer heads,
            @Nullable Integer kvHeads,
            @Nullable Integer dFf,
            @Nullable Boolean tiedEmbeddings,
            @Nullable Boolean qkNorm) {}

    /**
     * Models trained at one budget by one recipe.
     *
     * @param flops compute budget C, in FLOPs
     * @param batchSequences sequences per step at this budget
     * @param models names of the rungs trained at it; default all
     * @param learningRate default the sweep's
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record BudgetEntry(
            double flops,
            int batchSequences,
            @Nullable List<String> models,
            @Nullable Double learningRate) {}

    /**
     * @param flops one of the budgets
     * @param model name of a rung trained at it
     * @param batchSequences of the recipe meant; needed only where the model has several at that budget
     * @param learningRate of the recipe meant, likewise
     * @param seeds all the seeds of that point
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Replicate(
            double flops,
            String model,
            @Nullable Integer batchSequences,
            @Nullable Double learningRate,
            List<Long> seeds) {}

    /** Optimisation settings; each default is the reference recipe of the demo. */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record TrainingEntry(
            @Nullable Double learningRate,
            @Nullable Double finalLearningRateFraction,
            @Nullable Double warmupFraction,
            @Nullable LearningRateSchedule schedule,
            @Nullable Double beta1,
            @Nullable Double beta2,
            @Nullable Double epsilon,
            @Nullable Double weightDecay,
            @Nullable Double gradientClip,
            @Nullable Long seed,
            @Nullable Integer metricsEverySteps,
            @Nullable Long evalEverySteps,
            @Nullable Long evalTokens,
            @Nullable Long checkpointEverySeconds,
            @Nullable Precision precision,
            @Nullable Optimizer optimizer) {

        /** In that precision, all else by default. */
        public static TrainingEntry in(Precision precision) {
            return new TrainingEntry(
                    null, null, null, null, null, null, null, null, null, null, null, null, null, null, precision,
                    null);
        }
    }

    /**
     * @param failures retries after failures of the work itself; default 2
     * @param preemptions retries after preemptions; default 100
     * @param infrastructure retries after lost runners and machines; default 10
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Retries(
            @Nullable Integer failures,
            @Nullable Integer preemptions,
            @Nullable Integer infrastructure) {}
}
