package dev.isoflop.scaling.plan;

import dev.isoflop.scaling.flops.TransformerShape;
import java.util.function.IntPredicate;

/**
 * How a width becomes a whole Llama-shaped model, so that a ladder is a list of widths.
 *
 * <ul>
 *   <li>layers: 2 below width 32, 3 below 64, 4 below 192, then the larger of 6 and width/64;
 *   <li>heads: at least 2, of a size that bf16 trains ({@link TransformerShape#BF16_HEAD_SIZES}) if one divides the width, else of an even one; of those the nearest (by ratio)
 *       to 16 up to width 96, to 32 below 256 and to 64 from there; key and value heads as many;
 *   <li>feed-forward: 8/3 of the width, rounded up to a multiple of 8;
 *   <li>tied embeddings, no QK-norm: at these sizes a head of its own would be most of the model.
 * </ul>
 */
public final class ShapeRule {

    private ShapeRule() {}

    /**
     * @param dModel width; even, 4 or more (multiples of 4 give heads of useful sizes)
     * @throws IllegalArgumentException for a width that two or more heads of one even size do not make up
     */
    public static TransformerShape shape(int dModel, int vocabSize, int contextLength) {
        int heads = heads(dModel);
        return new TransformerShape(
                vocabSize, contextLength, dModel, layers(dModel), heads, heads, feedForward(dModel), true, false);
    }

    static int layers(int dModel) {
        if (dModel < 32) {
            return 2;
        }
        if (dModel < 64) {
            return 3;
        }
        return dModel < 192 ? 4 : Math.max(6, Math.round(dModel / 64f));
    }

    static int heads(int dModel) {
        double wanted = dModel <= 96 ? 16 : dModel < 256 ? 32 : 64;
        int best = nearest(dModel, wanted, TransformerShape.BF16_HEAD_SIZES::contains);
        if (best == 0) {
            best = nearest(dModel, wanted, size -> true);
        }
        if (best == 0) {
            throw new IllegalArgumentException(
                    "width " + dModel + " is not made up of two or more heads of one even size");
        }
        return best;
    }

    /** Heads of the even size nearest to what is wanted, of those that are allowed; 0 if there is none. */
    private static int nearest(int dModel, double wanted, IntPredicate allowed) {
        int best = 0;
        double bestDistance = Double.POSITIVE_INFINITY;
        for (int heads = 2; heads <= dModel / 2; heads++) {
            if (dModel % (2 * heads) == 0 && allowed.test(dModel / heads)) {
                double distance = Math.abs(Math.log((double) dModel / heads / wanted));
                if (distance < bestDistance - 1e-12) {
                    bestDistance = distance;
                    best = heads;
                }
            }
        }
        return best;
    }

    static int feedForward(int dModel) {
        int wanted = (8 * dModel + 2) / 3;
        return (wanted + 7) / 8 * 8;
    }
}
