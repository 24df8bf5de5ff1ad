package dev.isoflop.lm.cuda.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.lm.cuda.compile.CompileOptions;
import dev.isoflop.lm.cuda.compile.KernelCompiler;
import dev.isoflop.lm.cuda.driver.ComputeCapability;
import dev.isoflop.lm.cuda.driver.CudaModule;
import dev.isoflop.lm.cuda.driver.NativeLibraries;
import dev.isoflop.lm.cuda.driver.NativeLibrary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KernelFilesTests {

    private static final String FOLDER = "dev/isoflop/lm/cuda/";

    @TempDir
    Path directory;

    /** Compiled from sources that no build ahead of time has seen: a macro nobody reads keeps prebuilt code out of the way. */
    @Test
    void everyKernelFileCompilesForAmpereAndHopper() throws IOException {
        Assumptions.assumeTrue(NativeLibraries.has(NativeLibrary.NVRTC), "NVRTC is not on this machine");
        Path sources = Path.of("src/main/resources", FOLDER);
        List<String> files;
        try (Stream<Path> all = Files.list(sources)) {
            files = all.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".cu"))
                    .sorted()
                    .toList();
        }
        assertThat(files).contains("embedding.cu", "rmsnorm.cu", "rope.cu", "swiglu.cu");
        CompileOptions fresh = CompileOptions.defining(Map.of("COMPILED_AT_RUN_TIME", 1));
        for (ComputeCapability capability : List.of(new ComputeCapability(8, 0), new ComputeCapability(9, 0))) {
            KernelCompiler compiler = new KernelCompiler(capability, directory);
            for (String file : files) {
                KernelCompiler.Compiled compiled = compiler.compile(FOLDER + file, fresh);
                assertThat(compiled.origin()).as(file).isEqualTo(KernelCompiler.Origin.COMPILED);
                assertThat(CudaModule.isCubin(compiled.code())).as(file).isTrue();
            }
        }
    }
}
