package dev.isoflop.scaling.accounting;

import dev.isoflop.scaling.flops.AttentionConvention;
import dev.isoflop.scaling.flops.Precision;

/**
 * How a model is trained or served.
 *
 * @param batchSequences B, sequences in one pass on one device
 * @param precision of weights and activations as products read them
 * @param optimizer whose moments are held
 * @param recomputation of activations in the backward pass
 * @param attention how many keys a query is charged for
 * @param dropout whether masks are kept, as in models before 2022
 * @param lanes models of this shape side by side in Isoflop's engine
 * @param tokens D, trained on
 */
public record Workload(
        int batchSequences,
        Precision precision,
        Optimizer optimizer,
        Recomputation recomputation,
        AttentionConvention attention,
        boolean dropout,
        int lanes,
        double tokens) {

    /** Whose state is held beside the weights, in fp32. */
    public enum Optimizer {
        /** Two moments. */
        ADAMW,
        /** One momentum for the matrices of the blocks, AdamW's two moments for the rest (Jordan et al. 2024). */
        MUON,
        /** One momentum. */
        SGD
    }

    /** What the backward pass computes again rather than keep. */
    public enum Recomputation {
        NONE,
        /** The scores, L h T numbers a token (Korthikanti et al. 2022, section 5; flash attention does it always). */
        SELECTIVE,
        /** Every block from its input (Chen et al. 2016). */
        FULL
    }

    /** @throws AccountingException naming the field that is wrong and what would be right */
    public Workload {
        if (batchSequences < 1 || batchSequences > 100_000_000) {
            throw new AccountingException("batchSequences", "= " + batchSequences + " must be at least 1");
        }
        if (lanes < 1 || lanes > EngineMemory.MOST_LANES) {
            throw new AccountingException("lanes", "= " + lanes + " must be in 1.." + EngineMemory.MOST_LANES);
        }
        if (!(tokens > 0) || Double.isInfinite(tokens)) {
            throw new AccountingException("tokens", "= " + tokens + " must be above 0; 20 a parameter is usual");
        }
    }
}
