package dev.isoflop.lm.cuda.compile;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.isoflop.lm.cuda.driver.NativeLibraries;
import dev.isoflop.lm.cuda.driver.NativeLibrary;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * NVIDIA's run-time compiler. It needs no GPU and no driver.
 *
 * <p>Concurrency: any thread; compilations run side by side.
 */
public final class Nvrtc {

    private static final FunctionDescriptor ONE = FunctionDescriptor.of(JAVA_INT, JAVA_LONG);
    private static final FunctionDescriptor TWO = FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG);

    private final MethodHandle create;
    private final MethodHandle compile;
    private final MethodHandle destroy;
    private final MethodHandle logSize;
    private final MethodHandle log;
    private final MethodHandle cubinSize;
    private final MethodHandle cubin;
    private final MethodHandle ptxSize;
    private final MethodHandle ptx;
    private final String version;
    private final String where;

    private Nvrtc(NativeLibraries.Found library) {
        this.create = library.function(
                "nvrtcCreateProgram",
                FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG));
        this.compile = library.function(
                "nvrtcCompileProgram", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_LONG));
        this.destroy = library.function("nvrtcDestroyProgram", ONE);
        this.logSize = library.function("nvrtcGetProgramLogSize", TWO);
        this.log = library.function("nvrtcGetProgramLog", TWO);
        this.cubinSize = library.function("nvrtcGetCUBINSize", TWO);
        this.cubin = library.function("nvrtcGetCUBIN", TWO);
        this.ptxSize = library.function("nvrtcGetPTXSize", TWO);
        this.ptx = library.function("nvrtcGetPTX", TWO);
        this.where = library.where();
        MethodHandle ask = library.function("nvrtcVersion", TWO);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment answer = arena.allocate(8, 4);
            check(call(ask, answer.address(), answer.address() + 4), "version");
            this.version = answer.get(JAVA_INT, 0) + "." + answer.get(JAVA_INT, 4);
        }
    }

    /**
     * Finds and opens it.
     *
     * @throws dev.isoflop.lm.cuda.driver.NativeLibraryException if there is none, with all that was tried
     */
    public static Nvrtc open() {
        return new Nvrtc(NativeLibraries.require(NativeLibrary.NVRTC));
    }

    /** {@code 13.0}. */
    public String version() {
        return version;
    }

    /** The file it is. */
    public String where() {
        return where;
    }

    /**
     * Compiles.
     *
     * @param target {@code sm_90a} gives a cubin, {@code compute_80} PTX
     * @return machine code or PTX text
     * @throws CompileException with the log, if it does not compile
     */
    public byte[] compile(KernelSource source, CompileOptions options, String target) {
        boolean virtual = target.startsWith("compute_");
        List<String> flags = new ArrayList<>(options.flags());
        flags.add("--gpu-architecture=" + target);
        flags.add("-default-device");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(8, 8);
            check(
                    (int) create.invokeExact(
                            out.address(),
                            arena.allocateFrom(source.text()).address(),
                            arena.allocateFrom(source.name()).address(),
                            0,
                            0L,
                            0L),
                    "creation of a program");
            long program = out.get(JAVA_LONG, 0);
            try {
                MemorySegment table = arena.allocate(JAVA_LONG, flags.size());
                for (int i = 0; i < flags.size(); i++) {
                    table.setAtIndex(
                            JAVA_LONG, i, arena.allocateFrom(flags.get(i)).address());
                }
                int code = (int) compile.invokeExact(program, flags.size(), table.address());
                if (code != 0) {
                    byte[] text = fetch(arena, program, logSize, log);
                    throw new CompileException(
                            source.name() + " does not compile for " + target + " with " + flags + " (NVRTC " + version
                                    + ", error " + code + ")",
                            new String(text, 0, Math.max(0, text.length - 1), StandardCharsets.UTF_8));
                }
                byte[] image = virtual ? fetch(arena, program, ptxSize, ptx) : fetch(arena, program, cubinSize, cubin);
                // PTX comes with its NUL, which files and hashes are better off without
                return virtual ? Arrays.copyOf(image, image.length - 1) : image;
            } finally {
                out.set(JAVA_LONG, 0, program);
                int ignored = (int) destroy.invokeExact(out.address()); // nothing could be done about it
            }
        } catch (RuntimeException e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("NVRTC could not be called", e);
        }
    }

    private static byte[] fetch(Arena arena, long program, MethodHandle size, MethodHandle content) {
        MemorySegment length = arena.allocate(8, 8);
        check(call(size, program, length.address()), "size of a result");
        MemorySegment bytes = arena.allocate(Math.max(1, length.get(JAVA_LONG, 0)));
        check(call(content, program, bytes.address()), "fetch of a result");
        return bytes.asSlice(0, length.get(JAVA_LONG, 0)).toArray(JAVA_BYTE);
    }

    private static int call(MethodHandle function, long first, long second) {
        try {
            return (int) function.invokeExact(first, second);
        } catch (Throwable e) {
            throw new IllegalStateException("NVRTC could not be called", e);
        }
    }

    private static void check(int code, String operation) {
        if (code != 0) {
            throw new IllegalStateException("NVRTC: " + operation + " failed with error " + code);
        }
    }
}
