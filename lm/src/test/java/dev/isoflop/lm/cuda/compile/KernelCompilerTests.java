package dev.isoflop.lm.cuda.compile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.isoflop.lm.cuda.driver.ComputeCapability;
import dev.isoflop.lm.cuda.driver.CudaModule;
import dev.isoflop.lm.cuda.driver.NativeLibraries;
import dev.isoflop.lm.cuda.driver.NativeLibrary;
import dev.isoflop.lm.cuda.driver.NativeLibraryException;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KernelCompilerTests {

    private static final String RESOURCE = "dev/isoflop/lm/cuda/driver_tests.cu";
    private static final ComputeCapability HOPPER = new ComputeCapability(9, 0);

    @TempDir
    Path directory;

    @Test
    void nvrtcCompilesARealKernelOnceAndTheCacheServesItThen() throws IOException {
        requireNvrtc();
        KernelCompiler compiler = new KernelCompiler(HOPPER, directory);
        KernelCompiler.Compiled first = compiler.compile(RESOURCE, CompileOptions.none());
        assertThat(first.origin()).isEqualTo(KernelCompiler.Origin.COMPILED);
        assertThat(CudaModule.isCubin(first.code())).isTrue();
        assertThat(first.name()).endsWith(".sm_90a.cubin");
        KernelCompiler.Compiled second = new KernelCompiler(HOPPER, directory).compile(RESOURCE, CompileOptions.none());
        assertThat(second.origin()).isEqualTo(KernelCompiler.Origin.CACHED);
        assertThat(second.code()).isEqualTo(first.code());
        KernelCompiler.Compiled other = compiler.compile(RESOURCE, CompileOptions.defining(Map.of("FACTOR", 3)));
        assertThat(other.origin()).isEqualTo(KernelCompiler.Origin.COMPILED);
        try (Stream<Path> files = Files.walk(directory).filter(Files::isRegularFile)) {
            assertThat(files).hasSize(2);
        }
    }

    @Test
    void aDamagedCacheFileIsCompiledAgain() throws IOException {
        requireNvrtc();
        KernelCompiler compiler = new KernelCompiler(HOPPER, directory);
        compiler.compile(RESOURCE, CompileOptions.none());
        try (Stream<Path> files = Files.walk(directory).filter(Files::isRegularFile)) {
            Files.write(files.findFirst().orElseThrow(), new byte[10]);
        }
        assertThat(compiler.compile(RESOURCE, CompileOptions.none()).origin())
                .isEqualTo(KernelCompiler.Origin.COMPILED);
    }

    @Test
    void anErrorCarriesFileAndLineOfTheInclude() {
        requireNvrtc();
        KernelSource source = KernelSource.read(
                "k.cu",
                Map.of("k.cu", "#include \"a.cuh\"\n\nint fine;\n", "a.cuh", "// a\nint broken = nonsense;\n")::get);
        assertThatThrownBy(() -> Nvrtc.open().compile(source, CompileOptions.none(), "sm_90a"))
                .isInstanceOf(CompileException.class)
                .hasMessageContaining("k.cu does not compile for sm_90a")
                .hasMessageContaining("a.cuh(2)")
                .hasMessageContaining("nonsense");
    }

    @Test
    void nvrtcMakesPtxForVirtualArchitectures() {
        requireNvrtc();
        KernelSource source = KernelSource.ofResource(getClass().getClassLoader(), RESOURCE);
        byte[] ptx = Nvrtc.open().compile(source, CompileOptions.none(), "compute_80");
        assertThat(new String(ptx, StandardCharsets.UTF_8))
                .contains(".target sm_80")
                .doesNotContain("\0");
    }

    @Test
    void prebuiltCodeComesFirstAndPtxLast() throws IOException {
        KernelSource source = KernelSource.ofResource(getClass().getClassLoader(), RESOURCE);
        Path cubins = Files.createDirectories(directory.resolve("dev/isoflop/lm/cuda/cubin"));
        Files.write(
                cubins.resolve(source.compiledName(CompileOptions.none(), "sm_80")),
                new byte[] {0x7f, 'E', 'L', 'F', 8});
        Files.writeString(cubins.resolve(source.compiledName(CompileOptions.none(), "compute_80")), "ptx");
        try (URLClassLoader loader = new URLClassLoader(
                new URL[] {directory.toUri().toURL()}, getClass().getClassLoader())) {
            KernelCompiler ada = new KernelCompiler(new ComputeCapability(8, 9), directory, loader, this::none);
            assertThat(ada.compile(RESOURCE, CompileOptions.none()).origin()).isEqualTo(KernelCompiler.Origin.PREBUILT);
            KernelCompiler hopper = new KernelCompiler(HOPPER, directory, loader, this::none);
            assertThat(hopper.compile(RESOURCE, CompileOptions.none()).origin())
                    .isEqualTo(KernelCompiler.Origin.PREBUILT_PTX);
            assertThatThrownBy(() -> hopper.compile(RESOURCE, CompileOptions.defining(Map.of("FACTOR", 7))))
                    .isInstanceOf(NativeLibraryException.class);
        }
    }

    @Test
    void oldDevicesAreRefused() {
        assertThatThrownBy(() -> new KernelCompiler(new ComputeCapability(7, 5), directory))
                .hasMessageContaining("compute capability 7.5 is too old");
    }

    @Test
    void nvccBuildsEachVariantForEachTargetOnlyOnce() throws IOException {
        Optional<Path> nvcc = CubinBuild.nvcc(System.getenv("PATH"));
        Assumptions.assumeTrue(nvcc.isPresent(), "no nvcc on the PATH");
        Path sources = Files.createDirectories(directory.resolve("src"));
        Path output = directory.resolve("out");
        Files.writeString(
                sources.resolve("k.cu"),
                "#include \"k.cuh\"\n// @variant\n// @variant N=2\nextern \"C\" __global__ void k(int* x) { *x = f(); }\n");
        Files.writeString(
                sources.resolve("k.cuh"), "#ifndef N\n#define N 1\n#endif\n__device__ int f() { return N; }\n");
        Files.writeString(
                sources.resolve("hopper.cu"),
                "// @requires sm_90a\nextern \"C\" __global__ void h() { asm volatile(\"wgmma.fence.sync.aligned;\"); }\n");
        assertThat(CubinBuild.build(nvcc.get(), sources, output)).hasSize(7);
        assertThat(CubinBuild.build(nvcc.get(), sources, output)).isEmpty();
        Files.delete(sources.resolve("hopper.cu"));
        Files.writeString(output.resolve("old.0123456789abcdef.sm_80.cubin"), "");
        assertThat(CubinBuild.build(nvcc.get(), sources, output)).isEmpty();
        try (Stream<Path> files = Files.list(output)) {
            assertThat(files)
                    .hasSize(6)
                    .allMatch(file -> file.getFileName().toString().startsWith("k."));
        }
        Files.writeString(sources.resolve("bad.cu"), "\n\nint x = nonsense;\n");
        assertThatThrownBy(() -> CubinBuild.build(nvcc.get(), sources, output))
                .isInstanceOf(CompileException.class)
                .hasMessageContaining("bad.cu(3)");
    }

    private Nvrtc none() {
        // a search that finds nothing, whatever this machine has
        System.setProperty("isoflop.cuda.nccl", "/nowhere/libnccl.so.2");
        try {
            NativeLibraries.require(NativeLibrary.NCCL);
            throw new AssertionError("found");
        } finally {
            System.clearProperty("isoflop.cuda.nccl");
        }
    }

    private static void requireNvrtc() {
        Assumptions.assumeTrue(NativeLibraries.has(NativeLibrary.NVRTC), "NVRTC is not on this machine");
    }
}
