package dev.isoflop.lm.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Register tiles of a matrix product: {@code c[i][j] (+)= Σ_p a[ao + i ar + p ak] · b[bo + p ldb + j]}.
 *
 * <p>One method holds all its accumulators from first to last, because a vector handed to a method that the compiler does not inline
 * is boxed and twenty times slower. Each element is one chain of fused multiply-adds over ascending {@code p} whatever the tile, so
 * how an output is cut into tiles never changes its bits. With 32 vector registers (AVX-512, NEON) tiles have 8 rows and up to 3
 * vectors; with 16 (AVX2) 4 rows and up to 2, since more spills.
 */
final class MicroKernels {

    static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
    static final int L = S.length();
    /** Whether there are registers for 8 by 3 tiles. */
    static final boolean WIDE =
            L >= 16 || L == 4 && System.getProperty("os.arch", "").equals("aarch64");
    /** Most vectors side by side in a tile. */
    static final int MAX_VECTORS = WIDE ? 3 : 2;
    /** Rows of a full tile. */
    static final int ROWS = WIDE ? 8 : 4;

    private MicroKernels() {}

    /** Vectors in the next tile when {@code remaining} whole vectors are left: 4 is 2 + 2, not 3 + 1. */
    static int width(int remaining) {
        return remaining == 4 ? 2 : Math.min(remaining, MAX_VECTORS);
    }

    private static final float[] ZEROS = new float[3 * L];

    /** A tile's results on their way to a ragged panel; a thread's own, made once. */
    private static final ThreadLocal<float[]> TILE = ThreadLocal.withInitial(() -> new float[8 * L]);

    /**
     * All rows of one column panel.
     *
     * @param m rows
     * @param vectors panel width in whole vectors, or 0 for a ragged panel of {@code lanes} columns: there {@code b} is read {@code L}
     *     wide, so the array must go on that far, and only {@code lanes} columns are written
     */
    static void panel(
            int m,
            int vectors,
            int lanes,
            int k,
            float[] a,
            int ao,
            int ar,
            int ak,
            float[] b,
            int bo,
            int ldb,
            float[] c,
            int co,
            int ldc,
            boolean acc) {
        if (vectors == 0) {
            ragged(m, lanes, k, a, ao, ar, ak, b, bo, ldb, c, co, ldc, acc);
            return;
        }
        int i = 0;
        if (WIDE) {
            for (; i + 8 <= m; i += 8) {
                int x = ao + i * ar;
                int y = co + i * ldc;
                switch (vectors) {
                    case 1 -> k8x1(k, a, x, ar, ak, b, bo, ldb, c, y, ldc, acc);
                    case 2 -> k8x2(k, a, x, ar, ak, b, bo, ldb, c, y, ldc, acc);
                    default -> k8x3(k, a, x, ar, ak, b, bo, ldb, c, y, ldc, acc);
                }
            }
        }
        for (; i + 4 <= m; i += 4) {
            int x = ao + i * ar;
            int y = co + i * ldc;
            switch (vectors) {
                case 1 -> k4x1(k, a, x, ar, ak, b, bo, ldb, c, y, ldc, acc);
                case 2 -> k4x2(k, a, x, ar, ak, b, bo, ldb, c, y, ldc, acc);
                default -> {
                    k4x2(k, a, x, ar, ak, b, bo, ldb, c, y, ldc, acc);
                    k4x1(k, a, x, ar, ak, b, bo + 2 * L, ldb, c, y + 2 * L, ldc, acc);
                }
            }
        }
        for (; i < m; i++) {
            int x = ao + i * ar;
            int y = co + i * ldc;
            for (int v = 0; v < vectors; v++) {
                k1x1(k, a, x, ar, ak, b, bo + v * L, ldb, c, y + v * L, ldc, acc);
            }
        }
    }

    private static void ragged(
            int m,
            int lanes,
            int k,
            float[] a,
            int ao,
            int ar,
            int ak,
            float[] b,
            int bo,
            int ldb,
            float[] c,
            int co,
            int ldc,
            boolean acc) {
        float[] tile = TILE.get();
        int i = 0;
        if (WIDE) {
            for (; i + 8 <= m; i += 8) {
                k8x1(k, a, ao + i * ar, ar, ak, b, bo, ldb, tile, 0, L, false);
                copy(tile, 8, lanes, c, co + i * ldc, ldc, acc);
            }
        }
        for (; i + 4 <= m; i += 4) {
            k4x1(k, a, ao + i * ar, ar, ak, b, bo, ldb, tile, 0, L, false);
            copy(tile, 4, lanes, c, co + i * ldc, ldc, acc);
        }
        for (; i < m; i++) {
            k1x1(k, a, ao + i * ar, ar, ak, b, bo, ldb, tile, 0, L, false);
            copy(tile, 1, lanes, c, co + i * ldc, ldc, acc);
        }
    }

    private static void copy(float[] tile, int rows, int lanes, float[] c, int co, int ldc, boolean acc) {
        for (int r = 0; r < rows; r++) {
            int from = r * L;
            int to = co + r * ldc;
            if (acc) {
                for (int j = 0; j < lanes; j++) {
                    c[to + j] += tile[from + j];
                }
            } else {
                for (int j = 0; j < lanes; j++) {
                    c[to + j] = tile[from + j];
                }
            }
        }
    }

    private static void k8x3(
            int k,
            float[] a,
            int ao,
            int ar,
            int ak,
            float[] b,
            int bo,
            int ldb,
            float[] c,
            int co,
            int ldc,
            boolean acc) {
        FloatVector c00 = FloatVector.zero(S);
        FloatVector c01 = FloatVector.zero(S);
        FloatVector c02 = FloatVector.zero(S);
        FloatVector c10 = FloatVector.zero(S);
        FloatVector c11 = FloatVector.zero(S);
        FloatVector c12 = FloatVector.zero(S);
        FloatVector c20 = FloatVector.zero(S);
        FloatVector c21 = FloatVector.zero(S);
        FloatVector c22 = FloatVector.zero(S);
        FloatVector c30 = FloatVector.zero(S);
        FloatVector c31 = FloatVector.zero(S);
        FloatVector c32 = FloatVector.zero(S);
        FloatVector c40 = FloatVector.zero(S);
        FloatVector c41 = FloatVector.zero(S);
        FloatVector c42 = FloatVector.zero(S);
        FloatVector c50 = FloatVector.zero(S);
        FloatVector c51 = FloatVector.zero(S);
        FloatVector c52 = FloatVector.zero(S);
        FloatVector c60 = FloatVector.zero(S);
        FloatVector c61 = FloatVector.zero(S);
        FloatVector c62 = FloatVector.zero(S);
        FloatVector c70 = FloatVector.zero(S);
        FloatVector c71 = FloatVector.zero(S);
        FloatVector c72 = FloatVector.zero(S);
        int ap = ao;
        int bp = bo;
        int r1 = ar;
        int r2 = r1 + ar;
        int r3 = r2 + ar;
        int r4 = r3 + ar;
        int r5 = r4 + ar;
        int r6 = r5 + ar;
        int r7 = r6 + ar;
        for (int p = 0; p < k; p++) {
            FloatVector b0 = FloatVector.fromArray(S, b, bp);
            FloatVector b1 = FloatVector.fromArray(S, b, bp + 1 * L);
            FloatVector b2 = FloatVector.fromArray(S, b, bp + 2 * L);
            FloatVector a0 = FloatVector.broadcast(S, a[ap]);
            c00 = a0.fma(b0, c00);
            c01 = a0.fma(b1, c01);
            c02 = a0.fma(b2, c02);
            FloatVector a1 = FloatVector.broadcast(S, a[ap + r1]);
            c10 = a1.fma(b0, c10);
            c11 = a1.fma(b1, c11);
            c12 = a1.fma(b2, c12);
            FloatVector a2 = FloatVector.broadcast(S, a[ap + r2]);
            c20 = a2.fma(b0, c20);
            c21 = a2.fma(b1, c21);
            c22 = a2.fma(b2, c22);
            FloatVector a3 = FloatVector.broadcast(S, a[ap + r3]);
            c30 = a3.fma(b0, c30);
            c31 = a3.fma(b1, c31);
            c32 = a3.fma(b2, c32);
            FloatVector a4 = FloatVector.broadcast(S, a[ap + r4]);
            c40 = a4.fma(b0, c40);
            c41 = a4.fma(b1, c41);
            c42 = a4.fma(b2, c42);
            FloatVector a5 = FloatVector.broadcast(S, a[ap + r5]);
            c50 = a5.fma(b0, c50);
            c51 = a5.fma(b1, c51);
            c52 = a5.fma(b2, c52);
            FloatVector a6 = FloatVector.broadcast(S, a[ap + r6]);
            c60 = a6.fma(b0, c60);
            c61 = a6.fma(b1, c61);
            c62 = a6.fma(b2, c62);
            FloatVector a7 = FloatVector.broadcast(S, a[ap + r7]);
            c70 = a7.fma(b0, c70);
            c71 = a7.fma(b1, c71);
            c72 = a7.fma(b2, c72);
            ap += ak;
            bp += ldb;
        }
        // added without a branch on vectors: where two paths meet, one of them rare, the compiler would box every
        // accumulator
        float[] z = acc ? c : ZEROS;
        int zo = acc ? co : 0;
        int zl = acc ? ldc : 0;
        c00.add(FloatVector.fromArray(S, z, zo)).intoArray(c, co);
        c01.add(FloatVector.fromArray(S, z, zo + 1 * L)).intoArray(c, co + 1 * L);
        c02.add(FloatVector.fromArray(S, z, zo + 2 * L)).intoArray(c, co + 2 * L);
        c10.add(FloatVector.fromArray(S, z, zo + 1 * zl)).intoArray(c, co + 1 * ldc);
        c11.add(FloatVector.fromArray(S, z, zo + 1 * zl + 1 * L)).intoArray(c, co + 1 * ldc + 1 * L);
        c12.add(FloatVector.fromArray(S, z, zo + 1 * zl + 2 * L)).intoArray(c, co + 1 * ldc + 2 * L);
        c20.add(FloatVector.fromArray(S, z, zo + 2 * zl)).intoArray(c, co + 2 * ldc);
        c21.add(FloatVector.fromArray(S, z, zo + 2 * zl + 1 * L)).intoArray(c, co + 2 * ldc + 1 * L);
        c22.add(FloatVector.fromArray(S, z, zo + 2 * zl + 2 * L)).intoArray(c, co + 2 * ldc + 2 * L);
        c30.add(FloatVector.fromArray(S, z, zo + 3 * zl)).intoArray(c, co + 3 * ldc);
        c31.add(FloatVector.fromArray(S, z, zo + 3 * zl + 1 * L)).intoArray(c, co + 3 * ldc + 1 * L);
        c32.add(FloatVector.fromArray(S, z, zo + 3 * zl + 2 * L)).intoArray(c, co + 3 * ldc + 2 * L);
        c40.add(FloatVector.fromArray(S, z, zo + 4 * zl)).intoArray(c, co + 4 * ldc);
        c41.add(FloatVector.fromArray(S, z, zo + 4 * zl + 1 * L)).intoArray(c, co + 4 * ldc + 1 * L);
        c42.add(FloatVector.fromArray(S, z, zo + 4 * zl + 2 * L)).intoArray(c, co + 4 * ldc + 2 * L);
        c50.add(FloatVector.fromArray(S, z, zo + 5 * zl)).intoArray(c, co + 5 * ldc);
        c51.add(FloatVector.fromArray(S, z, zo + 5 * zl + 1 * L)).intoArray(c, co + 5 * ldc + 1 * L);
        c52.add(FloatVector.fromArray(S, z, zo + 5 * zl + 2 * L)).intoArray(c, co + 5 * ldc + 2 * L);
        c60.add(FloatVector.fromArray(S, z, zo + 6 * zl)).intoArray(c, co + 6 * ldc);
        c61.add(FloatVector.fromArray(S, z, zo + 6 * zl + 1 * L)).intoArray(c, co + 6 * ldc + 1 * L);
        c62.add(FloatVector.fromArray(S, z, zo + 6 * zl + 2 * L)).intoArray(c, co + 6 * ldc + 2 * L);
        c70.add(FloatVector.fromArray(S, z, zo + 7 * zl)).intoArray(c, co + 7 * ldc);
        c71.add(FloatVector.fromArray(S, z, zo + 7 * zl + 1 * L)).intoArray(c, co + 7 * ldc + 1 * L);
        c72.add(FloatVector.fromArray(S, z, zo + 7 * zl + 2 * L)).intoArray(c, co + 7 * ldc + 2 * L);
    }

    private static void k8x2(
            int k,
            float[] a,
            int ao,
            int ar,
            int ak,
            float[] b,
            int bo,
            int ldb,
            float[] c,
            int co,
            int ldc,
            boolean acc) {
        FloatVector c00 = FloatVector.zero(S);
        FloatVector c01 = FloatVector.zero(S);
        FloatVector c10 = FloatVector.zero(S);
        FloatVector c11 = FloatVector.zero(S);
        FloatVector c20 = FloatVector.zero(S);
        FloatVector c21 = FloatVector.zero(S);
        FloatVector c30 = FloatVector.zero(S);
        FloatVector c31 = FloatVector.zero(S);
        FloatVector c40 = FloatVector.zero(S);
        FloatVector c41 = FloatVector.zero(S);
        FloatVector c50 = FloatVector.zero(S);
        FloatVector c51 = FloatVector.zero(S);
        FloatVector c60 = FloatVector.zero(S);
        FloatVector c61 = FloatVector.zero(S);
        FloatVector c70 = FloatVector.zero(S);
        FloatVector c71 = FloatVector.zero(S);
        int ap = ao;
        int bp = bo;
        int r1 = ar;
        int r2 = r1 + ar;
        int r3 = r2 + ar;
        int r4 = r3 + ar;
        int r5 = r4 + ar;
        int r6 = r5 + ar;
        int r7 = r6 + ar;
        for (int p = 0; p < k; p++) {
            FloatVector b0 = FloatVector.fromArray(S, b, bp);
            FloatVector b1 = FloatVector.fromArray(S, b, bp + 1 * L);
            FloatVector a0 = FloatVector.broadcast(S, a[ap]);
            c00 = a0.fma(b0, c00);
            c01 = a0.fma(b1, c01);
            FloatVector a1 = FloatVector.broadcast(S, a[ap + r1]);
            c10 = a1.fma(b0, c10);
            c11 = a1.fma(b1, c11);
            FloatVector a2 = FloatVector.broadcast(S, a[ap + r2]);
            c20 = a2.fma(b0, c20);
            c21 = a2.fma(b1, c21);
            FloatVector a3 = FloatVector.broadcast(S, a[ap + r3]);
            c30 = a3.fma(b0, c30);
            c31 = a3.fma(b1, c31);
            FloatVector a4 = FloatVector.broadcast(S, a[ap + r4]);
            c40 = a4.fma(b0, c40);
            c41 = a4.fma(b1, c41);
            FloatVector a5 = FloatVector.broadcast(S, a[ap + r5]);
            c50 = a5.fma(b0, c50);
            c51 = a5.fma(b1, c51);
            FloatVector a6 = FloatVector.broadcast(S, a[ap + r6]);
            c60 = a6.fma(b0, c60);
            c61 = a6.fma(b1, c61);
            FloatVector a7 = FloatVector.broadcast(S, a[ap + r7]);
            c70 = a7.fma(b0, c70);
            c71 = a7.fma(b1, c71);
            ap += ak;
            bp += ldb;
        }
        // added without a branch on vectors: where two paths meet, one of them rare, the compiler would box every
        // accumulator
        float[] z = acc ? c : ZEROS;
        int zo = acc ? co : 0;
        int zl = acc ? ldc : 0;
        c00.add(FloatVector.fromArray(S, z, zo)).intoArray(c, co);
        c01.add(FloatVector.fromArray(S, z, zo + 1 * L)).intoArray(c, co + 1 * L);
        c10.add(FloatVector.fromArray(S, z, zo + 1 * zl)).intoArray(c, co + 1 * ldc);
        c11.add(FloatVector.fromArray(S, z, zo + 1 * zl + 1 * L)).intoArray(c, co + 1 * ldc + 1 * L);
        c20.add(FloatVector.fromArray(S, z, zo + 2 * zl)).intoArray(c, co + 2 * ldc);
        c21.add(FloatVector.fromArray(S, z, zo + 2 * zl + 1 * L)).intoArray(c, co + 2 * ldc + 1 * L);
        c30.add(FloatVector.fromArray(S, z, zo + 3 * zl)).intoArray(c, co + 3 * ldc);
        c31.add(FloatVector.fromArray(S, z, zo + 3 * zl + 1 * L)).intoArray(c, co + 3 * ldc + 1 * L);
        c40.add(FloatVector.fromArray(S, z, zo + 4 * zl)).intoArray(c, co + 4 * ldc);
        c41.add(FloatVector.fromArray(S, z, zo + 4 * zl + 1 * L)).intoArray(c, co + 4 * ldc + 1 * L);
        c50.add(FloatVector.fromArray(S, z, zo + 5 * zl)).intoArray(c, co + 5 * ldc);
        c51.add(FloatVector.fromArray(S, z, zo + 5 * zl + 1 * L)).intoArray(c, co + 5 * ldc + 1 * L);
        c60.add(FloatVector.fromArray(S, z, zo + 6 * zl)).intoArray(c, co + 6 * ldc);
        c61.add(FloatVector.fromArray(S, z, zo + 6 * zl + 1 * L)).intoArray(c, co + 6 * ldc + 1 * L);
        c70.add(FloatVector.fromArray(S, z, zo + 7 * zl)).intoArray(c, co + 7 * ldc);
        c71.add(FloatVector.fromArray(S, z, zo + 7 * zl + 1 * L)).intoArray(c, co + 7 * ldc + 1 * L);
    }

    private static void k8x1(
            int k,
            float[] a,
            int ao,
            int ar,
            int ak,
            float[] b,
            int bo,
            int ldb,
            float[] c,
            int co,
            int ldc,
            boolean acc) {
        FloatVector c00 = FloatVector.zero(S);
        FloatVector c10 = FloatVector.zero(S);
        FloatVector c20 = FloatVector.zero(S);
        FloatVector c30 = FloatVector.zero(S);
        FloatVector c40 = FloatVector.zero(S);
        FloatVector c50 = FloatVector.zero(S);
        FloatVector c60 = FloatVector.zero(S);
        FloatVector c70 = FloatVector.zero(S);
        int ap = ao;
        int bp = bo;
        int r1 = ar;
        int r2 = r1 + ar;
        int r3 = r2 + ar;
        int r4 = r3 + ar;
        int r5 = r4 + ar;
        int r6 = r5 + ar;
        int r7 = r6 + ar;
        for (int p = 0; p < k; p++) {
            FloatVector b0 = FloatVector.fromArray(S, b, bp);
            FloatVector a0 = FloatVector.broadcast(S, a[ap]);
            c00 = a0.fma(b0, c00);
            FloatVector a1 = FloatVector.broadcast(S, a[ap + r1]);
            c10 = a1.fma(b0, c10);
            FloatVector a2 = FloatVector.broadcast(S, a[ap + r2]);
            c20 = a2.fma(b0, c20);
            FloatVector a3 = FloatVector.broadcast(S, a[ap + r3]);
            c30 = a3.fma(b0, c30);
            FloatVector a4 = FloatVector.broadcast(S, a[ap + r4]);
            c40 = a4.fma(b0, c40);
            FloatVector a5 = FloatVector.broadcast(S, a[ap + r5]);
            c50 = a5.fma(b0, c50);
            FloatVector a6 = FloatVector.broadcast(S, a[ap + r6]);
            c60 = a6.fma(b0, c60);
            FloatVector a7 = FloatVector.broadcast(S, a[ap + r7]);
            c70 = a7.fma(b0, c70);
            ap += ak;
            bp += ldb;
        }
        // added without a branch on vectors: where two paths meet, one of them rare, the compiler would box every
        // accumulator
        float[] z = acc ? c : ZEROS;
        int zo = acc ? co : 0;
        int zl = acc ? ldc : 0;
        c00.add(FloatVector.fromArray(S, z, zo)).intoArray(c, co);
        c10.add(FloatVector.fromArray(S, z, zo + 1 * zl)).intoArray(c, co + 1 * ldc);
        c20.add(FloatVector.fromArray(S, z, zo + 2 * zl)).intoArray(c, co + 2 * ldc);
        c30.add(FloatVector.fromArray(S, z, zo + 3 * zl)).intoArray(c, co + 3 * ldc);
        c40.add(FloatVector.fromArray(S, z, zo + 4 * zl)).intoArray(c, co + 4 * ldc);
        c50.add(FloatVector.fromArray(S, z, zo + 5 * zl)).intoArray(c, co + 5 * ldc);
        c60.add(FloatVector.fromArray(S, z, zo + 6 * zl)).intoArray(c, co + 6 * ldc);
        c70.add(FloatVector.fromArray(S, z, zo + 7 * zl)).intoArray(c, co + 7 * ldc);
    }

    private static void k4x2(
            int k,
            float[] a,
            int ao,
            int ar,
            int ak,
            float[] b,
            int bo,
            int ldb,
            float[] c,
            int co,
            int ldc,
            boolean acc) {
        FloatVector c00 = FloatVector.zero(S);
        FloatVector c01 = FloatVector.zero(S);
        FloatVector c10 = FloatVector.zero(S);
        FloatVector c11 = FloatVector.zero(S);
        FloatVector c20 = FloatVector.zero(S);
        FloatVector c21 = FloatVector.zero(S);
        FloatVector c30 = FloatVector.zero(S);
        FloatVector c31 = FloatVector.zero(S);
        int ap = ao;
        int bp = bo;
        int r1 = ar;
        int r2 = r1 + ar;
        int r3 = r2 + ar;
        for (int p = 0; p < k; p++) {
            FloatVector b0 = FloatVector.fromArray(S, b, bp);
            FloatVector b1 = FloatVector.fromArray(S, b, bp + 1 * L);
            FloatVector a0 = FloatVector.broadcast(S, a[ap]);
            c00 = a0.fma(b0, c00);
            c01 = a0.fma(b1, c01);
            FloatVector a1 = FloatVector.broadcast(S, a[ap + r1]);
            c10 = a1.fma(b0, c10);
            c11 = a1.fma(b1, c11);
            FloatVector a2 = FloatVector.broadcast(S, a[ap + r2]);
            c20 = a2.fma(b0, c20);
            c21 = a2.fma(b1, c21);
            FloatVector a3 = FloatVector.broadcast(S, a[ap + r3]);
            c30 = a3.fma(b0, c30);
            c31 = a3.fma(b1, c31);
            ap += ak;
            bp += ldb;
        }
        // added without a branch on vectors: where two paths meet, one of them rare, the compiler would box every
        // accumulator
        float[] z = acc ? c : ZEROS;
        int zo = acc ? co : 0;
        int zl = acc ? ldc : 0;
        c00.add(FloatVector.fromArray(S, z, zo)).intoArray(c, co);
        c01.add(FloatVector.fromArray(S, z, zo + 1 * L)).intoArray(c, co + 1 * L);
        c10.add(FloatVector.fromArray(S, z, zo + 1 * zl)).intoArray(c, co + 1 * ldc);
        c11.add(FloatVector.fromArray(S, z, zo + 1 * zl + 1 * L)).intoArray(c, co + 1 * ldc + 1 * L);
        c20.add(FloatVector.fromArray(S, z, zo + 2 * zl)).intoArray(c, co + 2 * ldc);
        c21.add(FloatVector.fromArray(S, z, zo + 2 * zl + 1 * L)).intoArray(c, co + 2 * ldc + 1 * L);
        c30.add(FloatVector.fromArray(S, z, zo + 3 * zl)).intoArray(c, co + 3 * ldc);
        c31.add(FloatVector.fromArray(S, z, zo + 3 * zl + 1 * L)).intoArray(c, co + 3 * ldc + 1 * L);
    }

    private static void k4x1(
            int k,
            float[] a,
            int ao,
            int ar,
            int ak,
            float[] b,
            int bo,
            int ldb,
            float[] c,
            int co,
            int ldc,
            boolean acc) {
        FloatVector c00 = FloatVector.zero(S);
        FloatVector c10 = FloatVector.zero(S);
        FloatVector c20 = FloatVector.zero(S);
        FloatVector c30 = FloatVector.zero(S);
        int ap = ao;
        int bp = bo;
        int r1 = ar;
        int r2 = r1 + ar;
        int r3 = r2 + ar;
        for (int p = 0; p < k; p++) {
            FloatVector b0 = FloatVector.fromArray(S, b, bp);
            FloatVector a0 = FloatVector.broadcast(S, a[ap]);
            c00 = a0.fma(b0, c00);
            FloatVector a1 = FloatVector.broadcast(S, a[ap + r1]);
            c10 = a1.fma(b0, c10);
            FloatVector a2 = FloatVector.broadcast(S, a[ap + r2]);
            c20 = a2.fma(b0, c20);
            FloatVector a3 = FloatVector.broadcast(S, a[ap + r3]);
            c30 = a3.fma(b0, c30);
            ap += ak;
            bp += ldb;
        }
        // added without a branch on vectors: where two paths meet, one of them rare, the compiler would box every
        // accumulator
        float[] z = acc ? c : ZEROS;
        int zo = acc ? co : 0;
        int zl = acc ? ldc : 0;
        c00.add(FloatVector.fromArray(S, z, zo)).intoArray(c, co);
        c10.add(FloatVector.fromArray(S, z, zo + 1 * zl)).intoArray(c, co + 1 * ldc);
        c20.add(FloatVector.fromArray(S, z, zo + 2 * zl)).intoArray(c, co + 2 * ldc);
        c30.add(FloatVector.fromArray(S, z, zo + 3 * zl)).intoArray(c, co + 3 * ldc);
    }

    private static void k1x1(
            int k,
            float[] a,
            int ao,
            int ar,
            int ak,
            float[] b,
            int bo,
            int ldb,
            float[] c,
            int co,
            int ldc,
            boolean acc) {
        FloatVector c00 = FloatVector.zero(S);
        int ap = ao;
        int bp = bo;
        for (int p = 0; p < k; p++) {
            FloatVector b0 = FloatVector.fromArray(S, b, bp);
            FloatVector a0 = FloatVector.broadcast(S, a[ap]);
            c00 = a0.fma(b0, c00);
            ap += ak;
            bp += ldb;
        }
        // added without a branch on vectors: where two paths meet, one of them rare, the compiler would box every
        // accumulator
        float[] z = acc ? c : ZEROS;
        int zo = acc ? co : 0;
        int zl = acc ? ldc : 0;
        c00.add(FloatVector.fromArray(S, z, zo)).intoArray(c, co);
    }
}
