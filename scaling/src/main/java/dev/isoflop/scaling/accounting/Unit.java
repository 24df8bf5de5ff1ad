package dev.isoflop.scaling.accounting;

/** What a line's value is counted in. */
public enum Unit {
    PARAMETERS,
    FLOPS,
    FLOPS_PER_TOKEN,
    FLOPS_PER_SECOND,
    BYTES,
    BYTES_PER_TOKEN,
    TOKENS,
    TOKENS_PER_SECOND,
    SECONDS,
    DEVICE_HOURS,
    /** In whatever money the price was given. */
    MONEY,
    /** A number without a unit: a share, or one quantity over another. */
    RATIO
}
