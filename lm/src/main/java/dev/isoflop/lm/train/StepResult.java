package dev.isoflop.lm.train;

/**
 * What one optimizer step did.
 *
 * @param step steps completed, this one included
 * @param loss mean nats per token of the step's batch, before the update
 * @param gradNorm global gradient norm before clipping
 * @param learningRate used for the update
 * @param tokens tokens seen since the run began
 * @param flops FLOPs spent since the run began, see {@link dev.isoflop.lm.model.ModelSpec#trainingFlopsPerToken}
 */
public record StepResult(long step, double loss, double gradNorm, double learningRate, long tokens, double flops) {

    /** Whether loss and gradient are numbers. If not, the run has diverged: the update was left out and weights are those before it. */
    public boolean finite() {
        return Double.isFinite(loss) && Double.isFinite(gradNorm);
    }
}
