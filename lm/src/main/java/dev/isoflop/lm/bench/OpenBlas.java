package dev.isoflop.lm.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * OpenBLAS through the Foreign Function API, where the system has it: the bar for the engine's own products, not a dependency.
 *
 * <p>Concurrency: the library has its own threads, set once with {@link #threads}.
 */
final class OpenBlas {

    private static final int ROW_MAJOR = 101;
    private static final int NO_TRANSPOSE = 111;
    private static final int TRANSPOSE = 112;

    private final MethodHandle sgemm;
    private final MethodHandle setThreads;

    private OpenBlas(MethodHandle sgemm, MethodHandle setThreads) {
        this.sgemm = sgemm;
        this.setThreads = setThreads;
    }

    /** The system's library, looked for in the usual places and in {@code -Disoflop.openblas=FILE}. */
    static Optional<OpenBlas> find() {
        List<String> places = List.of(
                System.getProperty("isoflop.openblas", ""),
                "/usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblas.so.0",
                "/usr/lib/x86_64-linux-gnu/libopenblas.so.0",
                "/usr/lib/aarch64-linux-gnu/openblas-pthread/libopenblas.so.0",
                "/opt/homebrew/opt/openblas/lib/libopenblas.dylib");
        for (String place : places) {
            if (!place.isEmpty() && Files.exists(Path.of(place))) {
                return Optional.of(load(Path.of(place)));
            }
        }
        return Optional.empty();
    }

    private static OpenBlas load(Path library) {
        SymbolLookup lookup = SymbolLookup.libraryLookup(library, Arena.global());
        Linker linker = Linker.nativeLinker();
        MethodHandle sgemm = linker.downcallHandle(
                lookup.findOrThrow("cblas_sgemm"),
                FunctionDescriptor.ofVoid(
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_FLOAT,
                        ValueLayout.ADDRESS,
                        ValueLayout.JAVA_INT,
                        ValueLayout.ADDRESS,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_FLOAT,
                        ValueLayout.ADDRESS,
                        ValueLayout.JAVA_INT));
        MethodHandle threads = linker.downcallHandle(
                lookup.findOrThrow("openblas_set_num_threads"), FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT));
        return new OpenBlas(sgemm, threads);
    }

    void threads(int n) {
        try {
            setThreads.invokeExact(n);
        } catch (Throwable t) {
            throw new IllegalStateException("openblas_set_num_threads failed", t);
        }
    }

    /** Best GFLOP/s of {@code A[m][k] · B[k][n]}, or of {@code A[k][m]ᵀ · B[k][n]}. */
    double gigaflops(int m, int n, int k, boolean transposeLeft, double seconds) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment a = filled(arena, (long) m * k);
            MemorySegment b = filled(arena, (long) k * n);
            MemorySegment c = filled(arena, (long) m * n);
            long end = System.nanoTime() + (long) (seconds * 1e9);
            long best = Long.MAX_VALUE;
            do {
                long start = System.nanoTime();
                sgemm.invokeExact(
                        ROW_MAJOR,
                        transposeLeft ? TRANSPOSE : NO_TRANSPOSE,
                        NO_TRANSPOSE,
                        m,
                        n,
                        k,
                        1f,
                        a,
                        transposeLeft ? m : k,
                        b,
                        n,
                        0f,
                        c,
                        n);
                best = Math.min(best, System.nanoTime() - start);
            } while (System.nanoTime() < end);
            return 2.0 * m * n * k / best;
        } catch (Throwable t) {
            throw new IllegalStateException("cblas_sgemm failed", t);
        }
    }

    private static MemorySegment filled(Arena arena, long floats) {
        MemorySegment segment = arena.allocate(4 * floats, 64);
        for (long i = 0; i < floats; i++) {
            segment.setAtIndex(ValueLayout.JAVA_FLOAT, i, 0.5f);
        }
        return segment;
    }
}
