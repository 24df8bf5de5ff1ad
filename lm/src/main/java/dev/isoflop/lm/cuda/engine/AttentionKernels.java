package dev.isoflop.lm.cuda.engine;

import dev.isoflop.lm.cuda.driver.Args;
import dev.isoflop.lm.cuda.driver.Kernel;
import dev.isoflop.lm.model.ModelSpec;
import org.jspecify.annotations.Nullable;

/** Causal flash attention over all sequences of all lanes; launch shapes of the bf16 kernels are the module's own ({@code attn_launch}). */
final class AttentionKernels {

    private static final String FILE = "attention.cu";
    private static final int RECORD = 10;
    private static final int WHOLE_RECORD = 4;
    private static final int WHOLE_TILE = 64;
    private static final int WHOLE_TILES = 4; // more are slower than two kernels
    private static final int ALL_KEYS = 0;

    /** One of the three kernels, ready to launch. */
    private record Shape(Kernel kernel, int threads, int rows, int sharedBytes) {

        Shape {
            kernel.maxDynamicShared(sharedBytes);
        }
    }

    private final GpuPlan plan;
    private final Args args;
    private final boolean headArgument;
    private final Shape forward;
    private final Shape queries;
    private final Shape keysAndValues;
    private final @Nullable Shape whole; // a head's backward pass in one block

    AttentionKernels(CudaBackend backend, GpuPlan plan, Args args) {
        this.plan = plan;
        this.args = args;
        int head = plan.spec().headDim();
        this.headArgument = plan.precision() == Precision.FP32;
        if (headArgument) {
            int tile = 32 * (head + 4);
            int scores = 32 * 33;
            this.forward = new Shape(backend.kernel(FILE, "attn_fwd_f32"), 256, 32, 4 * (3 * tile + scores));
            this.queries = new Shape(backend.kernel(FILE, "attn_bwd_dq_f32"), 256, 32, 4 * (4 * tile + scores + 32));
            this.keysAndValues =
                    new Shape(backend.kernel(FILE, "attn_bwd_dkv_f32"), 256, 32, 4 * (4 * tile + 2 * scores + 64));
            this.whole = null;
        } else {
            int[] records = backend.module(FILE).ints("attn_launch");
            int at = 0;
            while (records[at] != head) {
                at += RECORD;
            }
            this.forward = shape(backend, "attn_fwd_bf16_hd" + head, records, at + 1);
            this.queries = shape(backend, "attn_bwd_dq_bf16_hd" + head, records, at + 4);
            this.keysAndValues = shape(backend, "attn_bwd_dkv_bf16_hd" + head, records, at + 7);
            this.whole = whole(backend, plan);
        }
    }

    /** For the device, the head size and the context at hand, or null. */
    private static @Nullable Shape whole(CudaBackend backend, GpuPlan plan) {
        ModelSpec spec = plan.spec();
        if (spec.heads() != spec.kvHeads()) {
            return null;
        }
        int[] records = backend.module(FILE).ints("attn_whole");
        for (int at = 0; records[at] != 0; at += WHOLE_RECORD) {
            int tiles = Math.ceilDiv(plan.context(), WHOLE_TILE);
            int shared = records[at + 2] + tiles * records[at + 3];
            if (records[at] == spec.headDim()
                    && tiles <= WHOLE_TILES
                    && shared <= backend.device().maxSharedBytes()) {
                Kernel kernel = backend.kernel(FILE, "attn_bwd_bf16_hd" + spec.headDim());
                return new Shape(kernel, records[at + 1], plan.context(), shared);
            }
        }
        return null;
    }

    private static Shape shape(CudaBackend backend, String name, int[] records, int at) {
        return new Shape(backend.kernel(FILE, name), records[at], records[at + 1], records[at + 2]);
    }

    Program.Launch forward(long qkv, long out, long lse) {
        return s -> {
            sizes(args.reset().address(qkv).address(out).address(lse));
            forward.kernel.launch(
                    s, blocks(forward), spec().heads(), sequences(), forward.threads, forward.sharedBytes, args);
        };
    }

    /** Whether {@link #backward} can turn gradients back by their rotary angles. */
    boolean turnsBack() {
        return !headArgument && spec().headDim() % 16 == 0;
    }

    /**
     * Gradients of queries, keys and values; {@code delta} is scratch.
     *
     * @param table angles by which gradients of queries and keys are turned back, or 0; see {@link #turnsBack}
     */
    Program.Launch backward(long qkv, long out, long dOut, long lse, long delta, long dQkv, long table) {
        Shape all = whole;
        if (all != null) {
            return s -> {
                args.reset().address(qkv).address(out).address(dOut).address(lse);
                args.address(dQkv).address(table).int32(sequences());
                args.int32(plan.context()).int32(spec().heads());
                all.kernel.launch(s, 1, spec().heads(), sequences(), all.threads, all.sharedBytes, args);
            };
        }
        return s -> {
            args.reset().address(qkv).address(out).address(dOut).address(lse);
            gradientSizes(args.address(delta).address(dQkv), table);
            queries.kernel.launch(
                    s, blocks(queries), spec().heads(), sequences(), queries.threads, queries.sharedBytes, args);
            args.reset().address(qkv).address(dOut).address(lse);
            gradientSizes(args.address(delta).address(dQkv), table);
            keysAndValues.kernel.launch(
                    s,
                    blocks(keysAndValues),
                    spec().kvHeads(),
                    sequences(),
                    keysAndValues.threads,
                    keysAndValues.sharedBytes,
                    args);
        };
    }

    private void gradientSizes(Args to, long table) {
        if (!headArgument) {
            to.address(table);
        }
        sizes(to);
    }

    private void sizes(Args to) {
        to.int32(sequences()).int32(plan.context()).int32(spec().heads()).int32(spec().kvHeads());
        if (headArgument) {
            to.int32(spec().headDim());
        }
        to.int32(ALL_KEYS);
    }

    private int blocks(Shape shape) {
        return Math.ceilDiv(plan.context(), shape.rows);
    }

    private int sequences() {
        return plan.lanes() * plan.batch();
    }

    private ModelSpec spec() {
        return plan.spec();
    }
}
