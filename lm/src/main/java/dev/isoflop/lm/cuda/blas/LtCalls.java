package dev.isoflop.lm.cuda.blas;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.isoflop.lm.cuda.driver.NativeLibraries;
import dev.isoflop.lm.cuda.driver.NativeLibrary;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.invoke.MethodHandle;

/**
 * cuBLASLt's functions and the numbers of its header, the same in versions 12 and 13. Handles and addresses are numbers. The class may be
 * initialised only once the library was found.
 */
final class LtCalls {

    static final int COMPUTE_32F = 68;
    static final int COMPUTE_32F_FAST_TF32 = 77;
    static final int TYPE_32F = 0;
    static final int TRANSPOSE = 1;
    static final int DESC_TRANSA = 3;
    static final int DESC_TRANSB = 4;
    static final int LAYOUT_BATCH_COUNT = 5;
    static final int LAYOUT_BATCH_STRIDE = 6;
    static final int PREFERENCE_WORKSPACE = 1;
    static final int PREFERENCE_ALIGNMENT_A = 5;
    static final int PREFERENCE_ALIGNMENT_B = 6;
    static final int PREFERENCE_ALIGNMENT_C = 7;
    static final int PREFERENCE_ALIGNMENT_D = 8;

    /** Bytes of a {@code cublasLtMatmulAlgo_t}. */
    static final int ALGORITHM_BYTES = 64;

    /** Bytes of a {@code cublasLtMatmulHeuristicResult_t}: algorithm, workspace (8), state (4), waves (4), reserved (16). */
    static final int RESULT_BYTES = 96;

    private static final NativeLibraries.Found LIBRARY = NativeLibraries.require(NativeLibrary.CUBLASLT);

    private static final MethodHandle VERSION =
            LIBRARY.function("cublasLtGetVersion", FunctionDescriptor.of(JAVA_LONG));
    private static final MethodHandle CREATE = function("cublasLtCreate", JAVA_LONG);
    private static final MethodHandle DESTROY = function("cublasLtDestroy", JAVA_LONG);
    private static final MethodHandle DESC_CREATE = function("cublasLtMatmulDescCreate", JAVA_LONG, JAVA_INT, JAVA_INT);
    private static final MethodHandle DESC_SET =
            function("cublasLtMatmulDescSetAttribute", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle DESC_DESTROY = function("cublasLtMatmulDescDestroy", JAVA_LONG);
    private static final MethodHandle LAYOUT_CREATE =
            function("cublasLtMatrixLayoutCreate", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle LAYOUT_SET =
            function("cublasLtMatrixLayoutSetAttribute", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle LAYOUT_DESTROY = function("cublasLtMatrixLayoutDestroy", JAVA_LONG);
    private static final MethodHandle PREFERENCE_CREATE = function("cublasLtMatmulPreferenceCreate", JAVA_LONG);
    private static final MethodHandle PREFERENCE_SET =
            function("cublasLtMatmulPreferenceSetAttribute", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle PREFERENCE_DESTROY = function("cublasLtMatmulPreferenceDestroy", JAVA_LONG);
    private static final MethodHandle HEURISTIC = function(
            "cublasLtMatmulAlgoGetHeuristic",
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_INT,
            JAVA_LONG,
            JAVA_LONG);
    private static final MethodHandle CHECK = function(
            "cublasLtMatmulAlgoCheck",
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG);
    private static final MethodHandle MATMUL = function(
            "cublasLtMatmul",
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG);

    private LtCalls() {}

    private static MethodHandle function(String name, MemoryLayout... arguments) {
        return LIBRARY.function(name, FunctionDescriptor.of(JAVA_INT, arguments));
    }

    /** 10000 × major + 100 × minor + patch. */
    static long version() {
        try {
            return (long) VERSION.invokeExact();
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int create(long out) {
        return one(CREATE, out);
    }

    static int destroy(long handle) {
        return one(DESTROY, handle);
    }

    static int descriptorCreate(long out, int computeType, int scaleType) {
        try {
            return (int) DESC_CREATE.invokeExact(out, computeType, scaleType);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int descriptorSet(long descriptor, int attribute, long value, long bytes) {
        return set(DESC_SET, descriptor, attribute, value, bytes);
    }

    static int descriptorDestroy(long descriptor) {
        return one(DESC_DESTROY, descriptor);
    }

    static int layoutCreate(long out, int type, long rows, long columns, long leading) {
        try {
            return (int) LAYOUT_CREATE.invokeExact(out, type, rows, columns, leading);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int layoutSet(long layout, int attribute, long value, long bytes) {
        return set(LAYOUT_SET, layout, attribute, value, bytes);
    }

    static int layoutDestroy(long layout) {
        return one(LAYOUT_DESTROY, layout);
    }

    static int preferenceCreate(long out) {
        return one(PREFERENCE_CREATE, out);
    }

    static int preferenceSet(long preference, int attribute, long value, long bytes) {
        return set(PREFERENCE_SET, preference, attribute, value, bytes);
    }

    static int preferenceDestroy(long preference) {
        return one(PREFERENCE_DESTROY, preference);
    }

    static int heuristic(
            long handle,
            long descriptor,
            long a,
            long b,
            long c,
            long preference,
            int wanted,
            long results,
            long found) {
        try {
            return (int) HEURISTIC.invokeExact(handle, descriptor, a, b, c, c, preference, wanted, results, found);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int check(long handle, long descriptor, long a, long b, long c, long algorithm, long result) {
        try {
            return (int) CHECK.invokeExact(handle, descriptor, a, b, c, c, algorithm, result);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int matmul(
            long handle,
            long descriptor,
            long alpha,
            long a,
            long layoutA,
            long b,
            long layoutB,
            long beta,
            long c,
            long d,
            long layoutC,
            long algorithm,
            long workspace,
            long workspaceBytes,
            long stream) {
        try {
            return (int) MATMUL.invokeExact(
                    handle,
                    descriptor,
                    alpha,
                    a,
                    layoutA,
                    b,
                    layoutB,
                    beta,
                    c,
                    layoutC,
                    d,
                    layoutC,
                    algorithm,
                    workspace,
                    workspaceBytes,
                    stream);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private static int one(MethodHandle function, long argument) {
        try {
            return (int) function.invokeExact(argument);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private static int set(MethodHandle function, long object, int attribute, long value, long bytes) {
        try {
            return (int) function.invokeExact(object, attribute, value, bytes);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private static RuntimeException unexpected(Throwable e) {
        return e instanceof RuntimeException runtime
                ? runtime
                : new IllegalStateException("cuBLASLt could not be called", e);
    }
}
