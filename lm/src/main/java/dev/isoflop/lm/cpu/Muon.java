package dev.isoflop.lm.cpu;

import static dev.isoflop.lm.cpu.MicroKernels.L;
import static dev.isoflop.lm.cpu.MicroKernels.S;

import dev.isoflop.lm.model.ParameterLayout;
import java.util.Comparator;
import jdk.incubator.vector.FloatVector;

/**
 * Muon (Jordan et al. 2024, <a href="https://kellerjordan.github.io/posts/muon/">kellerjordan.github.io/posts/muon</a>) for the matrices
 * inside the blocks, AdamW for everything else.
 *
 * <p>{@code M ← μ M + g; u = μ M + g; X = u / (‖u‖_F + ε)}, orthogonalised by {@link NewtonSchulz}; then
 * {@code W ← W (1 − lr λ) − lr 0.2 √max(rows, columns) X}. The last factor gives an update the root mean square of AdamW's usual one (Liu et
 * al. 2025, arXiv 2502.16982, section 2.2), so that both share learning rate and decay. Queries, keys, values, gate and up are matrices of
 * their own, although the model uses them fused.
 *
 * <p>{@link #firstMoments} holds M for those matrices, {@link #secondMoments} zeros.
 *
 * <p>Concurrency: as {@link CpuModel}; a task is a whole matrix, so threads change no bit. Nothing is allocated after construction.
 */
public final class Muon implements ParameterUpdater {

    /** μ. */
    public static final float MOMENTUM = 0.95f;
    /** Added to the norm that a matrix is divided by. */
    public static final float EPSILON = 1e-7f;
    /** Newton-Schulz iterations. */
    public static final int ITERATIONS = 5;
    /** Coefficient of X in an iteration. */
    public static final float A = 3.4445f;
    /** Coefficient of {@code X Xᵀ X}. */
    public static final float B = -4.7750f;
    /** Coefficient of {@code (X Xᵀ)² X}. */
    public static final float C = 2.0315f;
    /** Root mean square of AdamW's updates that an orthogonal matrix of any shape is scaled to. */
    public static final float RMS = 0.2f;

    private static final int TRANSPOSE_BLOCK = 16;

    private final CpuModel model;
    private final AdamW others;
    private final ParameterLayout.Tensor[] matrices;
    private final float[][] scratch;
    private float clip;
    private double learningRate;
    private float keep;
    private final WorkerPool.Work update = this::updateTask;

    /** Momentum and moments are zero. */
    public Muon(CpuModel model) {
        this.model = model;
        this.others = new AdamW(model, ParameterLayout.Kind::decays, kind -> !kind.hidden());
        // the large ones first: what is left at the end, with a worker idle, is then small
        this.matrices = model.plan().layout().tensors().stream()
                .filter(t -> t.kind().hidden())
                .sorted(Comparator.comparingInt(t -> -t.length()))
                .toArray(ParameterLayout.Tensor[]::new);
        int most = 0;
        for (ParameterLayout.Tensor t : matrices) {
            most = Math.max(most, NewtonSchulz.scratchLength(t.rows(), t.columns()));
        }
        this.scratch = new float[model.pool.threads()][most];
    }

    @Override
    public float[] firstMoments() {
        return others.firstMoments();
    }

    @Override
    public float[] secondMoments() {
        return others.secondMoments();
    }

    @Override
    public double gradientNorm() {
        return others.gradientNorm();
    }

    @Override
    public void step(
            long t, double learningRate, double beta1, double beta2, double epsilon, double weightDecay, double scale) {
        this.clip = (float) scale;
        this.learningRate = learningRate;
        this.keep = (float) (1.0 - learningRate * weightDecay);
        model.pool.run(update, matrices.length);
        others.step(t, learningRate, beta1, beta2, epsilon, weightDecay, scale);
    }

    /** What the orthogonal matrix is multiplied by, beside the learning rate. */
    public static double rate(ParameterLayout.Tensor t) {
        return RMS * Math.sqrt(Math.max(t.rows(), t.columns()));
    }

    private void updateTask(int task, int worker) {
        ParameterLayout.Tensor t = matrices[task];
        float[] w = scratch[worker];
        int rows = t.rows();
        int columns = t.columns();
        boolean wide = rows < columns;
        int large = Math.max(rows, columns);
        int small = Math.min(rows, columns);
        int u = NewtonSchulz.second(rows, columns);
        double squares = 0;
        for (int row = 0; row < rows; row++) {
            int at = row * columns;
            squares += momentum(
                    firstMoments(), model.gradients, t.offset() + at, t.offset() + at + columns, clip, w, u + at);
        }
        float inverse = (float) (1.0 / (Math.sqrt(squares) + EPSILON));
        for (int i = u; i < u + t.length(); i++) {
            w[i] *= inverse;
        }
        if (wide) {
            transpose(w, u, rows, columns, 0);
        } else {
            System.arraycopy(w, u, w, 0, t.length());
        }
        int x = NewtonSchulz.iterate(w, large, small);
        if (wide) {
            int free = x == 0 ? u : 0;
            transpose(w, x, columns, rows, free);
            x = free;
        }
        float step = (float) (learningRate * rate(t));
        apply(model.parameters, t.offset(), t.offset() + t.length(), keep, step, w, x);
    }

    /** Momentum of {@code [from, to)}, and {@code u} to where it is wanted; the sum of squares of u. */
    private static double momentum(float[] m, float[] g, int from, int to, float clip, float[] w, int at) {
        FloatVector sum = FloatVector.zero(S);
        int i = from;
        int k = at;
        for (; i + L <= to; i += L, k += L) {
            FloatVector grad = FloatVector.fromArray(S, g, i).mul(clip);
            FloatVector momentum = FloatVector.fromArray(S, m, i).mul(MOMENTUM).add(grad);
            FloatVector u = momentum.mul(MOMENTUM).add(grad);
            momentum.intoArray(m, i);
            u.intoArray(w, k);
            sum = u.fma(u, sum);
        }
        double squares = Lanes.sum(sum);
        for (; i < to; i++, k++) {
            float grad = g[i] * clip;
            float momentum = m[i] * MOMENTUM + grad;
            float u = momentum * MOMENTUM + grad;
            m[i] = momentum;
            w[k] = u;
            squares += (double) u * u;
        }
        return squares;
    }

    private static void apply(float[] w, int from, int to, float keep, float step, float[] x, int at) {
        int i = from;
        int k = at;
        for (; i + L <= to; i += L, k += L) {
            FloatVector.fromArray(S, w, i)
                    .mul(keep)
                    .sub(FloatVector.fromArray(S, x, k).mul(step))
                    .intoArray(w, i);
        }
        for (; i < to; i++, k++) {
            w[i] = w[i] * keep - x[k] * step;
        }
    }

    /** {@code [rows][columns]} to {@code [columns][rows]}, square by square so that both stay in cache. */
    private static void transpose(float[] w, int from, int rows, int columns, int to) {
        for (int r = 0; r < rows; r += TRANSPOSE_BLOCK) {
            int endRow = Math.min(r + TRANSPOSE_BLOCK, rows);
            for (int c = 0; c < columns; c++) {
                for (int row = r; row < endRow; row++) {
                    w[to + c * rows + row] = w[from + row * columns + c];
                }
            }
        }
    }
}
