package dev.isoflop.lm.cpu;

import static dev.isoflop.lm.cpu.MicroKernels.L;
import static dev.isoflop.lm.cpu.MicroKernels.S;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/** Row-wise operations of a block: RMSNorm, SwiGLU, rotary positions, and their gradients. All tensors are row major. */
final class Elementwise {

    private Elementwise() {}

    /**
     * RMSNorm of {@code rows} rows of width {@code d}: {@code y = x · rstd · w}, {@code rstd = (mean(x²) + eps)^-1/2} (Zhang and Sennrich
     * 2019). The reciprocal is kept for the gradient.
     */
    static void rmsNorm(
            float[] x, int xo, float[] w, int wo, float[] y, int yo, float[] rstd, int ro, int rows, int d, float eps) {
        int whole = d - d % L;
        for (int r = 0; r < rows; r++) {
            int xp = xo + r * d;
            int yp = yo + r * d;
            FloatVector sum = FloatVector.zero(S);
            for (int c = 0; c < whole; c += L) {
                FloatVector v = FloatVector.fromArray(S, x, xp + c);
                sum = v.fma(v, sum);
            }
            float squares = Lanes.sum(sum);
            for (int c = whole; c < d; c++) {
                squares += x[xp + c] * x[xp + c];
            }
            float scale = (float) (1.0 / Math.sqrt(squares / d + eps));
            rstd[ro + r] = scale;
            for (int c = 0; c < whole; c += L) {
                FloatVector.fromArray(S, x, xp + c)
                        .mul(scale)
                        .mul(FloatVector.fromArray(S, w, wo + c))
                        .intoArray(y, yp + c);
            }
            for (int c = whole; c < d; c++) {
                y[yp + c] = x[xp + c] * scale * w[wo + c];
            }
        }
    }

    /**
     * Gradient of {@link #rmsNorm}: {@code dx = base + rstd (dy w − x̂ mean(dy w x̂))} and {@code dw = Σ_rows dy x̂}, {@code x̂ = x rstd}.
     *
     * @param base added to {@code dx}: the residual branch's gradient
     * @param dw {@code d} sums of these rows alone, overwritten
     */
    static void rmsNormBackward(
            float[] dy,
            int dyo,
            float[] x,
            int xo,
            float[] w,
            int wo,
            float[] rstd,
            int ro,
            float[] base,
            int bo,
            float[] dx,
            int dxo,
            float[] dw,
            int dwo,
            int rows,
            int d) {
        int whole = d - d % L;
        java.util.Arrays.fill(dw, dwo, dwo + d, 0f);
        for (int r = 0; r < rows; r++) {
            int at = r * d;
            float scale = rstd[ro + r];
            FloatVector sum = FloatVector.zero(S);
            for (int c = 0; c < whole; c += L) {
                FloatVector gh = FloatVector.fromArray(S, dy, dyo + at + c)
                        .mul(FloatVector.fromArray(S, x, xo + at + c).mul(scale));
                gh.add(FloatVector.fromArray(S, dw, dwo + c)).intoArray(dw, dwo + c);
                sum = gh.fma(FloatVector.fromArray(S, w, wo + c), sum);
            }
            float dot = Lanes.sum(sum);
            for (int c = whole; c < d; c++) {
                float gh = dy[dyo + at + c] * (x[xo + at + c] * scale);
                dw[dwo + c] += gh;
                dot += gh * w[wo + c];
            }
            float xScale = -(dot / d) * scale * scale;
            for (int c = 0; c < whole; c += L) {
                FloatVector v = FloatVector.fromArray(S, dy, dyo + at + c)
                        .mul(FloatVector.fromArray(S, w, wo + c))
                        .mul(scale);
                FloatVector.fromArray(S, x, xo + at + c)
                        .fma(FloatVector.broadcast(S, xScale), v)
                        .add(FloatVector.fromArray(S, base, bo + at + c))
                        .intoArray(dx, dxo + at + c);
            }
            for (int c = whole; c < d; c++) {
                dx[dxo + at + c] = dy[dyo + at + c] * w[wo + c] * scale + x[xo + at + c] * xScale + base[bo + at + c];
            }
        }
    }

    /** {@code act = silu(gate) · up}; {@code gu} rows are {@code [gate | up]} of width {@code 2 f} (Shazeer 2020). */
    static void swiGlu(float[] gu, int go, float[] act, int ao, int rows, int f) {
        int whole = f - f % L;
        for (int r = 0; r < rows; r++) {
            int gp = go + r * 2 * f;
            int ap = ao + r * f;
            int c = 0;
            for (; c < whole; c += L) {
                FloatVector g = FloatVector.fromArray(S, gu, gp + c);
                FloatVector u = FloatVector.fromArray(S, gu, gp + f + c);
                g.mul(u).div(Exp.of(g.neg()).add(1f)).intoArray(act, ap + c);
            }
            for (; c < f; c++) {
                float g = gu[gp + c];
                act[ap + c] = g * gu[gp + f + c] / (1f + (float) Math.exp(-g));
            }
        }
    }

    /** Gradient of {@link #swiGlu}, in place: {@code gu} becomes {@code [dgate | dup]}. */
    static void swiGluBackward(float[] dact, int dao, float[] gu, int go, int rows, int f) {
        int whole = f - f % L;
        for (int r = 0; r < rows; r++) {
            int gp = go + r * 2 * f;
            int ap = dao + r * f;
            int c = 0;
            for (; c < whole; c += L) {
                FloatVector g = FloatVector.fromArray(S, gu, gp + c);
                FloatVector u = FloatVector.fromArray(S, gu, gp + f + c);
                FloatVector da = FloatVector.fromArray(S, dact, ap + c);
                FloatVector sig =
                        FloatVector.broadcast(S, 1f).div(Exp.of(g.neg()).add(1f));
                FloatVector silu = g.mul(sig);
                da.mul(silu).intoArray(gu, gp + f + c);
                // d silu / dg = sig + silu (1 - sig)
                FloatVector slope = silu.fma(FloatVector.broadcast(S, 1f).sub(sig), sig);
                da.mul(u).mul(slope).intoArray(gu, gp + c);
            }
            for (; c < f; c++) {
                float g = gu[gp + c];
                float da = dact[ap + c];
                float sig = 1f / (1f + (float) Math.exp(-g));
                gu[gp + c] = da * gu[gp + f + c] * (sig + g * sig * (1f - sig));
                gu[gp + f + c] = da * g * sig;
            }
        }
    }

    /**
     * Rotates {@code heads} heads of each row in place (Su et al. 2021), pairing element {@code i} of a head with {@code i + half}.
     *
     * @param x rows of stride {@code ld}; the first head starts at column 0 of {@code xo}
     * @param cos offset of {@code [context][half]} cosines, as {@code sin} of the sines; row {@code (firstRow + r) % context} turns row {@code r}
     * @param direction 1 forward, −1 for the gradient, which is the inverse rotation
     */
    static void rotate(
            float[] x,
            int xo,
            int ld,
            int heads,
            int half,
            float[] angles,
            int cos,
            int sin,
            int firstRow,
            int context,
            int rows,
            float direction) {
        for (int r = 0; r < rows; r++) {
            int angle = ((firstRow + r) % context) * half;
            int row = xo + r * ld;
            for (int c = 0; c < half; c += L) {
                VectorMask<Float> m = S.indexInRange(c, half);
                FloatVector co = FloatVector.fromArray(S, angles, cos + angle + c, m);
                FloatVector si =
                        FloatVector.fromArray(S, angles, sin + angle + c, m).mul(direction);
                FloatVector minus = si.neg();
                for (int h = 0; h < heads; h++) {
                    int p = row + h * 2 * half + c;
                    FloatVector a = FloatVector.fromArray(S, x, p, m);
                    FloatVector b = FloatVector.fromArray(S, x, p + half, m);
                    a.mul(co).add(b.mul(minus)).intoArray(x, p, m);
                    b.mul(co).add(a.mul(si)).intoArray(x, p + half, m);
                }
            }
        }
    }

    /** {@code y[0..n) *= factor}. */
    static void scale(float[] y, int yo, int n, float factor) {
        for (int c = 0; c < n; c += L) {
            VectorMask<Float> m = S.indexInRange(c, n);
            FloatVector.fromArray(S, y, yo + c, m).mul(factor).intoArray(y, yo + c, m);
        }
    }

    /** {@code Σ x y} over {@code n}. */
    static float dot(float[] x, int xo, float[] y, int yo, int n) {
        FloatVector sum = FloatVector.zero(S);
        for (int c = 0; c < n; c += L) {
            VectorMask<Float> m = S.indexInRange(c, n);
            sum = FloatVector.fromArray(S, x, xo + c, m).fma(FloatVector.fromArray(S, y, yo + c, m), sum);
        }
        return Lanes.sum(sum);
    }

    /** {@code y += x} over {@code n}. */
    static void add(float[] x, int xo, float[] y, int yo, int n) {
        int whole = n - n % L;
        int c = 0;
        for (; c < whole; c += L) {
            FloatVector.fromArray(S, y, yo + c)
                    .add(FloatVector.fromArray(S, x, xo + c))
                    .intoArray(y, yo + c);
        }
        for (; c < n; c++) {
            y[yo + c] += x[xo + c];
        }
    }
}
