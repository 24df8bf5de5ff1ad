package dev.isoflop.evals;

import dev.isoflop.evals.stats.BlockedMean;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The loss of a model on held-out text.
 *
 * <p>The text is cut into windows of {@code context} predictions that follow each other: window k reads the tokens
 * {@code [k·T, k·T + T]} and predicts the last T of them. Every token but the first of all is predicted once, from up to T tokens before
 * it, on average from half of that: less than a sliding window would give, and what training measures.
 */
public final class HeldOutLoss {

    /**
     * How to measure.
     *
     * @param context T, predictions a window; at most the model's context length
     * @param batch windows a call of the model
     * @param maxTokens predictions at most: the windows taken are then spread evenly over the text; {@link Long#MAX_VALUE} for all
     */
    public record Options(int context, int batch, long maxTokens) {
        public Options {
            if (context < 1 || batch < 1 || maxTokens < 1) {
                throw new IllegalArgumentException("context, batch and maxTokens must be at least 1: " + context + ", "
                        + batch + ", " + maxTokens);
            }
        }

        /** All of the text. */
        public static Options all(int context, int batch) {
            return new Options(context, batch, Long.MAX_VALUE);
        }
    }

    /**
     * What was measured.
     *
     * @param natsPerToken L, mean negative log-likelihood of the predicted tokens
     * @param standardError of L, from how documents differ (windows, where documents are not known or fewer than two were seen);
     *     NaN with fewer than two of either
     * @param bitsPerByte L over ln 2, times tokens a byte of this text
     * @param tokens predictions made
     * @param blocks documents or windows the standard error is from
     * @param byDocument whether blocks are documents
     */
    public record Result(
            double natsPerToken,
            double standardError,
            double bitsPerByte,
            long tokens,
            int blocks,
            boolean byDocument) {}

    private HeldOutLoss() {}

    /**
     * Measures the loss.
     *
     * @throws IllegalArgumentException if there are fewer than two tokens, or the context is longer than the model's
     */
    public static Result measure(LanguageModel model, HeldOutTokens text, Options options) {
        if (text.length() < 2) {
            throw new IllegalArgumentException("a loss needs at least 2 tokens, there are " + text.length());
        }
        if (options.context() > model.contextLength()) {
            throw new IllegalArgumentException(
                    "context " + options.context() + " is longer than the model's " + model.contextLength());
        }
        int context = options.context();
        long predictions = text.length() - 1;
        long windows = (predictions + context - 1) / context;
        long taken = Math.max(1, Math.min(windows, options.maxTokens() / context));
        long[] starts = text.documentStarts();
        BlockedMean byWindow = new BlockedMean();
        BlockedMean byDocument = new BlockedMean();
        List<int[]> batch = new ArrayList<>();
        List<Long> positions = new ArrayList<>();
        for (long w = 0; w < taken; w++) {
            // floor(w · windows / taken), in two parts because the product can overflow
            long window = w * (windows / taken) + w * (windows % taken) / taken;
            long position = window * context;
            int[] tokens = new int[(int) Math.min(context + 1L, text.length() - position)];
            text.read(position, tokens, tokens.length);
            batch.add(tokens);
            positions.add(position);
            if (batch.size() == options.batch() || w == taken - 1) {
                score(model, batch, positions, starts, byWindow, byDocument);
                batch.clear();
                positions.clear();
            }
        }
        boolean documents = byDocument.blocks() >= 2;
        BlockedMean blocks = documents ? byDocument : byWindow;
        double nats = byWindow.mean();
        double bitsPerByte = nats / Math.log(2) * text.length() / text.bytes();
        return new Result(
                nats, blocks.standardError(), bitsPerByte, (long) byWindow.weight(), blocks.blocks(), documents);
    }

    private static void score(
            LanguageModel model,
            List<int[]> batch,
            List<Long> positions,
            long[] starts,
            BlockedMean byWindow,
            BlockedMean byDocument) {
        List<double[]> scored = model.tokenLogLikelihoods(List.copyOf(batch));
        if (scored.size() != batch.size()) {
            throw new IllegalStateException("the model scored " + scored.size() + " of " + batch.size() + " sequences");
        }
        for (int b = 0; b < scored.size(); b++) {
            double[] logLikelihoods = scored.get(b);
            if (logLikelihoods.length != batch.get(b).length - 1) {
                throw new IllegalStateException("the model scored " + logLikelihoods.length + " of "
                        + (batch.get(b).length - 1) + " predictions");
            }
            double sum = 0;
            for (int i = 0; i < logLikelihoods.length; i++) {
                sum -= logLikelihoods[i];
                if (starts.length > 0) {
                    byDocument.add(document(starts, positions.get(b) + i + 1), -logLikelihoods[i], 1);
                }
            }
            byWindow.add(positions.get(b), sum, logLikelihoods.length);
        }
    }

    private static long document(long[] starts, long position) {
        int found = Arrays.binarySearch(starts, position);
        if (found < 0) {
            return -found - 2L;
        }
        // empty documents share their start with the next: the last of them holds the token
        while (found + 1 < starts.length && starts[found + 1] == position) {
            found++;
        }
        return found;
    }
}
