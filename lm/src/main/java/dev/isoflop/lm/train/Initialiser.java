package dev.isoflop.lm.train;

import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.model.ParameterLayout;
import java.util.Random;

/**
 * Initial parameters: gains 1; the embedding table normal(0, 0.02); every other matrix normal(0, 1/√fan_in), those that write to the
 * residual stream divided by a further √(2 layers) (Radford et al. 2019).
 */
public final class Initialiser {

    private static final double EMBEDDING_STD = 0.02;

    private Initialiser() {}

    /** Fills a flat array of parameters; a function of the seed alone. */
    public static void initialise(ModelSpec spec, ParameterLayout layout, long seed, float[] parameters) {
        long tensorIndex = 0;
        for (ParameterLayout.Tensor t : layout.tensors()) {
            // a stream per tensor: leaving one out (tied or not) does not change the others
            Random random = new Random(BatchOrder.mix(seed ^ BatchOrder.mix(++tensorIndex)));
            double std = switch (t.kind()) {
                case NORM -> 0;
                case EMBEDDING -> EMBEDDING_STD;
                case HEAD, PROJECTION -> 1 / Math.sqrt(t.columns());
                case RESIDUAL_PROJECTION -> 1 / Math.sqrt(t.columns() * 2.0 * spec.layers());
            };
            for (int i = 0; i < t.length(); i++) {
                parameters[t.offset() + i] =
                        t.kind() == ParameterLayout.Kind.NORM ? 1f : (float) (std * random.nextGaussian());
            }
        }
    }
}
