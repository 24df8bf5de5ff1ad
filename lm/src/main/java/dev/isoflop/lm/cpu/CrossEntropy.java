package dev.isoflop.lm.cpu;

import static dev.isoflop.lm.cpu.MicroKernels.L;
import static dev.isoflop.lm.cpu.MicroKernels.S;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Softmax cross-entropy over a row of logits, and its gradient in place. */
final class CrossEntropy {

    private CrossEntropy() {}

    /** {@code log Σ exp(x) − x[target]} in nats; logits are left alone. */
    static float loss(float[] x, int offset, int n, int target) {
        float max = max(x, offset, n);
        float sum = sumExp(x, offset, n, max);
        return (float) (Math.log(sum) + max - x[offset + target]);
    }

    /**
     * The loss, and the gradient up to a factor: {@code x} becomes {@code exp(x − max)}, less its sum at the target, which is the softmax
     * gradient times that sum. Callers fold {@code 1 / sum} into the narrow operands of the products that follow instead of passing over
     * the wide row again.
     *
     * @param factor receives {@code 1 / sum} at {@code factorOffset}
     */
    static float lossAndGradient(float[] x, int offset, int n, int target, float[] factor, int factorOffset) {
        float max = max(x, offset, n);
        float atTarget = x[offset + target];
        float sum = expInPlace(x, offset, n, max);
        factor[factorOffset] = 1f / sum;
        x[offset + target] -= sum;
        return (float) (Math.log(sum) + max - atTarget);
    }

    private static float max(float[] x, int offset, int n) {
        float max = Float.NEGATIVE_INFINITY;
        int c = 0;
        if (n >= 2 * L) {
            FloatVector m0 = FloatVector.fromArray(S, x, offset);
            FloatVector m1 = FloatVector.fromArray(S, x, offset + L);
            for (c = 2 * L; c + 2 * L <= n; c += 2 * L) {
                m0 = m0.max(FloatVector.fromArray(S, x, offset + c));
                m1 = m1.max(FloatVector.fromArray(S, x, offset + c + L));
            }
            max = m0.max(m1).reduceLanes(VectorOperators.MAX);
        }
        for (; c < n; c++) {
            max = Math.max(max, x[offset + c]);
        }
        return max;
    }

    private static float sumExp(float[] x, int offset, int n, float max) {
        FloatVector s0 = FloatVector.zero(S);
        int whole = n - n % L;
        int c = 0;
        for (; c < whole; c += L) {
            s0 = s0.add(Exp.nonPositive(FloatVector.fromArray(S, x, offset + c).sub(max)));
        }
        float sum = Lanes.sum(s0);
        for (; c < n; c++) {
            sum += (float) Math.exp(x[offset + c] - max);
        }
        return sum;
    }

    private static float expInPlace(float[] x, int offset, int n, float max) {
        FloatVector s0 = FloatVector.zero(S);
        int whole = n - n % L;
        int c = 0;
        for (; c < whole; c += L) {
            FloatVector e =
                    Exp.nonPositive(FloatVector.fromArray(S, x, offset + c).sub(max));
            s0 = s0.add(e);
            e.intoArray(x, offset + c);
        }
        float sum = Lanes.sum(s0);
        for (; c < n; c++) {
            float e = (float) Math.exp(x[offset + c] - max);
            x[offset + c] = e;
            sum += e;
        }
        return sum;
    }
}
