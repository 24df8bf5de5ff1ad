package dev.isoflop.scaling.fit;

import java.util.Locale;

/** Why a fit, or one part of it, gives no number. Stored and served by name, so names are never reused. */
public enum RefusalReason {
    /** Fewer points than the method needs. */
    TOO_FEW_POINTS,
    /** Fewer distinct model sizes than the method needs. */
    TOO_FEW_SIZES,
    /** Fewer distinct token counts than the method needs. */
    TOO_FEW_TOKEN_COUNTS,
    /** Enough sizes by count, but some are so close that they are one. */
    NEAR_DUPLICATE_SIZES,
    /** The parabola opens downwards: the losses have no minimum in N. */
    CONCAVE,
    /** The minimum lies outside the sampled sizes. */
    VERTEX_OUTSIDE_RANGE,
    /** The curvature is not told from zero by the noise. */
    WEAK_CURVATURE,
    /** Fewer budgets with an optimum than a power law with a check needs. */
    TOO_FEW_BUDGETS,
    /** The target is further beyond the largest budget than the options allow. */
    FAR_EXTRAPOLATION,
    /** The objective is flat along some direction, so the exponents are not determined. */
    UNIDENTIFIABLE,
    /** The best exponent is at the end of its allowed range. */
    EXPONENT_AT_BOUND,
    /** The optimizer did not reach a stationary point. */
    NOT_CONVERGED,
    /** The learning rate of the run still rises to its peak: its curve says nothing of its end. */
    WARMING_UP;

    /** The name that is stored and served, such as far-extrapolation. */
    public String code() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
