package dev.isoflop.lm.cuda.engine;

import dev.isoflop.lm.cpu.Muon;
import dev.isoflop.lm.cuda.blas.MatmulProblem;
import dev.isoflop.lm.cuda.blas.MatrixType;
import dev.isoflop.lm.cuda.driver.DeviceMemory;
import dev.isoflop.lm.cuda.driver.Kernel;

/**
 * The part of a step in which {@link Muon} updates the matrices inside the blocks of all lanes. The iteration runs in the activations' type:
 * bf16 is enough for it (Jordan et al. 2024), momentum and parameters are fp32.
 *
 * <p>Concurrency: as {@link CudaModel}. Same inputs give the same bits: sums have the order of the tiles.
 */
final class MuonUpdate implements AutoCloseable {

    private static final int BLOCK = 256;

    private final CudaBackend backend;
    private final GpuPlan plan;
    private final MuonPlan muon;
    private final Arenas arenas;
    private final Operations ops;
    private final DeviceMemory matrices;
    private final DeviceMemory tiles;
    private final long work;
    private final double n; // elements of all lanes
    private final int unit;

    MuonUpdate(CudaBackend backend, GpuPlan plan, MuonPlan muon, Arenas arenas, Operations ops) {
        this.backend = backend;
        this.plan = plan;
        this.muon = muon;
        this.arenas = arenas;
        this.ops = ops;
        this.work = arenas.activations.address(0);
        this.n = (double) plan.lanes() * muon.elements;
        this.unit = plan.precision().bytes();
        int[] words = muon.matrixTable();
        int[] squares = muon.tileTable();
        this.matrices = DeviceMemory.allocate(backend.device(), 4L * words.length);
        this.tiles = DeviceMemory.allocate(backend.device(), 4L * squares.length);
        matrices.upload(words);
        tiles.upload(squares);
    }

    /** Adds the update; the lanes' {@code State} is known, and nothing needs the activations any more. */
    void add(Program p) {
        gather(p);
        // groups touch nothing in common: those after the first have the side stream
        for (int i = 1; i < muon.groups().size(); i++) {
            iterations(p, muon.groups().get(i), true);
        }
        iterations(p, muon.groups().getFirst(), false);
        p.await(p.mark());
        apply(p);
    }

    private Kernel kernel(String name) {
        return backend.kernel("muon.cu", name + "_" + plan.precision().suffix());
    }

    private void gather(Program p) {
        Kernel momentum = kernel("muon_momentum");
        Kernel norm = backend.kernel("muon.cu", "muon_norm");
        Kernel normalise = kernel("muon_normalise");
        p.main("muon momentum", 6 * n, (12 + 3 * unit) * n, s -> {
            ops.args().reset().address(work).address(work + muon.partials).address(arenas.first);
            ops.args().address(arenas.gradients).address(matrices).address(tiles);
            ops.args().address(arenas.state).int64(plan.stride()).float32(Muon.MOMENTUM);
            momentum.launch(s, muon.tiles, plan.lanes(), 1, BLOCK, 0, ops.args());
            ops.args().reset().address(work + muon.inverses).address(work + muon.partials);
            ops.args().address(matrices).address(arenas.state).int32(muon.tiles).float32(Muon.EPSILON);
            norm.launch(s, muon.matrices, plan.lanes(), 1, BLOCK, 0, ops.args());
            ops.args().reset().address(work).address(work + muon.inverses).address(matrices);
            ops.args().address(tiles).address(arenas.state).int32(muon.matrices);
            normalise.launch(s, muon.tiles, plan.lanes(), 1, BLOCK, 0, ops.args());
        });
    }

    private void iterations(Program p, MuonPlan.Group g, boolean side) {
        int count = plan.lanes() * g.members().size();
        int large = g.large();
        int small = g.small();
        MatrixType type = plan.precision().type();
        long stride = g.stride();
        long square = g.squareStride();
        MatmulProblem gram = MatmulProblem.of(small, small, large, type)
                .transposed(true, false)
                .batched(count, stride, stride, square);
        MatmulProblem squared = MatmulProblem.of(small, small, small, type).batched(count, square, square, square);
        MatmulProblem product = MatmulProblem.of(large, small, small, type).batched(count, stride, square, stride);
        double tall = (double) count * large * small * unit;
        double squares = (double) count * small * small * unit;
        long x = work + g.x();
        long y = work + g.y();
        for (int i = 0; i < Muon.ITERATIONS; i++) {
            long from = i % 2 == 0 ? x : y;
            long to = i % 2 == 0 ? y : x;
            add(p, side, "muon gram", gram.flops(), tall + squares, ops.product(gram, from, from, work + g.gram()));
            add(
                    p,
                    side,
                    "muon square",
                    squared.flops(),
                    2 * squares,
                    ops.product(squared, work + g.gram(), work + g.gram(), work + g.square()));
            add(p, side, "muon polynomial", 0, 3 * squares, polynomial(g, count));
            add(
                    p,
                    side,
                    "muon product",
                    product.flops(),
                    2 * tall + squares,
                    ops.product(product, from, work + g.square(), to));
        }
    }

    private static void add(Program p, boolean side, String name, double flops, double bytes, Program.Launch launch) {
        if (side) {
            p.side(name, flops, bytes, launch);
        } else {
            p.main(name, flops, bytes, launch);
        }
    }

    private Program.Launch polynomial(MuonPlan.Group g, int count) {
        Kernel kernel = kernel("muon_polynomial");
        int blocks = Math.ceilDiv(g.squareStride(), BLOCK * 16 / unit);
        return s -> {
            ops.args().reset().address(work + g.square()).address(work + g.gram());
            ops.args().int32(g.small()).int32(g.squareStride());
            ops.args().float32(Muon.A).float32(Muon.B).float32(Muon.C);
            kernel.launch(s, blocks, count, 1, BLOCK, 0, ops.args());
        };
    }

    private void apply(Program p) {
        Kernel apply = kernel("muon_apply");
        boolean copies = plan.precision() == Precision.BF16;
        p.main("muon apply", 3 * n, (8 + unit + (copies ? 2 : 0)) * n, s -> {
            ops.args().reset().address(arenas.parameters).address(copies ? arenas.weights.address() : 0);
            ops.args().address(work).address(matrices).address(tiles);
            ops.args().address(arenas.hyper()).address(arenas.state).int64(plan.stride());
            apply.launch(s, muon.tiles, plan.lanes(), 1, BLOCK, 0, ops.args());
        });
    }

    @Override
    public void close() {
        matrices.close();
        tiles.close();
    }
}
