package dev.isoflop.protocol.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.isoflop.protocol.job.Precision;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the REST API serves about what is not yet trained. N parameters, D tokens, C FLOPs; none of it is stored. */
public final class PlanViews {

    private PlanViews() {}

    /**
     * A sweep for what may be spent.
     *
     * @param design ISOFLOP or OPTIMAL
     * @param precision that all runs are trained in
     * @param target FLOPs of the run that it is for
     * @param sd of ln N* there, once it has ended, if a law in N and D holds up to there; absent without a run
     * @param plannedFlops sum of 6ND
     * @param exactFlops sum of the products of training, attention's and the head's among them
     * @param flopsPerSecond of one device, by which times are reckoned; absent where no device was named
     * @param deviceSeconds of all runs together
     * @param wallSeconds until the last run ends on all devices, the longest begun first
     * @param cost of deviceSeconds; absent without a price
     * @param dropped cells left out
     * @param sweep to be submitted as it is; absent where the request names none, or no cell is left
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record PlannedSweep(
            String design,
            Precision precision,
            double target,
            @Nullable Double sd,
            List<SweepCell> cells,
            List<LeftOutCell> dropped,
            double plannedFlops,
            double exactFlops,
            long tokens,
            @Nullable Double flopsPerSecond,
            int devices,
            @Nullable Double deviceSeconds,
            @Nullable Double wallSeconds,
            @Nullable Double cost,
            SweepSpec.@Nullable IsoFlop sweep) {}

    /**
     * A run to train.
     *
     * @param budget C it belongs to
     * @param model its name in the sweep
     * @param memoryBytes estimate of what it holds in training
     * @param seconds on one device
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record SweepCell(
            double budget,
            String model,
            int dModel,
            int layers,
            long n,
            long d,
            long steps,
            int batchSequences,
            double learningRate,
            double flops,
            double exactFlops,
            long memoryBytes,
            @Nullable Double seconds,
            @Nullable Double cost) {}

    /**
     * A cell that is not run.
     *
     * @param n what its model has
     * @param d what the budget leaves it, budget / 6n
     * @param reason limit it breaks, such as TOO_FEW_STEPS
     * @param sentence the same with the numbers
     */
    public record LeftOutCell(
            double budget, String model, int dModel, long n, double d, String reason, String sentence) {}

    /**
     * What to train next.
     *
     * @param target what is to be known better: OPTIMUM (ln N*), LOSS (ln L) or EXPONENT
     * @param value under the law
     * @param sd of value now
     * @param noise standard deviation of a run's log loss, as given or as found
     * @param runs in the order chosen, each as if those before it had ended; empty if nothing can be afforded
     * @param pays whether the next run saves more than it costs; absent where the target is no budget's
     * @param sentence whether it pays, for people
     * @param caution why that may not be so; absent if nothing speaks against it
     * @param leftOut what could have been chosen but for a limit of the sweep
     * @param addition to be added to the sweep as it is; absent where runs are of any N and D
     * @param unshaped why they are, if they are
     * @param flopsPerSecond of one device, or of a runner without one, as the sweep's finished runs had it; absent if none has finished
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record NextRuns(
            long fitId,
            String target,
            double value,
            double sd,
            double noise,
            List<NextRun> runs,
            @Nullable Boolean pays,
            String sentence,
            @Nullable String caution,
            List<LeftOutCell> leftOut,
            @Nullable SweepAddition addition,
            @Nullable String unshaped,
            @Nullable Double flopsPerSecond) {}

    /**
     * @param flops 6ND
     * @param sdBefore of the target without it
     * @param sdAfter with it
     * @param saves FLOPs at the target's budget that knowing N* so much better saves; absent for other targets
     * @param pays whether it saves more than it costs
     * @param cell the model and its steps; absent where runs are of any N and D
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record NextRun(
            double n,
            double d,
            double flops,
            double sdBefore,
            double sdAfter,
            @Nullable Double saves,
            @Nullable Boolean pays,
            @Nullable SweepCell cell) {}
}
