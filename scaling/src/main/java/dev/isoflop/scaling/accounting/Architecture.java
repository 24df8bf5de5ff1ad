package dev.isoflop.scaling.accounting;

import org.jspecify.annotations.Nullable;

/**
 * A decoder-only transformer, as far as its resources depend on it. All blocks are alike.
 *
 * @param vocabSize V, tokens in the vocabulary
 * @param contextLength T, tokens in a sequence, and rows of a learned table of positions
 * @param dModel d, width of the residual stream
 * @param layers L, blocks
 * @param heads h, query heads
 * @param kvHeads g, key and value heads; divides {@code heads}
 * @param headDim d_h, width of a head; usually d / h
 * @param dFf f, hidden width of the feed-forward, of each expert where there are experts
 * @param feedForward two matrices or, gated, three
 * @param norm RMSNorm has a gain, LayerNorm a bias beside it
 * @param positions rotary positions have no parameters
 * @param biases whether the projections of the blocks have biases
 * @param tiedEmbeddings whether the output head is the embedding table
 * @param qkNorm whether queries and keys pass an RMSNorm of head width
 * @param experts E, experts a router chooses from; 0 for a dense model
 * @param expertsPerToken k, how many it chooses for a token; 0 for a dense model
 * @param sharedExperts s, further experts that every token passes
 */
public record Architecture(
        int vocabSize,
        int contextLength,
        int dModel,
        int layers,
        int heads,
        int kvHeads,
        int headDim,
        int dFf,
        FeedForward feedForward,
        Norm norm,
        Positions positions,
        boolean biases,
        boolean tiedEmbeddings,
        boolean qkNorm,
        int experts,
        int expertsPerToken,
        int sharedExperts) {

    /** What stands between the two sides of the feed-forward. */
    public enum FeedForward {
        /** {@code down(silu(gate(x)) * up(x))}: three matrices (Shazeer 2020). GeGLU counts the same. */
        SWIGLU,
        /** {@code down(act(up(x)))}: two matrices. */
        PLAIN
    }

    /** How the residual stream is normalised before a sublayer. */
    public enum Norm {
        RMS,
        LAYER
    }

    /** How positions are told. */
    public enum Positions {
        ROTARY,
        LEARNED
    }

    /** The widest of any width: divisors are looked for up to it, which must not take long whoever asks. */
    private static final int WIDEST = 1_000_000;

    /** The largest of any count: far above any model, far below where products of them leave what a double holds exactly. */
    private static final int MOST = 100_000_000;

    /** @throws AccountingException naming the field that is wrong and what would be right */
    public Architecture {
        positive("vocabSize", vocabSize);
        positive("contextLength", contextLength);
        width("dModel", dModel);
        width("layers", layers);
        width("heads", heads);
        width("kvHeads", kvHeads);
        width("headDim", headDim);
        positive("dFf", dFf);
        if (heads % kvHeads != 0) {
            throw new AccountingException(
                    "kvHeads",
                    "= " + kvHeads + " does not divide heads = " + heads + "; use a divisor, such as "
                            + nearestDivisor(heads, kvHeads));
        }
        if (experts < 0 || experts > MOST) {
            throw new AccountingException("experts", "= " + experts + " must be 0 for a dense model, or 2 or more");
        }
        if (experts == 1) {
            throw new AccountingException("experts", "= 1 leaves nothing to choose; use 0 for a dense model");
        }
        if (experts == 0 && (expertsPerToken != 0 || sharedExperts != 0)) {
            throw new AccountingException(
                    expertsPerToken != 0 ? "expertsPerToken" : "sharedExperts",
                    "is for a mixture of experts; set experts, or leave it out");
        }
        if (experts > 0 && (expertsPerToken < 1 || expertsPerToken > experts)) {
            throw new AccountingException(
                    "expertsPerToken", "= " + expertsPerToken + " must be in 1.." + experts + ", the experts");
        }
        if (sharedExperts < 0 || sharedExperts > MOST) {
            throw new AccountingException("sharedExperts", "= " + sharedExperts + " must be 0 or more");
        }
    }

    private static void positive(String field, int value) {
        upTo(MOST, field, value);
    }

    /** @throws AccountingException if a width or a number of heads cannot be */
    static void width(String field, int value) {
        upTo(WIDEST, field, value);
    }

    private static void upTo(int most, String field, int value) {
        if (value < 1 || value > most) {
            throw new AccountingException(field, "= " + value + " must be in 1.." + most);
        }
    }

    static int nearestDivisor(int whole, int wanted) {
        int best = 1;
        for (int d = 1; d <= whole; d++) {
            if (whole % d == 0 && Math.abs(d - wanted) < Math.abs(best - wanted)) {
                best = d;
            }
        }
        return best;
    }

    boolean isMixture() {
        return experts > 0;
    }

    /** Why Isoflop's own engine does not train this; null if it does. */
    @Nullable
    String foreign() {
        if (isMixture()) {
            return "it has experts, and the engine trains dense models";
        }
        if (feedForward != FeedForward.SWIGLU || norm != Norm.RMS || positions != Positions.ROTARY || biases) {
            return "the engine trains models with SwiGLU, RMSNorm and rotary positions, and without biases";
        }
        if (headDim * heads != dModel) {
            return "heads × headDim = " + headDim * heads + ", which is not dModel = " + dModel;
        }
        return null;
    }
}
