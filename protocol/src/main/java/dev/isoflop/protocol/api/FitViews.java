package dev.isoflop.protocol.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What the REST API serves about fits. N parameters, D tokens, C FLOPs, L nats per token; lnX is a natural log. */
public final class FitViews {

    private FitViews() {}

    /**
     * An immutable, input-hashed result.
     *
     * @param method isoflop (approach 2) or parametric (approach 3)
     * @param status converged or refused
     * @param refusal why there are no parameters, if there are none
     * @param level coverage the intervals aim at, such as 0.95
     * @param parameters the law's, each with its interval
     * @param budgets for isoflop: one parabola per budget
     * @param target optimum at the sweep's target budget
     * @param frontier N* and D* with their band over a grid of C, for drawing
     * @param points what was fitted, one per run
     * @param excluded runs left out, with reasons
     * @param options every option of the fit, as stored; {@code recipes} is the rule by which one of a cell's recipes is
     *     chosen, {@code lowest-mean-loss}
     * @param diagnostics named numbers, such as the objective at the optimum
     * @param warnings sentences a reader must see beside the figures, such as a far extrapolation
     * @param inputHash SHA-256 over points and options
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Fit(
            long id,
            long sweepId,
            String method,
            String status,
            @Nullable Refusal refusal,
            double level,
            List<Estimate> parameters,
            List<Budget> budgets,
            @Nullable Optimum target,
            List<FrontierPoint> frontier,
            List<Point> points,
            List<Excluded> excluded,
            Map<String, Object> options,
            Map<String, Double> diagnostics,
            List<String> warnings,
            String inputHash,
            Instant createdAt) {}

    public record Refusal(String code, String message) {}

    public record Estimate(String name, double value, double low, double high) {}

    /**
     * One IsoFLOP curve.
     *
     * @param flops C
     * @param a with b and c: L = a·(ln N)² + b·ln N + c; absent when refused
     * @param nMin smallest N sampled
     * @param nMax largest N sampled
     * @param optimum vertex with its interval
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Budget(
            double flops,
            @Nullable Double a,
            @Nullable Double b,
            @Nullable Double c,
            double nMin,
            double nMax,
            @Nullable Optimum optimum,
            @Nullable Refusal refusal) {}

    /** N*, D* and L at a budget, each with its interval. */
    public record Optimum(double flops, Estimate n, Estimate d, Estimate loss) {}

    /** @param extrapolated whether C lies outside the budgets that were fitted */
    public record FrontierPoint(
            double flops,
            double n,
            double nLow,
            double nHigh,
            double d,
            double dLow,
            double dHigh,
            double loss,
            double lossLow,
            double lossHigh,
            boolean extrapolated) {}

    /**
     * @param batchSequences sequences a step of its recipe; of a cell trained with several recipes the points are those of
     *     the one with the lowest mean loss
     * @param learningRate peak of its recipe
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Point(
            long runId,
            String name,
            double n,
            double nNonEmbedding,
            double d,
            double flops,
            double budget,
            long seed,
            @Nullable Integer batchSequences,
            @Nullable Double learningRate,
            double loss) {}

    public record Excluded(long runId, String name, String reason) {}

    /**
     * @param method isoflop, parametric, or both when absent
     * @param target compute budget to predict for; default the sweep's
     * @param countEmbeddings which N to fit; default the sweep's convention
     * @param bootstraps resamples for the intervals; default 1,000
     * @param level coverage; default 0.95
     * @param exclude runs to leave out, each with a reason that is stored
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record CreateFit(
            @Nullable String method,
            @Nullable Double target,
            @Nullable Boolean countEmbeddings,
            @Nullable Integer bootstraps,
            @Nullable Double level,
            @Nullable List<Exclusion> exclude) {}

    public record Exclusion(long runId, String reason) {}
}
