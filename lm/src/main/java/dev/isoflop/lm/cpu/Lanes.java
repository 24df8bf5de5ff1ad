package dev.isoflop.lm.cpu;

import static dev.isoflop.lm.cpu.MicroKernels.L;
import static dev.isoflop.lm.cpu.MicroKernels.S;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;

/**
 * The sum of a vector's lanes in one fixed order, a tree of halves.
 *
 * <p>{@code reduceLanes(ADD)} leaves the order open, and the interpreter's differs from the compiler's: a run would then depend on when a
 * loop was compiled.
 */
final class Lanes {

    private static final VectorShuffle<Float> BY_8 = VectorShuffle.iota(S, 8 % L, 1, true);
    private static final VectorShuffle<Float> BY_4 = VectorShuffle.iota(S, 4 % L, 1, true);
    private static final VectorShuffle<Float> BY_2 = VectorShuffle.iota(S, 2 % L, 1, true);
    private static final VectorShuffle<Float> BY_1 = VectorShuffle.iota(S, 1 % L, 1, true);

    private Lanes() {}

    static float sum(FloatVector v) {
        FloatVector s = v;
        if (L >= 16) {
            s = s.add(s.rearrange(BY_8));
        }
        if (L >= 8) {
            s = s.add(s.rearrange(BY_4));
        }
        if (L >= 4) {
            s = s.add(s.rearrange(BY_2));
        }
        if (L >= 2) {
            s = s.add(s.rearrange(BY_1));
        }
        return s.lane(0);
    }
}
