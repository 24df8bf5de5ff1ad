package dev.isoflop.lm.cpu;

import static dev.isoflop.lm.cpu.MicroKernels.L;
import static dev.isoflop.lm.cpu.MicroKernels.S;

import dev.isoflop.lm.model.ParameterLayout;
import java.util.function.Predicate;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * AdamW (Loshchilov and Hutter 2019) with clipping by global norm, one pass over the parameters.
 *
 * <p>{@code θ ← θ (1 − lr λ); m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²; θ ← θ − lr m̂ / (√v̂ + ε)} with {@code m̂ = m / (1 − β₁ᵗ)},
 * {@code v̂ = v / (1 − β₂ᵗ)}, as PyTorch does it. Decay acts on two-dimensional tensors, tables included, not on norm gains.
 *
 * <p>Concurrency: as {@link CpuModel}; the norm is summed in double over fixed chunks, then chunk by chunk.
 */
public final class AdamW implements ParameterUpdater {

    private static final int CHUNK = 8192;

    private final CpuModel model;
    private final float[] first;
    private final float[] second;
    private final int[] chunkFrom;
    private final int[] chunkTo;
    private final boolean[] chunkDecays;
    private final boolean[] chunkUpdates;
    private final double[] chunkNorm;
    private float decay;
    private float beta1;
    private float beta2;
    private float stepSize;
    private float rootCorrection;
    private float epsilon;
    private float clip;
    private final WorkerPool.Work norm = this::normTask;
    private final WorkerPool.Work update = this::updateTask;

    /** Moments are zero; two-dimensional tensors decay. */
    public AdamW(CpuModel model) {
        this(model, ParameterLayout.Kind::decays);
    }

    /** @param decays which kinds of tensor decay */
    AdamW(CpuModel model, Predicate<ParameterLayout.Kind> decays) {
        this(model, decays, kind -> true);
    }

    /** @param updates which kinds of tensor {@link #step} touches; the norm is of all gradients */
    AdamW(CpuModel model, Predicate<ParameterLayout.Kind> decays, Predicate<ParameterLayout.Kind> updates) {
        this.model = model;
        ParameterLayout layout = model.plan().layout();
        this.first = new float[layout.length()];
        this.second = new float[layout.length()];
        int chunks = 0;
        for (ParameterLayout.Tensor t : layout.tensors()) {
            chunks += Math.ceilDiv(t.length(), CHUNK);
        }
        this.chunkFrom = new int[chunks];
        this.chunkTo = new int[chunks];
        this.chunkDecays = new boolean[chunks];
        this.chunkUpdates = new boolean[chunks];
        this.chunkNorm = new double[chunks];
        int i = 0;
        for (ParameterLayout.Tensor t : layout.tensors()) {
            for (int at = 0; at < t.length(); at += CHUNK, i++) {
                chunkFrom[i] = t.offset() + at;
                chunkTo[i] = t.offset() + Math.min(at + CHUNK, t.length());
                chunkDecays[i] = decays.test(t.kind());
                chunkUpdates[i] = updates.test(t.kind());
            }
        }
    }

    @Override
    public float[] firstMoments() {
        return first;
    }

    @Override
    public float[] secondMoments() {
        return second;
    }

    @Override
    public double gradientNorm() {
        model.pool.run(norm, chunkFrom.length);
        double sum = 0;
        for (double s : chunkNorm) {
            sum += s;
        }
        return Math.sqrt(sum);
    }

    @Override
    public void step(
            long t, double learningRate, double beta1, double beta2, double epsilon, double weightDecay, double scale) {
        this.decay = (float) (1.0 - learningRate * weightDecay);
        this.beta1 = (float) beta1;
        this.beta2 = (float) beta2;
        this.stepSize = (float) (learningRate / (1.0 - Math.pow(beta1, t)));
        this.rootCorrection = (float) (1.0 / Math.sqrt(1.0 - Math.pow(beta2, t)));
        this.epsilon = (float) epsilon;
        this.clip = (float) scale;
        model.pool.run(update, chunkFrom.length);
        model.parametersChanged();
    }

    private void normTask(int chunk, int worker) {
        chunkNorm[chunk] = squares(model.gradients, chunkFrom[chunk], chunkTo[chunk]);
    }

    private static double squares(float[] g, int from, int to) {
        FloatVector s0 = FloatVector.zero(S);
        FloatVector s1 = FloatVector.zero(S);
        int i = from;
        for (; i + 2 * L <= to; i += 2 * L) {
            FloatVector a = FloatVector.fromArray(S, g, i);
            FloatVector b = FloatVector.fromArray(S, g, i + L);
            s0 = a.fma(a, s0);
            s1 = b.fma(b, s1);
        }
        double sum = Lanes.sum(s0.add(s1));
        for (; i < to; i++) {
            sum += (double) g[i] * g[i];
        }
        return sum;
    }

    private void updateTask(int chunk, int worker) {
        if (!chunkUpdates[chunk]) {
            return;
        }
        update(
                model.parameters,
                model.gradients,
                first,
                second,
                chunkFrom[chunk],
                chunkTo[chunk],
                chunkDecays[chunk] ? decay : 1f,
                beta1,
                beta2,
                stepSize,
                rootCorrection,
                epsilon,
                clip);
    }

    private static void update(
            float[] w,
            float[] g,
            float[] m,
            float[] v,
            int from,
            int to,
            float keep,
            float beta1,
            float beta2,
            float stepSize,
            float rootCorrection,
            float epsilon,
            float clip) {
        int i = from;
        for (; i + L <= to; i += L) {
            FloatVector grad = FloatVector.fromArray(S, g, i).mul(clip);
            FloatVector first = FloatVector.fromArray(S, m, i).mul(beta1).add(grad.mul(1f - beta1));
            FloatVector second =
                    FloatVector.fromArray(S, v, i).mul(beta2).add(grad.mul(grad).mul(1f - beta2));
            first.intoArray(m, i);
            second.intoArray(v, i);
            FloatVector root =
                    second.lanewise(VectorOperators.SQRT).mul(rootCorrection).add(epsilon);
            FloatVector.fromArray(S, w, i)
                    .mul(keep)
                    .sub(first.mul(stepSize).div(root))
                    .intoArray(w, i);
        }
        for (; i < to; i++) {
            float grad = g[i] * clip;
            float first = m[i] * beta1 + grad * (1f - beta1);
            float second = v[i] * beta2 + grad * grad * (1f - beta2);
            m[i] = first;
            v[i] = second;
            w[i] = w[i] * keep - first * stepSize / ((float) Math.sqrt(second) * rootCorrection + epsilon);
        }
    }
}
