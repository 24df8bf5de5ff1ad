package dev.isoflop.lm.train;

import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.model.ParameterLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Initial parameters: gains 1; the embedding table normal(0, 0.02); every other matrix normal(0, 1/√fan_in), those that write to the
 * residual stream divided by a further √(2 layers) (Radford et al. 2019).
 *
 * <p>Concurrency: fills an array with as many threads as there are, in blocks that each have a generator of their own: the result does not
 * depend on their number.
 */
public final class Initialiser {

    private static final double EMBEDDING_STD = 0.02;

    /** Elements that one generator fills; another number gives other weights. */
    private static final int BLOCK = 32_768;

    private Initialiser() {}

    /**
     * A part of a tensor.
     *
     * @param seed of its numbers
     * @param std their standard deviation
     */
    private record Block(long seed, double std, int from, int to) {

        void fill(float[] parameters) {
            if (std == 0) {
                Arrays.fill(parameters, from, to, 1f);
                return;
            }
            Normals normals = new Normals(seed);
            for (int i = from; i < to; i++) {
                parameters[i] = (float) (std * normals.next());
            }
        }
    }

    /** Fills a flat array of parameters; a function of the seed alone. */
    public static void initialise(ModelSpec spec, ParameterLayout layout, long seed, float[] parameters) {
        List<Block> blocks = new ArrayList<>();
        long tensorIndex = 0;
        for (ParameterLayout.Tensor t : layout.tensors()) {
            // a seed per tensor: leaving out the last one (tied or not) does not change the others
            long own = BatchOrder.mix(seed ^ BatchOrder.mix(++tensorIndex));
            for (int at = 0; at < t.length(); at += BLOCK) {
                long ofBlock = BatchOrder.mix(own ^ BatchOrder.mix(at / BLOCK));
                int end = t.offset() + Math.min(t.length(), at + BLOCK);
                blocks.add(new Block(ofBlock, standardDeviation(spec, t), t.offset() + at, end));
            }
        }
        blocks.parallelStream().forEach(b -> b.fill(parameters));
    }

    /** 0 for gains, which are not drawn. */
    private static double standardDeviation(ModelSpec spec, ParameterLayout.Tensor t) {
        return switch (t.kind()) {
            case NORM -> 0;
            case EMBEDDING -> EMBEDDING_STD;
            case HEAD, PROJECTION -> 1 / Math.sqrt(t.columns());
            case RESIDUAL_PROJECTION -> 1 / Math.sqrt(t.columns() * 2.0 * spec.layers());
        };
    }
}
