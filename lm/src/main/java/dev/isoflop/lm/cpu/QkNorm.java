package dev.isoflop.lm.cpu;

import static dev.isoflop.lm.cpu.MicroKernels.L;
import static dev.isoflop.lm.cpu.MicroKernels.S;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/** RMSNorm of every query and key head, in place in the fused projection, before the rotation. */
final class QkNorm {

    private QkNorm() {}

    /** @param raw receives the heads as they were, {@code [rows][heads + kvHeads][headDim]} in {@code a} */
    static void forward(
            float[] a,
            int qkv,
            int ld,
            int heads,
            int kvHeads,
            int headDim,
            float[] w,
            int qGain,
            int kGain,
            float eps,
            int raw,
            int rows) {
        int all = heads + kvHeads;
        for (int r = 0; r < rows; r++) {
            System.arraycopy(a, qkv + r * ld, a, raw + r * all * headDim, all * headDim);
            for (int h = 0; h < all; h++) {
                int at = qkv + r * ld + h * headDim;
                float scale = (float) (1.0 / Math.sqrt(Elementwise.dot(a, at, a, at, headDim) / headDim + eps));
                normalise(a, at, headDim, scale, w, h < heads ? qGain : kGain);
            }
        }
    }

    private static void normalise(float[] a, int at, int n, float scale, float[] w, int gain) {
        for (int c = 0; c < n; c += L) {
            VectorMask<Float> m = S.indexInRange(c, n);
            FloatVector.fromArray(S, a, at + c, m)
                    .mul(scale)
                    .mul(FloatVector.fromArray(S, w, gain + c, m))
                    .intoArray(a, at + c, m);
        }
    }

    /** Gradients in place; {@code dq} and {@code dk} receive the gains' gradients of these rows alone. */
    static void backward(
            float[] a,
            int qkv,
            int ld,
            int heads,
            int kvHeads,
            int headDim,
            float[] w,
            int qGain,
            int kGain,
            float eps,
            int raw,
            int dq,
            int dk,
            int rows) {
        int all = heads + kvHeads;
        java.util.Arrays.fill(a, dq, dq + headDim, 0f);
        java.util.Arrays.fill(a, dk, dk + headDim, 0f);
        for (int r = 0; r < rows; r++) {
            for (int h = 0; h < all; h++) {
                int at = qkv + r * ld + h * headDim;
                int from = raw + (r * all + h) * headDim;
                float scale = (float) (1.0 / Math.sqrt(Elementwise.dot(a, from, a, from, headDim) / headDim + eps));
                gradient(a, at, from, headDim, scale, w, h < heads ? qGain : kGain, h < heads ? dq : dk);
            }
        }
    }

    private static void gradient(float[] a, int at, int from, int n, float scale, float[] w, int gain, int dGain) {
        FloatVector sum = FloatVector.zero(S);
        for (int c = 0; c < n; c += L) {
            VectorMask<Float> m = S.indexInRange(c, n);
            FloatVector gh = FloatVector.fromArray(S, a, at + c, m)
                    .mul(FloatVector.fromArray(S, a, from + c, m).mul(scale));
            gh.add(FloatVector.fromArray(S, a, dGain + c, m)).intoArray(a, dGain + c, m);
            sum = gh.fma(FloatVector.fromArray(S, w, gain + c, m), sum);
        }
        float mean = Lanes.sum(sum) / n;
        for (int c = 0; c < n; c += L) {
            VectorMask<Float> m = S.indexInRange(c, n);
            FloatVector g = FloatVector.fromArray(S, a, at + c, m)
                    .mul(FloatVector.fromArray(S, w, gain + c, m))
                    .mul(scale);
            FloatVector.fromArray(S, a, from + c, m)
                    .fma(FloatVector.broadcast(S, -mean * scale * scale), g)
                    .intoArray(a, at + c, m);
        }
    }
}
