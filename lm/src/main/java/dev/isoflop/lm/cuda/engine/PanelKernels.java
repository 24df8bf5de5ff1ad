package dev.isoflop.lm.cuda.engine;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.isoflop.lm.cuda.driver.Args;
import dev.isoflop.lm.cuda.driver.CudaModule;
import dev.isoflop.lm.cuda.driver.CudaStream;
import dev.isoflop.lm.cuda.driver.Kernel;
import dev.isoflop.lm.cuda.driver.TensorMap;
import dev.isoflop.lm.model.ModelSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Set;

/**
 * Products over the model's width that finish their results on the chip (panel.cu): what else writes them to memory and reads them again
 * is saved. For bf16 on compute capability 9.0, and widths whose panels fit into shared memory.
 *
 * <p>Concurrency: one thread's, since launches share their arguments' memory.
 */
final class PanelKernels implements AutoCloseable {

    private static final String FILE = "panel.cu";
    private static final int ROWS = 128; // of a panel
    private static final int STEP = 64; // columns of A at a time
    private static final int BLOCK = 288;
    private static final int SLACK = 1024 + 1024; // to align the start, and for barriers
    private static final int PANEL_BOX = ROWS * STEP * 2; // bytes

    // bytes of B on their way: fewer leave the tensor cores waiting, more do not help
    private static final int MOST_BYTES = 128 << 10;
    private static final int GOOD_BYTES = 80 << 10;
    private static final int LEAST_BYTES = 32 << 10;
    private static final int LEAST_GATED_BYTES = 64 << 10;
    private static final int LOSS_STEPS = 4; // logits of wider models are sooner made once and read again
    private static final Set<Integer> ROPE_HEADS = Set.of(32, 64, 128);

    /** One of the kernels for this plan's shapes. */
    private record Shape(Kernel kernel, int grid, int sharedBytes, MemorySegment plan) {}

    private final GpuPlan plan;
    private final Args args;
    private final Arena arena = Arena.ofShared();
    private final boolean fits;
    private final CudaBackend backend;
    private final int steps;
    private final int[] sizes;

    PanelKernels(CudaBackend backend, GpuPlan plan, Args args) {
        this.backend = backend;
        this.plan = plan;
        this.args = args;
        ModelSpec spec = plan.spec();
        this.steps = Math.ceilDiv(spec.dModel(), STEP);
        boolean hopper = backend.device().capability().target().equals("sm_90a");
        boolean aligned = spec.dModel() % 8 == 0 && plan.ff % 8 == 0 && spec.qkvWidth() % 8 == 0;
        if (hopper && plan.precision() == Precision.BF16 && aligned) {
            CudaModule module = backend.module(FILE);
            this.sizes = module.ints("panel_sizes");
            this.fits = room(sizes[1], steps) >= LEAST_GATED_BYTES && room(sizes[3], steps) >= LEAST_BYTES;
        } else {
            this.sizes = new int[8];
            this.fits = false;
        }
    }

    /** Whether gate and up, and their gradient, can be had here. */
    boolean gates() {
        return fits;
    }

    /** Whether queries and keys can be turned as they are projected. */
    boolean turns() {
        return fits && !plan.spec().qkNorm() && ROPE_HEADS.contains(plan.spec().headDim());
    }

    /** {@code gateUp[rows][2 f] = x[rows][d] · Wᵀ} with W's gate rows first, and {@code act[rows][f]} of it. */
    Program.Launch swiglu(long gateUp, long act, long x, long weight) {
        ModelSpec spec = plan.spec();
        int d = spec.dModel();
        int f = plan.ff;
        Shape shape = shape("panel_swiglu", sizes[0], sizes[1], plan.rows, Math.ceilDiv(f, 64), true);
        MemorySegment from = activations(x, d, d, ROWS);
        MemorySegment gateWeight = weights(weight, d, f, 64);
        MemorySegment upWeight = weights(weight + 2L * f * d, d, f, 64);
        MemorySegment gate = activations(gateUp, f, 2 * f, 64);
        MemorySegment up = activations(gateUp + 2L * f, f, 2 * f, 64);
        MemorySegment to = activations(act, f, f, 64);
        return s -> launch(
                s,
                shape,
                args.reset()
                        .struct(from)
                        .struct(gateWeight)
                        .struct(upWeight)
                        .struct(gate)
                        .struct(up)
                        .struct(to));
    }

    /** {@code gateUp[rows][2 f]} becomes its gradient, from {@code dy[rows][d]} and the down projection {@code [d][f]}. */
    Program.Launch swigluGradient(long gateUp, long dy, long weight) {
        ModelSpec spec = plan.spec();
        int d = spec.dModel();
        int f = plan.ff;
        Shape shape = shape("panel_swiglu_backward", sizes[2], sizes[3], plan.rows, Math.ceilDiv(f, 64), true);
        MemorySegment from = activations(dy, d, d, ROWS);
        MemorySegment down = weights(weight, f, d, 32);
        MemorySegment gate = activations(gateUp, f, 2 * f, ROWS);
        MemorySegment up = activations(gateUp + 2L * f, f, 2 * f, ROWS);
        return s -> launch(
                s, shape, args.reset().struct(from).struct(down).struct(gate).struct(up));
    }

    /** {@code qkv[rows][width] = x[rows][d] · Wᵀ}, queries and keys turned by the table's angles. */
    Program.Launch project(long qkv, long x, long weight, long table) {
        ModelSpec spec = plan.spec();
        int d = spec.dModel();
        int width = spec.qkvWidth();
        Shape shape =
                shape("panel_rope_" + spec.headDim(), sizes[4], sizes[5], plan.rows, Math.ceilDiv(width, 128), true);
        MemorySegment from = activations(x, d, d, ROWS);
        MemorySegment heads = weights(weight, d, width, 128);
        MemorySegment to = activations(qkv, width, width, 64);
        int turned = (spec.heads() + spec.kvHeads()) * spec.headDim();
        return s -> launch(
                s,
                shape,
                args.reset()
                        .struct(from)
                        .struct(heads)
                        .struct(to)
                        .address(table)
                        .int32(plan.context())
                        .int32(turned));
    }

    /** Whether {@link #loss} is the faster way for so many rows of a lane. */
    boolean losses(int rows) {
        int panels = plan.lanes() * Math.ceilDiv(rows, ROWS);
        return fits && steps <= LOSS_STEPS && 4 * panels >= 3 * backend.device().multiprocessors();
    }

    /**
     * Losses of rows {@code row..row + count} of each lane, and the gradient of their logits, which are not kept.
     *
     * @param logits where the gradient goes, {@code [lanes][chunkRows][ldLogits]}
     * @param x {@code [lanes][rows][d]}, as targets and losses from its first row
     * @param scale what the gradient is multiplied by, one float a lane
     */
    Program.Launch loss(
            int row,
            int count,
            long logits,
            long x,
            long weight,
            long targets,
            long losses,
            long scale,
            boolean train) {
        int d = plan.spec().dModel();
        int vocab = plan.spec().vocabSize();
        int ld = plan.ldLogits;
        Shape shape = shape("panel_loss", sizes[6], sizes[7], count, Math.ceilDiv(ld, 128), false);
        MemorySegment from =
                new TensorMap(x + 2L * row * d, d, count, 2L * d, plan.lanes(), 2L * plan.rows * d, ROWS).encode(arena);
        MemorySegment table = weights(weight, d, vocab, 128);
        MemorySegment to =
                new TensorMap(logits, ld, count, 2L * ld, plan.lanes(), 2L * plan.chunkRows * ld, 64).encode(arena);
        return s -> {
            args.reset().struct(from).struct(table).struct(to);
            args.address(targets + 4L * row).address(losses + 4L * row).address(scale);
            args.int64(plan.rows).int32(count).int32(vocab).int32(train ? 1 : 0);
            launch(s, shape, args);
        };
    }

    private void launch(CudaStream s, Shape shape, Args arguments) {
        shape.kernel.launch(s, shape.grid, 1, 1, BLOCK, shape.sharedBytes, arguments.struct(shape.plan));
    }

    /** @param divisible whether a panel's tiles may be cut into parts for several blocks */
    private Shape shape(String name, int stage, int buffer, int rows, int tiles, boolean divisible) {
        int multiprocessors = backend.device().multiprocessors();
        int panels = Math.ceilDiv(rows, ROWS);
        int all = plan.lanes() * panels;
        int parts = divisible ? parts(all, tiles, multiprocessors) : 1;
        // the next panel's steps go before more of B's
        int slots = steps;
        while (slots < 2 * steps && room(buffer, slots + 1) >= GOOD_BYTES) {
            slots++;
        }
        int stages = Math.min(room(buffer, slots), MOST_BYTES) / stage;
        int shared = SLACK + slots * PANEL_BOX + stages * stage + 2 * buffer;
        MemorySegment numbers = arena.allocateFrom(JAVA_INT, panels, parts, tiles, steps, slots, stages, all * parts);
        return new Shape(
                backend.kernel(FILE, name).maxDynamicShared(shared),
                Math.min(all * parts, multiprocessors),
                shared,
                numbers);
    }

    /** Bytes left for B beside so many steps of A. */
    private int room(int buffer, int slots) {
        return backend.device().maxSharedBytes() - SLACK - slots * PANEL_BOX - 2 * buffer;
    }

    /**
     * Into how many parts each panel's tiles are cut, so that all multiprocessors are busy to the end: the fewest within 3 % of the
     * quickest, since each part fetches its panel again.
     */
    static int parts(int panels, int tiles, int multiprocessors) {
        int best = 1;
        double least = Double.POSITIVE_INFINITY;
        for (int parts = 1; parts <= Math.min(tiles, 8); parts++) {
            double rounds = Math.ceilDiv(panels * parts, multiprocessors) * (double) Math.ceilDiv(tiles, parts) / tiles;
            if (rounds < 0.97 * least) {
                least = rounds;
                best = parts;
            }
        }
        return best;
    }

    /** A view of {@code [lanes][rows][width]}, of its first columns. */
    private MemorySegment activations(long address, int columns, int width, int boxRows) {
        long rowBytes = 2L * width;
        return new TensorMap(address, columns, plan.rows, rowBytes, plan.lanes(), plan.rows * rowBytes, boxRows)
                .encode(arena);
    }

    /** A view of a matrix of each lane's parameters. */
    private MemorySegment weights(long address, int columns, int rows, int boxRows) {
        return new TensorMap(address, columns, rows, 2L * columns, plan.lanes(), 2 * plan.stride(), boxRows)
                .encode(arena);
    }

    @Override
    public void close() {
        arena.close();
    }
}
