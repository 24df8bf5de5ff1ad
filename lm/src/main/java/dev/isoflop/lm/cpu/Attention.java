package dev.isoflop.lm.cpu;

import static dev.isoflop.lm.cpu.MicroKernels.L;
import static dev.isoflop.lm.cpu.MicroKernels.S;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * Causal grouped-query attention of one sequence and one key head, in tiles (Dao 2023): never a {@code T × T} buffer.
 *
 * <p>A score tile is kept transposed, {@code [keys][queries]}, with a query per vector lane. So the products over the head dimension run
 * at full width however narrow a head is, and the softmax over keys is elementwise over vectors. Queries, keys and values are read
 * where the fused projection put them: rows {@code [q heads | k heads | v heads]} of stride {@code ld}. The backward pass recomputes
 * probabilities from the stored log-sum-exp and writes the gradients over queries, keys and values in place, which is safe because a
 * query row is used by its own tile only and key and value gradients gather in scratch until all tiles are done.
 */
final class Attention {

    /** Queries in a tile. */
    static final int QUERIES = 2 * L;
    /** Where running maxima begin: below every score that a healthy model has, and finite, so that differences are numbers. */
    private static final float LOWEST = -1e30f;

    /** Most keys in a tile. */
    static final int KEYS = 128;

    private final int context;
    private final int heads;
    private final int kvHeads;
    private final int headDim;
    private final int ld;
    private final int out;
    private final float scale;

    Attention(int context, int heads, int kvHeads, int headDim) {
        this.context = context;
        this.heads = heads;
        this.kvHeads = kvHeads;
        this.headDim = headDim;
        this.ld = (heads + 2 * kvHeads) * headDim;
        this.out = heads * headDim;
        this.scale = (float) (1.0 / Math.sqrt(headDim));
    }

    /** Floats of scratch one worker needs. */
    int scratchLength() {
        // query tile, gradient tile, scores, score gradients, max and sum and factor and delta, dq rows, dk and dv
        return 2 * headDim * QUERIES + 2 * KEYS * QUERIES + 4 * QUERIES + QUERIES * headDim + 2 * context * headDim;
    }

    /**
     * @param qkv {@code [T][ld]} of this sequence from {@code qo}
     * @param o {@code [T][heads headDim]} from {@code oo}: the result
     * @param lse {@code [heads][T]} from {@code lo}: log Σ exp of each query's scores
     */
    void forward(float[] qkv, int qo, float[] o, int oo, float[] lse, int lo, int kvHead, float[] s, int so) {
        int group = heads / kvHeads;
        int kOff = qo + (heads + kvHead) * headDim;
        int vOff = kOff + kvHeads * headDim;
        int qt = so;
        int scores = qt + 2 * headDim * QUERIES;
        int max = scores + 2 * KEYS * QUERIES;
        int sum = max + QUERIES;
        int factor = sum + QUERIES;
        for (int h = kvHead * group; h < (kvHead + 1) * group; h++) {
            for (int i0 = 0; i0 < context; i0 += QUERIES) {
                int queries = Math.min(QUERIES, context - i0);
                transpose(qkv, qo + i0 * ld + h * headDim, ld, queries, headDim, scale, s, qt);
                int tile = oo + i0 * out + h * headDim;
                int end = i0 + queries;
                java.util.Arrays.fill(s, max, max + QUERIES, LOWEST);
                java.util.Arrays.fill(s, sum, sum + QUERIES, 0f);
                for (int j0 = 0; j0 < end; j0 += KEYS) {
                    int keys = Math.min(KEYS, end - j0);
                    int early = visibleKeys(keys, j0 - i0, 0);
                    products(keys, early, qkv, kOff + j0 * ld, s, qt, scores);
                    softmax(s, scores, keys, j0 - i0, max, sum, factor);
                    if (j0 > 0) {
                        for (int i = 0; i < queries; i++) {
                            Elementwise.scale(o, tile + i * out, headDim, s[factor + i]);
                        }
                    }
                    overKeys(queries, keys, early, s, scores, qkv, vOff + j0 * ld, o, tile, out, j0 > 0);
                }
                for (int i = 0; i < queries; i++) {
                    Elementwise.scale(o, tile + i * out, headDim, 1f / s[sum + i]);
                    lse[lo + h * context + i0 + i] = (float) (s[max + i] + Math.log(s[sum + i]));
                }
            }
        }
    }

    /**
     * @param go {@code [T][heads headDim]}: gradient of the result
     * @param qkv queries, keys and values in, their gradients out
     */
    void backward(
            float[] qkv,
            int qo,
            float[] o,
            int oo,
            float[] go,
            int goo,
            float[] lse,
            int lo,
            int kvHead,
            float[] s,
            int so) {
        int group = heads / kvHeads;
        int kOff = qo + (heads + kvHead) * headDim;
        int vOff = kOff + kvHeads * headDim;
        int qt = so;
        int gt = qt + headDim * QUERIES;
        int p = gt + headDim * QUERIES;
        int ds = p + KEYS * QUERIES;
        int lseTile = ds + KEYS * QUERIES;
        int delta = lseTile + QUERIES;
        int dq = lseTile + 4 * QUERIES;
        int dk = dq + QUERIES * headDim;
        int dv = dk + context * headDim;
        java.util.Arrays.fill(s, dk, dv + context * headDim, 0f);
        for (int h = kvHead * group; h < (kvHead + 1) * group; h++) {
            for (int i0 = 0; i0 < context; i0 += QUERIES) {
                int queries = Math.min(QUERIES, context - i0);
                int qRow = qo + i0 * ld + h * headDim;
                int oRow = oo + i0 * out + h * headDim;
                int gRow = goo + i0 * out + h * headDim;
                transpose(qkv, qRow, ld, queries, headDim, scale, s, qt);
                transpose(go, gRow, out, queries, headDim, 1f, s, gt);
                for (int i = 0; i < QUERIES; i++) {
                    s[lseTile + i] = i < queries ? lse[lo + h * context + i0 + i] : 0f;
                    s[delta + i] = i < queries ? Elementwise.dot(go, gRow + i * out, o, oRow + i * out, headDim) : 0f;
                }
                int end = i0 + queries;
                for (int j0 = 0; j0 < end; j0 += KEYS) {
                    int keys = Math.min(KEYS, end - j0);
                    int early = visibleKeys(keys, j0 - i0, 0);
                    products(keys, early, qkv, kOff + j0 * ld, s, qt, p);
                    products(keys, early, qkv, vOff + j0 * ld, s, gt, ds);
                    mask(s, p, keys, j0 - i0);
                    gradientTile(s, p, ds, keys, j0 - i0, lseTile, delta);
                    overQueries(queries, keys, early, s, p, go, gRow, out, dv + j0 * headDim);
                    overQueries(queries, keys, early, s, ds, qkv, qRow, ld, dk + j0 * headDim);
                    overKeys(queries, keys, early, s, ds, qkv, kOff + j0 * ld, s, dq, headDim, j0 > 0);
                }
                for (int i = 0; i < queries; i++) {
                    copyScaled(s, dq + i * headDim, qkv, qRow + i * ld, headDim, scale);
                }
            }
        }
        for (int j = 0; j < context; j++) {
            copyScaled(s, dk + j * headDim, qkv, kOff + j * ld, headDim, scale);
            System.arraycopy(s, dv + j * headDim, qkv, vOff + j * ld, headDim);
        }
    }

    // A tile on the diagonal is a triangle. Its first vector of queries sees the `early` keys only, so the keys after
    // those meet the
    // second vector alone: a third of the arithmetic of a short context would else be thrown away.

    /** {@code y[keys][QUERIES] = k · q}; rows from {@code early} on get their second vector only, the first stays unwritten. */
    private void products(int keys, int early, float[] k, int ko, float[] s, int qt, int y) {
        Gemm.plain(early, QUERIES, headDim, k, ko, ld, 1, s, qt, QUERIES, s, y, QUERIES, false);
        if (early < keys) {
            int yo = y + early * QUERIES + L;
            Gemm.plain(keys - early, L, headDim, k, ko + early * ld, ld, 1, s, qt + L, QUERIES, s, yo, QUERIES, false);
        }
    }

    /** {@code y[queries][headDim] (+)= Σ_keys x[key][query] v[key]}, in ascending order of keys. */
    private void overKeys(
            int queries,
            int keys,
            int early,
            float[] s,
            int x,
            float[] v,
            int vo,
            float[] y,
            int yo,
            int ldy,
            boolean accumulate) {
        int first = early < keys ? Math.min(queries, L) : queries;
        Gemm.plain(first, headDim, early, s, x, 1, QUERIES, v, vo, ld, y, yo, ldy, accumulate);
        if (first < queries) {
            Gemm.plain(
                    queries - first,
                    headDim,
                    keys,
                    s,
                    x + L,
                    1,
                    QUERIES,
                    v,
                    vo,
                    ld,
                    y,
                    yo + first * ldy,
                    ldy,
                    accumulate);
        }
    }

    /** {@code y[keys][headDim] += Σ_queries x[key][query] v[query]}, in ascending order of queries. */
    private void overQueries(int queries, int keys, int early, float[] s, int x, float[] v, int vo, int ldv, int yo) {
        Gemm.plain(early, headDim, queries, s, x, QUERIES, 1, v, vo, ldv, s, yo, headDim, true);
        if (early < keys) {
            Gemm.plain(
                    keys - early,
                    headDim,
                    queries - L,
                    s,
                    x + early * QUERIES + L,
                    QUERIES,
                    1,
                    v,
                    vo + L * ldv,
                    ldv,
                    s,
                    yo + early * headDim,
                    headDim,
                    true);
        }
    }

    /** {@code [queries][n]} to {@code [n][QUERIES]}, scaled; lanes without a query become zero. */
    private static void transpose(float[] x, int xo, int ldx, int queries, int n, float scale, float[] y, int yo) {
        if (queries < QUERIES) {
            java.util.Arrays.fill(y, yo, yo + n * QUERIES, 0f);
        }
        for (int i = 0; i < queries; i++) {
            int row = xo + i * ldx;
            for (int c = 0; c < n; c++) {
                y[yo + c * QUERIES + i] = x[row + c] * scale;
            }
        }
    }

    private static void copyScaled(float[] x, int xo, float[] y, int yo, int n, float scale) {
        for (int c = 0; c < n; c += L) {
            VectorMask<Float> m = S.indexInRange(c, n);
            FloatVector.fromArray(S, x, xo + c, m).mul(scale).intoArray(y, yo + c, m);
        }
    }

    /** Key rows at which vector {@code v} of queries sees some key: those below see all lanes, those from here on see none. */
    private static int visibleKeys(int keys, int keyMinusQuery, int v) {
        return Math.clamp(v + L - keyMinusQuery, 0, keys);
    }

    /**
     * Writes −∞ where key &gt; query in the rows that some of a vector's queries see.
     *
     * @param keyMinusQuery index of the tile's first key less that of its first query
     */
    private static void mask(float[] s, int scores, int keys, int keyMinusQuery) {
        for (int v = 0; v < QUERIES; v += L) {
            FloatVector lane = FloatVector.zero(S).addIndex(1).add(v);
            int last = visibleKeys(keys, keyMinusQuery, v);
            for (int j = Math.clamp(v - keyMinusQuery + 1, 0, keys); j < last; j++) {
                int at = scores + j * QUERIES + v;
                VectorMask<Float> hidden = lane.compare(VectorOperators.LT, (float) (keyMinusQuery + j));
                FloatVector.fromArray(S, s, at)
                        .blend(Float.NEGATIVE_INFINITY, hidden)
                        .intoArray(s, at);
            }
        }
    }

    /**
     * Scores become {@code exp(score − maximum)} with the running maximum raised to the tile's; {@code factor} is what earlier results
     * shrink by, and sums follow.
     *
     * <p>One long body on purpose: were it short, the compiler would inline it into {@link #forward}, run out of its budget of nodes
     * there, and box the vectors of whatever comes last.
     */
    private static void softmax(float[] s, int scores, int keys, int keyMinusQuery, int max, int sum, int factor) {
        for (int v = 0; v < QUERIES; v += L) {
            FloatVector lane = FloatVector.zero(S).addIndex(1).add(v);
            int last = visibleKeys(keys, keyMinusQuery, v);
            int whole = Math.clamp(v - keyMinusQuery + 1, 0, last); // rows that every lane sees
            FloatVector before = FloatVector.fromArray(S, s, max + v);
            FloatVector m = before;
            for (int j = 0; j < whole; j++) {
                FloatVector x = FloatVector.fromArray(S, s, scores + j * QUERIES + v);
                m = m.blend(x, x.compare(VectorOperators.GT, m));
            }
            for (int j = whole; j < last; j++) {
                int at = scores + j * QUERIES + v;
                VectorMask<Float> hidden = lane.compare(VectorOperators.LT, (float) (keyMinusQuery + j));
                FloatVector x = FloatVector.fromArray(S, s, at).blend(Float.NEGATIVE_INFINITY, hidden);
                x.intoArray(s, at);
                m = m.blend(x, x.compare(VectorOperators.GT, m));
            }
            m.intoArray(s, max + v);
            FloatVector shrink = Exp.nonPositive(before.sub(m));
            shrink.intoArray(s, factor + v);
            FloatVector total = FloatVector.fromArray(S, s, sum + v).mul(shrink);
            for (int j = 0; j < last; j++) {
                int at = scores + j * QUERIES + v;
                FloatVector e = Exp.nonPositive(FloatVector.fromArray(S, s, at).sub(m));
                total = total.add(e);
                e.intoArray(s, at);
            }
            total.intoArray(s, sum + v);
        }
    }

    /** {@code p = exp(score − lse)}, {@code ds = p (dp − delta)}, both in place. */
    private static void gradientTile(float[] s, int p, int ds, int keys, int keyMinusQuery, int lseTile, int delta) {
        for (int v = 0; v < QUERIES; v += L) {
            FloatVector lse = FloatVector.fromArray(S, s, lseTile + v);
            FloatVector d = FloatVector.fromArray(S, s, delta + v);
            int last = visibleKeys(keys, keyMinusQuery, v);
            for (int j = 0; j < last; j++) {
                int at = j * QUERIES + v;
                FloatVector e =
                        Exp.nonPositive(FloatVector.fromArray(S, s, p + at).sub(lse));
                e.intoArray(s, p + at);
                FloatVector.fromArray(S, s, ds + at).sub(d).mul(e).intoArray(s, ds + at);
            }
        }
    }
}
