package dev.isoflop.lm.cuda.blas;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.isoflop.lm.cuda.driver.CudaEvent;
import dev.isoflop.lm.cuda.driver.CudaStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;

/**
 * One product, ready to run: descriptors, constants and algorithm are made once, and {@link #run} is one call of the library that allocates
 * nothing and may be captured.
 *
 * <p>The library thinks in columns: a row-major matrix is the transpose of a column-major one with the same bytes, so what it is asked for
 * is Cᵀ = op(B)ᵀ · op(A)ᵀ, with the operands in each other's place.
 *
 * <p>Concurrency: {@link #run} from any thread that bound the device, in any stream; {@link #autotune}, {@link #use} and {@link #close} not
 * beside it.
 */
public final class MatmulPlan implements AutoCloseable {

    private static final int PROPOSALS = 8;
    private static final double TIMED_MILLIS = 3;

    private final CublasLt library;
    private final MatmulProblem problem;
    private final Arena arena = Arena.ofShared();
    private final long descriptor;
    private final long layoutA;
    private final long layoutB;
    private final long layoutC;
    private final MemorySegment scale;
    private final MemorySegment proposals;
    private final int proposed;
    private final MemorySegment algorithm;
    private final long alignmentMask;
    private long workspaceBytes;
    private boolean closed;

    MatmulPlan(CublasLt library, MatmulProblem problem) {
        this.library = library;
        this.problem = problem;
        this.alignmentMask = problem.alignment() - 1L;
        library.device().bind();
        this.scale = arena.allocate(8, 8);
        scale.set(JAVA_FLOAT, 0, problem.alpha());
        scale.set(JAVA_FLOAT, 4, problem.beta());
        this.proposals = arena.allocate((long) PROPOSALS * LtCalls.RESULT_BYTES, 64);
        this.algorithm = arena.allocate(LtCalls.ALGORITHM_BYTES, 64);
        MemorySegment out = arena.allocate(8, 8);
        int compute = problem.inputType() == MatrixType.FP32 && problem.tf32()
                ? LtCalls.COMPUTE_32F_FAST_TF32
                : LtCalls.COMPUTE_32F;
        CublasException.check(LtCalls.descriptorCreate(out.address(), compute, LtCalls.TYPE_32F), "descriptor");
        this.descriptor = out.get(JAVA_LONG, 0);
        // the library's A is our B, and a transpose of a transpose is none
        transpose(out, LtCalls.DESC_TRANSA, problem.transposeB());
        transpose(out, LtCalls.DESC_TRANSB, problem.transposeA());
        int m = problem.m();
        int n = problem.n();
        int k = problem.k();
        this.layoutB = problem.transposeB()
                ? layout(out, problem.inputType(), k, n, problem.ldb(), problem.strideB())
                : layout(out, problem.inputType(), n, k, problem.ldb(), problem.strideB());
        this.layoutA = problem.transposeA()
                ? layout(out, problem.inputType(), m, k, problem.lda(), problem.strideA())
                : layout(out, problem.inputType(), k, m, problem.lda(), problem.strideA());
        this.layoutC = layout(out, problem.outputType(), n, m, problem.ldc(), problem.strideC());
        this.proposed = propose(out);
        choose(0);
    }

    private void transpose(MemorySegment out, int attribute, boolean transposed) {
        if (transposed) {
            out.set(JAVA_INT, 0, LtCalls.TRANSPOSE);
            CublasException.check(LtCalls.descriptorSet(descriptor, attribute, out.address(), 4), "transpose");
        }
    }

    private long layout(MemorySegment out, MatrixType type, long rows, long columns, long leading, long stride) {
        CublasException.check(
                LtCalls.layoutCreate(out.address(), type.cudaType(), rows, columns, leading), "layout of a matrix");
        long layout = out.get(JAVA_LONG, 0);
        if (problem.batch() > 1) {
            out.set(JAVA_INT, 0, problem.batch());
            CublasException.check(
                    LtCalls.layoutSet(layout, LtCalls.LAYOUT_BATCH_COUNT, out.address(), 4), "size of a batch");
            out.set(JAVA_LONG, 0, stride);
            CublasException.check(
                    LtCalls.layoutSet(layout, LtCalls.LAYOUT_BATCH_STRIDE, out.address(), 8), "stride of a batch");
        }
        return layout;
    }

    private int propose(MemorySegment out) {
        CublasException.check(LtCalls.preferenceCreate(out.address()), "preference");
        long preference = out.get(JAVA_LONG, 0);
        try {
            out.set(JAVA_LONG, 0, library.workspaceBytes());
            CublasException.check(
                    LtCalls.preferenceSet(preference, LtCalls.PREFERENCE_WORKSPACE, out.address(), 8), "workspace");
            aligned(out, preference, LtCalls.PREFERENCE_ALIGNMENT_A, problem.inputType(), problem.strideB());
            aligned(out, preference, LtCalls.PREFERENCE_ALIGNMENT_B, problem.inputType(), problem.strideA());
            aligned(out, preference, LtCalls.PREFERENCE_ALIGNMENT_C, problem.outputType(), problem.strideC());
            aligned(out, preference, LtCalls.PREFERENCE_ALIGNMENT_D, problem.outputType(), problem.strideC());
            int status = LtCalls.heuristic(
                    library.handle(),
                    descriptor,
                    layoutB,
                    layoutA,
                    layoutC,
                    preference,
                    PROPOSALS,
                    proposals.address(),
                    out.address());
            CublasException.check(status, "algorithm for " + problem.key());
            int found = out.get(JAVA_INT, 0);
            if (found == 0) {
                throw new CublasException(15, "algorithm for " + problem.key());
            }
            return found;
        } finally {
            LtCalls.preferenceDestroy(preference);
        }
    }

    /** Every matrix of a batch counts: an odd stride takes the alignment of all but the first. */
    private void aligned(MemorySegment out, long preference, int attribute, MatrixType type, long stride) {
        long bytes = problem.batch() > 1 && stride != 0
                ? Math.min(problem.alignment(), Long.lowestOneBit(stride * type.bytes()))
                : problem.alignment();
        out.set(JAVA_INT, 0, (int) bytes);
        CublasException.check(LtCalls.preferenceSet(preference, attribute, out.address(), 4), "alignment");
    }

    private void choose(int candidate) {
        long at = (long) candidate * LtCalls.RESULT_BYTES;
        MemorySegment.copy(proposals, at, algorithm, 0, LtCalls.ALGORITHM_BYTES);
        workspaceBytes = proposals.get(JAVA_LONG, at + LtCalls.ALGORITHM_BYTES);
    }

    public MatmulProblem problem() {
        return problem;
    }

    /** What identifies this product in a {@link TuningCache}. */
    public String key() {
        return TuningCache.key(library.device().name(), library.version(), problem);
    }

    /** Bytes of the stream's workspace that the chosen algorithm needs. */
    public long workspaceBytes() {
        return workspaceBytes;
    }

    /** How many algorithms the library proposed. */
    public int proposed() {
        return proposed;
    }

    /**
     * Runs it in a stream's order: nothing is waited for. In a capture, the stream must have its workspace ({@link CublasLt#prepare}).
     *
     * @param a device address of A; with a batch, of the first
     * @param b device address of B
     * @param c device address of C, which must not overlap A or B
     * @throws IllegalArgumentException if an address is not aligned as the problem says
     */
    public void run(CudaStream stream, long a, long b, long c) {
        run(stream, a, b, c, c);
    }

    /**
     * The same, written elsewhere: {@code D = alpha · op(A) · op(B) + beta · C}, D as large and laid out like C.
     *
     * @param d device address of D, which is C or overlaps none of the others
     */
    public void run(CudaStream stream, long a, long b, long c, long d) {
        if (((a | b | c | d) & alignmentMask) != 0) {
            throw new IllegalArgumentException("operands at %x, %x, %x, %x are not multiples of %d bytes"
                    .formatted(a, b, c, d, problem.alignment()));
        }
        int status = call(stream, a, b, c, d);
        if (status != 0) {
            throw new CublasException(status, "product " + problem.key());
        }
    }

    private int call(CudaStream stream, long a, long b, long c, long d) {
        long workspace = workspaceBytes == 0
                ? 0
                : stream.workspace(library.workspaceBytes()).address();
        return LtCalls.matmul(
                library.handle(),
                descriptor,
                scale.address(),
                b,
                layoutB,
                a,
                layoutA,
                scale.address() + 4,
                c,
                d,
                layoutC,
                algorithm.address(),
                workspace,
                workspaceBytes,
                stream.handle());
    }

    /**
     * Times every proposed algorithm on the device and keeps the fastest. C is overwritten.
     *
     * <p>Not every algorithm sums in the same order: a run that must be repeated bit for bit in another process needs the entry too.
     *
     * @return what was chosen, for a {@link TuningCache}
     */
    public TuningCache.Entry autotune(CudaStream stream, long a, long b, long c) {
        library.device().bind();
        library.prepare(stream);
        double[] millis = new double[proposed];
        int best = -1;
        try (CudaEvent from = CudaEvent.create(library.device());
                CudaEvent to = CudaEvent.create(library.device())) {
            for (int i = 0; i < proposed; i++) {
                choose(i);
                millis[i] = time(stream, a, b, c, from, to);
                if (best < 0 || millis[i] < millis[best]) {
                    best = i;
                }
            }
        }
        if (millis[best] == Double.POSITIVE_INFINITY) {
            throw new CublasException(15, "every algorithm for " + problem.key());
        }
        choose(best);
        return new TuningCache.Entry(
                HexFormat.of().formatHex(algorithm.toArray(JAVA_BYTE)),
                workspaceBytes,
                best,
                millis[best] * 1000,
                Double.isFinite(millis[0]) ? millis[0] * 1000 : -1);
    }

    /** The same, and remembers it; a product that the cache knows is not timed again. */
    public void autotune(CudaStream stream, long a, long b, long c, TuningCache cache) {
        TuningCache.Entry known = cache.find(key()).orElse(null);
        if (known == null || !use(known)) {
            cache.put(key(), autotune(stream, a, b, c));
        }
    }

    private double time(CudaStream stream, long a, long b, long c, CudaEvent from, CudaEvent to) {
        if (call(stream, a, b, c, c) != 0) {
            return Double.POSITIVE_INFINITY; // a proposal that does not run after all
        }
        from.record(stream);
        call(stream, a, b, c, c);
        call(stream, a, b, c, c);
        to.record(stream);
        to.synchronize();
        int repeats = (int) Math.clamp(TIMED_MILLIS / Math.max(1e-3, to.millisSince(from) / 2), 3, 100);
        double best = Double.POSITIVE_INFINITY;
        for (int round = 0; round < 2; round++) {
            from.record(stream);
            for (int i = 0; i < repeats; i++) {
                call(stream, a, b, c, c);
            }
            to.record(stream);
            to.synchronize();
            best = Math.min(best, to.millisSince(from) / repeats);
        }
        return best;
    }

    /** Takes the algorithm of a cache's entry; false, and no change, if the library does not accept it. */
    public boolean use(TuningCache.Entry entry) {
        byte[] bytes = entry.bytes();
        if (bytes.length != LtCalls.ALGORITHM_BYTES) {
            return false;
        }
        try (Arena local = Arena.ofConfined()) {
            MemorySegment wanted = local.allocate(LtCalls.ALGORITHM_BYTES, 64);
            MemorySegment.copy(bytes, 0, wanted, JAVA_BYTE, 0, bytes.length);
            MemorySegment result = local.allocate(LtCalls.RESULT_BYTES, 64);
            int status = LtCalls.check(
                    library.handle(), descriptor, layoutB, layoutA, layoutC, wanted.address(), result.address());
            long needed = result.get(JAVA_LONG, LtCalls.ALGORITHM_BYTES);
            if (status != 0 || needed > library.workspaceBytes()) {
                return false;
            }
            MemorySegment.copy(wanted, 0, algorithm, 0, LtCalls.ALGORITHM_BYTES);
            workspaceBytes = needed;
            return true;
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        LtCalls.layoutDestroy(layoutA);
        LtCalls.layoutDestroy(layoutB);
        LtCalls.layoutDestroy(layoutC);
        LtCalls.descriptorDestroy(descriptor);
        arena.close();
    }
}
