package dev.isoflop.lm.cpu;

import static dev.isoflop.lm.cpu.MicroKernels.S;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The exponential of a vector, to about 2 units in the last place.
 *
 * <p>{@code e^x = 2^n e^r} with {@code n = round(x log2 e)} and {@code |r| <= ln 2 / 2}; {@code e^r} is a polynomial of degree 6 (its
 * Taylor coefficients, whose error at that radius is 2e-8). Rounding is by adding 1.5·2²³, after which the low mantissa bits hold
 * {@code n} and shifting them into the exponent gives {@code 2^n}. Below −87.33, where floats stop being normal, the
 * result is exactly 0; NaN stays NaN.
 */
final class Exp {

    private static final float LOG2E = 1.44269504f;
    private static final float LN2_HIGH = 0.693359375f;
    private static final float LN2_LOW = -2.12194440e-4f;
    private static final float ROUND = 12_582_912f;
    private static final float LOWEST = -87.33f;
    private static final float HIGHEST = 88.37f;
    private static final int BIAS = 127 << 23;

    private Exp() {}

    /** {@code e^x} with {@code x} taken as at most 88.37, so that the result is finite. */
    static FloatVector of(FloatVector x) {
        // compare and blend: max() and min() must order NaN and signed zero, which costs several instructions each
        return nonPositive(x.blend(HIGHEST, x.compare(VectorOperators.GT, HIGHEST)));
    }

    /** {@code e^x} where {@code x} is known to be at most 88, as after subtracting a maximum; exactly 0 below −87.33. */
    static FloatVector nonPositive(FloatVector x) {
        FloatVector shifted = x.fma(FloatVector.broadcast(S, LOG2E), FloatVector.broadcast(S, ROUND));
        FloatVector n = shifted.sub(ROUND);
        FloatVector r = n.fma(FloatVector.broadcast(S, -LN2_HIGH), x);
        r = n.fma(FloatVector.broadcast(S, -LN2_LOW), r);
        FloatVector p = r.fma(FloatVector.broadcast(S, 1f / 720), FloatVector.broadcast(S, 1f / 120));
        p = p.fma(r, FloatVector.broadcast(S, 1f / 24));
        p = p.fma(r, FloatVector.broadcast(S, 1f / 6));
        p = p.fma(r, FloatVector.broadcast(S, 0.5f));
        p = p.fma(r, FloatVector.broadcast(S, 1f));
        p = p.fma(r, FloatVector.broadcast(S, 1f));
        IntVector power =
                shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).add(BIAS);
        return p.mul(power.reinterpretAsFloats()).blend(0f, x.compare(VectorOperators.LT, LOWEST));
    }
}
