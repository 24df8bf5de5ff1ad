package dev.isoflop.protocol.job;

/** What turns gradients into updates. */
public enum Optimizer {
    /** AdamW for every tensor. */
    ADAMW,
    /**
     * Muon for the matrices inside the blocks, AdamW for embedding, head and norm gains. Its updates are scaled to the size of AdamW's, so the
     * same learning rate and weight decay are a fair start.
     */
    MUON
}
