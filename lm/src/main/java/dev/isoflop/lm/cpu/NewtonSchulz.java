package dev.isoflop.lm.cpu;

/**
 * Pushes the singular values of a matrix towards 1 and leaves its singular vectors, with products alone: five iterations of
 * {@code X ← a X + (b A + c A²) X}, {@code A = X Xᵀ}, whose coefficients Jordan et al. 2024 chose for speed. They do not converge: each value
 * that was above about 1e-3 of the norm ends somewhere in 0.7..1.2.
 *
 * <p>X is kept tall, {@code [large][small]} row major, since then every product reads its right operand row by row and A is small: a matrix
 * that is wide is its own transpose here, for which the iteration is the same. {@code A} and {@code A²} are symmetric; only blocks up to the
 * diagonal are computed.
 *
 * <p>Concurrency: none of its own; a call works in the scratch memory it is given.
 */
final class NewtonSchulz {

    private static final int BLOCK = 32;
    private static final int ALIGN = 16;

    private NewtonSchulz() {}

    /** Floats of scratch for a matrix: X twice, A, A², and what vector loads read past the last row's end. */
    static int scratchLength(int rows, int columns) {
        int small = Math.min(rows, columns);
        long length = 2L * aligned((long) rows * columns) + 2L * aligned((long) small * small) + 4 * ALIGN;
        return Math.toIntExact(length);
    }

    /** Where the second X begins in the scratch memory; the first begins at 0. */
    static int second(int rows, int columns) {
        return Math.toIntExact(aligned((long) rows * columns));
    }

    private static long aligned(long length) {
        return (length + ALIGN - 1) / ALIGN * ALIGN;
    }

    /**
     * Five iterations.
     *
     * @param w scratch memory of {@link #scratchLength}; X, of Frobenius norm at most 1, begins at 0
     * @param large rows of X, at least {@code small}
     * @return where the result begins
     */
    static int iterate(float[] w, int large, int small) {
        int x = 0;
        int next = second(large, small);
        int gram = 2 * next;
        int square = Math.toIntExact(gram + aligned((long) small * small));
        for (int i = 0; i < Muon.ITERATIONS; i++) {
            for (int row = 0; row < small; row += BLOCK) {
                int rows = Math.min(BLOCK, small - row);
                Gemm.plain(
                        rows,
                        row + rows,
                        large,
                        w,
                        x + row,
                        1,
                        small,
                        w,
                        x,
                        small,
                        w,
                        gram + row * small,
                        small,
                        false);
            }
            mirror(w, gram, small);
            for (int row = 0; row < small; row += BLOCK) {
                int rows = Math.min(BLOCK, small - row);
                int to = square + row * small;
                Gemm.plain(
                        rows, row + rows, small, w, gram + row * small, small, 1, w, gram, small, w, to, small, false);
            }
            polynomial(w, gram, square, small);
            Gemm.plain(large, small, small, w, x, small, 1, w, square, small, w, next, small, false);
            int was = x;
            x = next;
            next = was;
        }
        return x;
    }

    /** The upper triangle from the lower one. */
    private static void mirror(float[] w, int at, int n) {
        for (int i = 1; i < n; i++) {
            for (int j = 0; j < i; j++) {
                w[at + j * n + i] = w[at + i * n + j];
            }
        }
    }

    /** {@code square ← a I + b gram + c square}, of which the lower triangle is given. */
    private static void polynomial(float[] w, int gram, int square, int n) {
        for (int i = 0; i < n; i++) {
            int row = square + i * n;
            for (int j = 0; j <= i; j++) {
                w[row + j] = Muon.B * w[gram + i * n + j] + Muon.C * w[row + j];
            }
            w[row + i] += Muon.A;
        }
        mirror(w, square, n);
    }
}
