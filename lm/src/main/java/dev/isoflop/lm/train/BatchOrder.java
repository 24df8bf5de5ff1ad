package dev.isoflop.lm.train;

/**
 * Which window of the data each training sequence is, as a function of (seed, sequence number) alone, so that resuming needs no state.
 *
 * <p>Windows of {@code context + 1} tokens overlap by the one token that is target of one and input of the next. Each epoch shifts the
 * grid by an offset of its own and visits the windows in a permutation of its own: four rounds of a balanced Feistel network on the
 * smallest even number of bits, walking cycles until the image is inside the range.
 */
public final class BatchOrder {

    /** What SplitMix64's state goes up by. */
    static final long GOLDEN = 0x9E3779B97F4A7C15L;

    private static final int ROUNDS = 4;

    private final long seed;
    private final int context;
    private final long windows;
    private final long slack;
    private final int halfBits;

    /** @throws IllegalArgumentException if the source has fewer than {@code context + 1} tokens */
    public BatchOrder(long seed, long sourceLength, int context) {
        if (sourceLength < context + 1L) {
            throw new IllegalArgumentException(
                    "the training data has " + sourceLength + " tokens, fewer than one window of contextLength + 1 = "
                            + (context + 1) + "; lower contextLength or add text");
        }
        this.seed = seed;
        this.context = context;
        // one window less than would fit, so that every offset of the grid leaves the same number
        this.windows = Math.max(1, (sourceLength - context) / context);
        this.slack = Math.min(context - 1L, sourceLength - 1 - windows * context);
        int bits = 64 - Long.numberOfLeadingZeros(Math.max(1, windows - 1));
        this.halfBits = Math.max(1, Math.ceilDiv(bits, 2));
    }

    /** Windows in an epoch. */
    public long windows() {
        return windows;
    }

    /** First token of training sequence {@code number}, counted from the start of the run. */
    public long start(long number) {
        long epoch = number / windows;
        long offset = slack == 0 ? 0 : Long.remainderUnsigned(mix(seed ^ mix(epoch ^ 0x5DEECE66DL)), slack + 1);
        return offset + permute(epoch, number % windows) * context;
    }

    private long permute(long epoch, long index) {
        long mask = (1L << halfBits) - 1;
        long key = mix(seed + mix(epoch));
        long x = index;
        do {
            long left = x >>> halfBits;
            long right = x & mask;
            for (int round = 0; round < ROUNDS; round++) {
                long next = left ^ (mix(key + (round + 1) * GOLDEN + right) & mask);
                left = right;
                right = next;
            }
            x = left << halfBits | right;
        } while (x >= windows);
        return x;
    }

    /** The finaliser of SplitMix64 (Steele et al. 2014): its number after the state {@code z}. */
    static long mix(long z) {
        long x = z + GOLDEN;
        x = (x ^ (x >>> 30)) * 0xBF58476D1CE4E5B9L;
        x = (x ^ (x >>> 27)) * 0x94D049BB133111EBL;
        return x ^ (x >>> 31);
    }
}
