package dev.isoflop.lm.cuda.compile;

import dev.isoflop.lm.cuda.driver.ComputeCapability;
import dev.isoflop.lm.cuda.driver.CudaDevice;
import dev.isoflop.lm.cuda.driver.CudaModule;
import dev.isoflop.lm.cuda.driver.NativeLibraryException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Machine code for a kernel file: the prebuilt one of the jar if it is of this very source and these options, else the one compiled earlier
 * on this machine, else NVRTC's, else, without NVRTC, prebuilt PTX that the driver compiles.
 *
 * <p>Concurrency: any thread; two that want the same file at once both compile it and store the same bytes.
 *
 * <p>Crash: a cached file is written beside its place and moved there, so it is whole or absent. A file that is not an ELF image (a disk
 * that lost it) is compiled again. The directory may be deleted at any time.
 */
public final class KernelCompiler {

    /** Where prebuilt code lies, below the folder of the sources. */
    static final String PREBUILT = "cubin/";

    /** The virtual architecture of the last resort. */
    static final String FALLBACK = "compute_80";

    private final ComputeCapability capability;
    private final Path cache;
    private final ClassLoader loader;
    private final Supplier<Nvrtc> nvrtc;
    private volatile @Nullable Nvrtc opened;

    /** Where code came from. */
    public enum Origin {
        PREBUILT,
        CACHED,
        COMPILED,
        PREBUILT_PTX
    }

    /**
     * @param code a cubin, or PTX text
     * @param name its file's name, with the source's hash and the target
     */
    public record Compiled(byte[] code, String name, Origin origin) {}

    /**
     * @param capability of the device to compile for
     * @param cache a directory for what is compiled here; made if needed
     */
    public KernelCompiler(ComputeCapability capability, Path cache) {
        this(capability, cache, KernelCompiler.class.getClassLoader(), Nvrtc::open);
    }

    KernelCompiler(ComputeCapability capability, Path cache, ClassLoader loader, Supplier<Nvrtc> nvrtc) {
        if (!capability.isAtLeast(ComputeCapability.OLDEST)) {
            throw new IllegalArgumentException("compute capability " + capability + " is too old: at least "
                    + ComputeCapability.OLDEST + " (A100, RTX 30) is needed");
        }
        this.capability = capability;
        this.cache = cache;
        this.loader = loader;
        this.nvrtc = nvrtc;
    }

    /** Compiles a resource and loads it on a device. */
    public CudaModule load(CudaDevice device, String resource, CompileOptions options) {
        Compiled compiled = compile(resource, options);
        return CudaModule.load(device, compiled.code(), compiled.name());
    }

    /**
     * Finds or makes the code of a resource.
     *
     * @param resource {@code dev/isoflop/lm/cuda/norm.cu}
     * @throws CompileException if it does not compile
     * @throws NativeLibraryException if it has to be compiled and NVRTC is not there
     */
    public Compiled compile(String resource, CompileOptions options) {
        KernelSource source = KernelSource.ofResource(loader, resource);
        String folder = resource.substring(0, resource.lastIndexOf('/') + 1) + PREBUILT;
        for (String target : prebuiltTargets()) {
            String name = source.compiledName(options, target);
            byte[] code = resource(folder + name);
            if (code != null) {
                return new Compiled(code, name, Origin.PREBUILT);
            }
        }
        String name = source.compiledName(options, capability.target());
        Nvrtc compiler;
        try {
            compiler = compiler();
        } catch (NativeLibraryException e) {
            String ptx = source.compiledName(options, FALLBACK);
            byte[] code = resource(folder + ptx);
            if (code != null) {
                return new Compiled(code, ptx, Origin.PREBUILT_PTX);
            }
            throw e;
        }
        Path file = cache.resolve("nvrtc-" + compiler.version()).resolve(name);
        byte[] cached = cached(file);
        if (cached != null) {
            return new Compiled(cached, name, Origin.CACHED);
        }
        byte[] code = compiler.compile(source, options, capability.target());
        store(file, code);
        return new Compiled(code, name, Origin.COMPILED);
    }

    /** Code of these runs on the device: its own, and that of the first of its generation. */
    private List<String> prebuiltTargets() {
        List<String> targets = new ArrayList<>();
        targets.add(capability.target());
        if (capability.major() == 8 && capability.minor() != 0) {
            targets.add("sm_80");
        }
        return targets;
    }

    private Nvrtc compiler() {
        Nvrtc compiler = opened;
        if (compiler == null) {
            compiler = nvrtc.get();
            opened = compiler;
        }
        return compiler;
    }

    private byte @Nullable [] resource(String name) {
        try (InputStream in = loader.getResourceAsStream(name)) {
            return in == null ? null : in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the resource " + name, e);
        }
    }

    private static byte @Nullable [] cached(Path file) {
        try {
            byte[] code = Files.exists(file) ? Files.readAllBytes(file) : null;
            return code != null && CudaModule.isCubin(code) ? code : null;
        } catch (IOException e) {
            return null; // what cannot be read is compiled again
        }
    }

    private static void store(Path file, byte[] code) {
        try {
            Path directory = file.getParent();
            Files.createDirectories(directory);
            Path written = Files.createTempFile(directory, "new", ".cubin");
            try {
                Files.write(written, code);
                Files.move(written, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(written);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot store compiled kernels in " + file.getParent(), e);
        }
    }
}
