package dev.isoflop.scaling.plan;

/** Why a cell of the grid is not run. */
public enum DropReason {
    TOO_FEW_STEPS,
    TOO_FEW_TOKENS_PER_PARAMETER,
    TOO_MANY_TOKENS_PER_PARAMETER,
    TOO_MANY_EPOCHS,
    DOES_NOT_FIT_MEMORY
}
