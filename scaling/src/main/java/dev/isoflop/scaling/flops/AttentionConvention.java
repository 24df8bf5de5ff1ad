package dev.isoflop.scaling.flops;

/** How many keys a query is charged for. */
public enum AttentionConvention {
    /** Only what the causal mask leaves: (T+1)/2 keys on average. What a kernel that skips masked blocks computes. */
    CAUSAL,
    /** All T keys, masked ones too: Hoffmann et al. 2022 (appendix F), Kaplan et al. 2020. */
    FULL
}
