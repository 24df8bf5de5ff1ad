package dev.isoflop.lm.train;

/** What turns gradients into updates. */
public enum Optimizer {
    /** AdamW for every tensor (Loshchilov and Hutter 2019). */
    ADAMW,
    /**
     * Muon for the matrices inside the blocks (Jordan et al. 2024), scaled as in Liu et al. 2025 ("Muon is scalable for LLM training") so
     * that AdamW's learning rate and weight decay serve both; AdamW for embedding, head and norm gains.
     */
    MUON
}
