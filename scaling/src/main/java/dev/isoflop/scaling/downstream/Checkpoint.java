package dev.isoflop.scaling.downstream;

import java.util.ArrayList;
import java.util.List;

/**
 * What a model in training made of a task.
 *
 * @param run that it is of; its checkpoints are resampled together
 * @param bpb loss on the right answers, bits per byte
 * @param accuracy share of right answers, 0 to 1
 */
public record Checkpoint(String run, double bpb, double accuracy) {

    public Checkpoint {
        if (!(bpb > 0) || Double.isInfinite(bpb)) {
            throw new IllegalArgumentException("bits per byte must be positive and finite, was " + bpb);
        }
        if (!(accuracy >= 0 && accuracy <= 1)) {
            throw new IllegalArgumentException("accuracy must lie between 0 and 1, was " + accuracy);
        }
    }

    /**
     * The checkpoints of one run as they are fitted: the first of them left out, the others averaged with up to {@code window - 1} before them that were not
     * (Bhagia et al. 2024: 0.1 and 5).
     *
     * @param bpb by time
     * @param accuracy by time
     * @param skip share left out, rounded up
     * @param window checkpoints averaged, at least 1
     */
    public static List<Checkpoint> ofRun(String run, double[] bpb, double[] accuracy, double skip, int window) {
        if (bpb.length != accuracy.length) {
            throw new IllegalArgumentException(bpb.length + " losses for " + accuracy.length + " accuracies");
        }
        if (!(skip >= 0 && skip < 1)) {
            throw new IllegalArgumentException("skip must be at least 0 and below 1, was " + skip);
        }
        if (window < 1) {
            throw new IllegalArgumentException("window must be at least 1, was " + window);
        }
        int first = (int) Math.ceil(skip * bpb.length);
        List<Checkpoint> kept = new ArrayList<>();
        for (int i = first; i < bpb.length; i++) {
            int from = Math.max(first, i - window + 1);
            double loss = 0;
            double right = 0;
            for (int j = from; j <= i; j++) {
                loss += bpb[j];
                right += accuracy[j];
            }
            kept.add(new Checkpoint(run, loss / (i - from + 1), right / (i - from + 1)));
        }
        return kept;
    }
}
