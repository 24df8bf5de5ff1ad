package dev.isoflop.evals.stats;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A mean over items that come in blocks and are alike within one, such as the tokens of a document: the ratio of the blocks' sums, with
 * the standard error of a ratio over blocks (Cochran, Sampling Techniques, 1977, eq. 6.9, without the finite population).
 *
 * <p>With L = Σ sum_b / Σ n_b over B blocks: {@code SE(L) = sqrt(B / (B − 1) · Σ (sum_b − L·n_b)²) / Σ n_b}. For blocks of one item this is
 * the usual standard error of a mean. For one thread.
 */
public final class BlockedMean {

    private static final class Block {
        private double sum;
        private double weight;
    }

    private final Map<Long, Block> blocks = new LinkedHashMap<>();
    private double sum;
    private double weight;

    /** Adds items of total {@code sum} and number {@code weight} to a block; calls for one block add up. */
    public void add(long block, double itemsSum, double itemsWeight) {
        Block into = blocks.computeIfAbsent(block, b -> new Block());
        into.sum += itemsSum;
        into.weight += itemsWeight;
        sum += itemsSum;
        weight += itemsWeight;
    }

    /** Blocks seen. */
    public int blocks() {
        return blocks.size();
    }

    /** Items seen. */
    public double weight() {
        return weight;
    }

    /** The mean of all items; NaN if there are none. */
    public double mean() {
        return sum / weight;
    }

    /** Of the mean; NaN with fewer than two blocks. */
    public double standardError() {
        int count = blocks.size();
        if (count < 2) {
            return Double.NaN;
        }
        double mean = mean();
        double squares = 0;
        for (Block block : blocks.values()) {
            double residual = block.sum - mean * block.weight;
            squares += residual * residual;
        }
        return Math.sqrt(squares * count / (count - 1.0)) / weight;
    }
}
