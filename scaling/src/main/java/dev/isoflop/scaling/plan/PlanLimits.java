package dev.isoflop.scaling.plan;

/**
 * What a cell must keep to; one that does not is dropped with its reason.
 *
 * @param minSteps optimizer steps below which a run measures its warm-up
 * @param minTokensPerParameter least D / N
 * @param maxTokensPerParameter most D / N
 * @param maxEpochs most passes over the training tokens; repeated data is worth less than the law takes it for (about 4
 *     passes are nearly as good as fresh text, Muennighoff et al. 2023)
 * @param memoryBytes what a run may hold; {@link Long#MAX_VALUE} for no limit
 */
public record PlanLimits(
        long minSteps, double minTokensPerParameter, double maxTokensPerParameter, double maxEpochs, long memoryBytes) {

    /** 50 steps, 0.05 to 1,000 tokens a parameter, 4 epochs, any memory. */
    public static PlanLimits defaults() {
        return new PlanLimits(50, 0.05, 1000, 4, Long.MAX_VALUE);
    }

    public PlanLimits withMaxEpochs(double epochs) {
        return new PlanLimits(minSteps, minTokensPerParameter, maxTokensPerParameter, epochs, memoryBytes);
    }

    public PlanLimits withMemoryBytes(long bytes) {
        return new PlanLimits(minSteps, minTokensPerParameter, maxTokensPerParameter, maxEpochs, bytes);
    }
}
