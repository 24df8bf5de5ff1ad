package dev.isoflop.lm.cpu;

import static dev.isoflop.lm.cpu.MicroKernels.L;

/**
 * Matrix products of the shapes training has: many rows (tokens), few columns.
 *
 * <p>The right operand is either packed into column panels once per optimizer step (weights, which are used by every block of rows) or
 * read where it lies (activations, in weight gradients and in attention). The left operand is read in place, by rows or by columns.
 *
 * <p>Results depend on the shape alone: the sum over {@code k} is cut at multiples of {@link #K_BLOCK} and each piece is one ascending
 * chain, so callers may split rows or columns over threads as they like and get the same bits.
 */
final class Gemm {

    /** Longest chain of one pass over {@code k}; bounds the panel to what the second-level cache keeps. */
    static final int K_BLOCK = 512;

    private Gemm() {}

    /** Floats a packed {@code [k][n]} operand takes. */
    static int packedLength(int k, int n) {
        return Math.multiplyExact(k, Math.ceilDiv(n, L) * L);
    }

    /**
     * Packs {@code W} for {@code C = A W}: column panels, each {@code [k][width]}, the last padded with zeros.
     *
     * @param rowStride distance between elements along {@code k}
     * @param columnStride distance between elements along {@code n}; pass {@code (1, ld)} to pack a transpose
     * @param fromColumn panels that start in {@code [fromColumn, toColumn)} are packed, so that threads can share the work
     */
    static void pack(
            float[] w,
            int offset,
            int rowStride,
            int columnStride,
            int k,
            int n,
            float[] packed,
            int packedOffset,
            int fromColumn,
            int toColumn) {
        int column = 0;
        while (column < n) {
            int width = Math.max(MicroKernels.width((n - column) / L), 1) * L;
            if (column >= fromColumn && column < toColumn) {
                packPanel(
                        w,
                        offset + column * columnStride,
                        rowStride,
                        columnStride,
                        k,
                        Math.min(width, n - column),
                        width,
                        packed,
                        packedOffset + k * column);
            }
            column += width;
        }
    }

    private static void packPanel(
            float[] w,
            int offset,
            int rowStride,
            int columnStride,
            int k,
            int columns,
            int width,
            float[] packed,
            int to) {
        if (columnStride == 1) {
            for (int p = 0; p < k; p++) {
                System.arraycopy(w, offset + p * rowStride, packed, to + p * width, columns);
            }
        } else {
            for (int j = 0; j < columns; j++) {
                int from = offset + j * columnStride;
                for (int p = 0; p < k; p++) {
                    packed[to + p * width + j] = w[from + p * rowStride];
                }
            }
        }
    }

    /** {@code C[m][n] (+)= A[m][k] · W} with {@code W} packed by {@link #pack}; element {@code (i, p)} of A is {@code a[ao + i ar + p ak]}. */
    static void packed(
            int m,
            int n,
            int k,
            float[] a,
            int ao,
            int ar,
            int ak,
            float[] b,
            int bo,
            float[] c,
            int co,
            int ldc,
            boolean acc) {
        for (int p = 0; p < k; p += K_BLOCK) {
            int kb = Math.min(K_BLOCK, k - p);
            boolean add = acc || p > 0;
            int column = 0;
            while (column < n) {
                int whole = (n - column) / L;
                int vectors = MicroKernels.width(whole);
                int width = Math.max(vectors, 1) * L;
                MicroKernels.panel(
                        m,
                        vectors,
                        n - column,
                        kb,
                        a,
                        ao + p * ak,
                        ar,
                        ak,
                        b,
                        bo + k * column + p * width,
                        width,
                        c,
                        co + column,
                        ldc,
                        add);
                column += width;
            }
        }
    }

    /** {@code C[m][n] (+)= A[m][k] · B[k][n]} with {@code B} row major where it lies. */
    static void plain(
            int m,
            int n,
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
        for (int p = 0; p < k; p += K_BLOCK) {
            int kb = Math.min(K_BLOCK, k - p);
            boolean add = acc || p > 0;
            int column = 0;
            while (column < n) {
                int whole = (n - column) / L;
                int vectors = MicroKernels.width(whole);
                int width = Math.max(vectors, 1) * L;
                MicroKernels.panel(
                        m,
                        vectors,
                        n - column,
                        kb,
                        a,
                        ao + p * ak,
                        ar,
                        ak,
                        b,
                        bo + p * ldb + column,
                        ldb,
                        c,
                        co + column,
                        ldc,
                        add);
                column += width;
            }
        }
    }
}
