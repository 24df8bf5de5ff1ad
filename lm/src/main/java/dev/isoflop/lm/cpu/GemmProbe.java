package dev.isoflop.lm.cpu;

/**
 * Times the engine's matrix product: what the hardware gives at best, against which training is measured.
 *
 * <p>Concurrency: the product's rows are cut in blocks over the probe's own workers, as training does.
 */
public final class GemmProbe implements AutoCloseable {

    private static final int ROWS = 64;

    private final WorkerPool pool;

    public GemmProbe(int threads) {
        this.pool = new WorkerPool(threads);
    }

    /**
     * Best GFLOP/s of {@code C[m][n] = A[m][k] · W} with {@code W} packed beforehand, as weights are in training.
     *
     * @param seconds how long to repeat
     */
    public double gigaflops(int m, int n, int k, double seconds) {
        float[] a = new float[m * k];
        float[] w = new float[k * n];
        float[] c = new float[m * n];
        java.util.Arrays.fill(a, 0.5f);
        java.util.Arrays.fill(w, 0.25f);
        float[] packed = new float[Gemm.packedLength(k, n) + 64];
        Gemm.pack(w, 0, n, 1, k, n, packed, 0, 0, n);
        WorkerPool.Work work = (block, worker) -> {
            int from = block * ROWS;
            Gemm.packed(Math.min(ROWS, m - from), n, k, a, from * k, k, 1, packed, 0, c, from * n, n, false);
        };
        int tasks = Math.ceilDiv(m, ROWS);
        return best(2.0 * m * n * k, seconds, () -> pool.run(work, tasks));
    }

    /** Best GFLOP/s of a weight gradient {@code dW[n][k] = dY[m][n]ᵀ · X[m][k]}, summed over {@code m} in the engine's chunks. */
    public double gradientGigaflops(int m, int n, int k, double seconds) {
        float[] dy = new float[m * n + 64];
        float[] x = new float[m * k + 64];
        float[] dw = new float[n * k];
        java.util.Arrays.fill(dy, 0.5f);
        java.util.Arrays.fill(x, 0.25f);
        WorkerPool.Work work = (tile, worker) -> WeightGradients.tile(tile, n, k, m, dy, 0, x, 0, dw, 0, false);
        int tasks = WeightGradients.tiles(n);
        return best(2.0 * m * n * k, seconds, () -> pool.run(work, tasks));
    }

    private static double best(double flops, double seconds, Runnable product) {
        long end = System.nanoTime() + (long) (seconds * 1e9);
        long best = Long.MAX_VALUE;
        do {
            long start = System.nanoTime();
            product.run();
            best = Math.min(best, System.nanoTime() - start);
        } while (System.nanoTime() < end);
        return flops / best;
    }

    @Override
    public void close() {
        pool.close();
    }
}
