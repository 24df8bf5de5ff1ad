package dev.isoflop.evals;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class HeldOutLossTests {

    /** A bigram model over 4 tokens that knows how much context it was given. */
    private static final class Bigrams implements LanguageModel {
        private final List<Integer> batches = new ArrayList<>();
        private int longest;

        @Override
        public int vocabSize() {
            return 4;
        }

        @Override
        public int contextLength() {
            return 16;
        }

        @Override
        public List<double[]> tokenLogLikelihoods(List<int[]> sequences) {
            batches.add(sequences.size());
            List<double[]> scored = new ArrayList<>();
            for (int[] tokens : sequences) {
                longest = Math.max(longest, tokens.length);
                double[] row = new double[tokens.length - 1];
                for (int i = 0; i < row.length; i++) {
                    row[i] = logLikelihood(tokens[i], tokens[i + 1]);
                }
                scored.add(row);
            }
            return scored;
        }

        static double logLikelihood(int before, int token) {
            double[] weights = new double[4];
            double total = 0;
            for (int t = 0; t < 4; t++) {
                weights[t] = 1 + (t * 3 + before * 5) % 7;
                total += weights[t];
            }
            return Math.log(weights[token] / total);
        }
    }

    private record Text(int[] tokens, long bytes, long[] documentStarts) implements HeldOutTokens {
        @Override
        public long length() {
            return tokens.length;
        }

        @Override
        public void read(long position, int[] target, int count) {
            System.arraycopy(tokens, (int) position, target, 0, count);
        }
    }

    private static int[] tokens(int count) {
        int[] tokens = new int[count];
        for (int i = 0; i < count; i++) {
            tokens[i] = (i * i + i / 3) % 4;
        }
        return tokens;
    }

    private static double direct(int[] tokens) {
        double sum = 0;
        for (int i = 0; i + 1 < tokens.length; i++) {
            sum -= Bigrams.logLikelihood(tokens[i], tokens[i + 1]);
        }
        return sum / (tokens.length - 1);
    }

    @Test
    void everyTokenButTheFirstIsPredictedOnceWhateverTheWindow() {
        int[] tokens = tokens(101);
        for (int context : new int[] {1, 3, 7, 10, 16}) {
            Bigrams model = new Bigrams();
            HeldOutLoss.Result result =
                    HeldOutLoss.measure(model, new Text(tokens, 303, new long[0]), HeldOutLoss.Options.all(context, 4));

            assertThat(result.tokens()).isEqualTo(100);
            assertThat(result.natsPerToken()).isCloseTo(direct(tokens), within(1e-12));
            assertThat(result.bitsPerByte()).isCloseTo(direct(tokens) / Math.log(2) * 101 / 303, within(1e-12));
            assertThat(model.longest).isEqualTo(context + 1);
            assertThat(model.batches).allMatch(size -> size <= 4);
            assertThat(result.byDocument()).isFalse();
            assertThat(result.blocks()).isEqualTo((100 + context - 1) / context);
        }
    }

    @Test
    void theStandardErrorGoesByDocumentWhereDocumentsAreKnown() {
        // two kinds of document: within one all tokens cost the same
        int[] tokens = new int[61];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = i <= 20 ? 0 : i <= 40 ? 1 : 2;
        }
        long[] starts = {0, 21, 21, 41};

        HeldOutLoss.Result result =
                HeldOutLoss.measure(new Bigrams(), new Text(tokens, 100, starts), HeldOutLoss.Options.all(8, 2));

        assertThat(result.byDocument()).isTrue();
        assertThat(result.blocks()).isEqualTo(3);
        double a = -20 * Bigrams.logLikelihood(0, 0);
        double b = -Bigrams.logLikelihood(0, 1) - 19 * Bigrams.logLikelihood(1, 1);
        double c = -Bigrams.logLikelihood(1, 2) - 19 * Bigrams.logLikelihood(2, 2);
        double mean = (a + b + c) / 60;
        double squares = Math.pow(a - 20 * mean, 2) + Math.pow(b - 20 * mean, 2) + Math.pow(c - 20 * mean, 2);
        assertThat(result.natsPerToken()).isCloseTo(mean, within(1e-12));
        assertThat(result.standardError()).isCloseTo(Math.sqrt(squares * 3 / 2) / 60, within(1e-12));
    }

    @Test
    void aLimitTakesWindowsFromAllOverTheText() {
        int[] tokens = new int[1001];
        for (int i = 501; i < tokens.length; i++) {
            tokens[i] = 1;
        }
        HeldOutLoss.Result result = HeldOutLoss.measure(
                new Bigrams(), new Text(tokens, 1001, new long[0]), new HeldOutLoss.Options(10, 3, 100));

        assertThat(result.tokens()).isEqualTo(100);
        assertThat(result.blocks()).isEqualTo(10);
        // half the windows from each half
        double half = -(Bigrams.logLikelihood(0, 0) + Bigrams.logLikelihood(1, 1)) / 2;
        assertThat(result.natsPerToken()).isCloseTo(half, within(0.03));
    }

    @Test
    void whatCannotBeMeasuredIsRefused() {
        Text one = new Text(new int[] {1}, 1, new long[0]);
        assertThatThrownBy(() -> HeldOutLoss.measure(new Bigrams(), one, HeldOutLoss.Options.all(4, 1)))
                .hasMessageContaining("at least 2 tokens");
        Text text = new Text(tokens(50), 50, new long[0]);
        assertThatThrownBy(() -> HeldOutLoss.measure(new Bigrams(), text, HeldOutLoss.Options.all(17, 1)))
                .hasMessageContaining("longer than the model's 16");
        assertThatThrownBy(() -> HeldOutLoss.Options.all(0, 1)).isInstanceOf(IllegalArgumentException.class);
    }
}
