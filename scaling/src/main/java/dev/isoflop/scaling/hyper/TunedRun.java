package dev.isoflop.scaling.hyper;

/**
 * A run of a grid of learning rates and batches.
 *
 * @param N parameters
 * @param D training tokens
 * @param rate peak learning rate
 * @param batch tokens a step
 * @param loss nats per token at the end
 */
public record TunedRun(double N, double D, double rate, double batch, double loss) {

    public TunedRun {
        requirePositive("N", N);
        requirePositive("D", D);
        requirePositive("rate", rate);
        requirePositive("batch", batch);
        requirePositive("loss", loss);
    }

    private static void requirePositive(String name, double value) {
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(name + " must be positive and finite, was " + value);
        }
    }

    /** Runs of one model and length are compared with each other alone. */
    Cell cell() {
        return new Cell(N, D);
    }

    /**
     * @param N parameters
     * @param D training tokens
     */
    record Cell(double N, double D) implements Comparable<Cell> {

        @Override
        public int compareTo(Cell other) {
            int byN = Double.compare(N, other.N);
            return byN != 0 ? byN : Double.compare(D, other.D);
        }
    }
}
