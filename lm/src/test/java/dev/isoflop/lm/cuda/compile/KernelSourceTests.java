package dev.isoflop.lm.cuda.compile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;

class KernelSourceTests {

    @Test
    void includesAreTakenInOnceAndLinesKeepTheirNumbers() {
        Map<String, String> folder = Map.of(
                "k.cu", "// first\n#include \"a.cuh\"\n#include \"b.cuh\"\nint k;\n",
                "a.cuh", "#pragma once\n#include \"b.cuh\"\nint a;\n",
                "b.cuh", "int b;\n");
        KernelSource source = KernelSource.read("k.cu", folder::get);
        assertThat(source.text()).isEqualTo("""
                        #line 1 "k.cu"
                        // first
                        #line 1 "a.cuh"

                        #line 1 "b.cuh"
                        int b;
                        #line 3 "a.cuh"
                        int a;
                        #line 3 "k.cu"
                        #line 4 "k.cu"
                        int k;
                        """);
    }

    @Test
    void aMissingIncludeIsNamedWithItsLine() {
        assertThatThrownBy(() -> KernelSource.read("k.cu", Map.of("k.cu", "\n#include \"no.cuh\"\n")::get))
                .hasMessage("k.cu:2: there is no file no.cuh beside it to include");
    }

    @Test
    void commentsSteerTheBuildAheadOfTime() {
        KernelSource source = KernelSource.read(
                "k.cu",
                Map.of("k.cu", "// @variant HEAD=64 CAUSAL=1\n// @variant fast-math\n// @requires sm_90a\n")::get);
        assertThat(source.requires()).contains("sm_90a");
        assertThat(source.variants())
                .containsExactly(
                        CompileOptions.defining(Map.of("HEAD", 64, "CAUSAL", 1)),
                        CompileOptions.none().withFastMath());
        assertThat(KernelSource.read("k.cu", Map.of("k.cu", "int x;")::get).variants())
                .containsExactly(CompileOptions.none());
    }

    @Test
    void theNameDependsOnTheTextTheOptionsAndTheTarget() {
        KernelSource one = KernelSource.read("k.cu", Map.of("k.cu", "int x;")::get);
        KernelSource other = KernelSource.read("k.cu", Map.of("k.cu", "int y;")::get);
        CompileOptions none = CompileOptions.none();
        CompileOptions some = CompileOptions.defining(Map.of("N", 1));
        assertThat(one.compiledName(none, "sm_90a")).matches("k\\.[0-9a-f]{16}\\.sm_90a\\.cubin");
        assertThat(one.compiledName(none, "compute_80")).endsWith(".compute_80.ptx");
        assertThat(one.compiledName(none, "sm_90a"))
                .isNotEqualTo(other.compiledName(none, "sm_90a"))
                .isNotEqualTo(one.compiledName(some, "sm_90a"))
                .isEqualTo(
                        KernelSource.read("k.cu", Map.of("k.cu", "int x;")::get).compiledName(none, "sm_90a"));
        assertThat(CompileOptions.defining(Map.of("B", 2, "A", 1)).flags())
                .containsExactly("--std=c++17", "-DA=1", "-DB=2");
        assertThatThrownBy(() -> CompileOptions.defining(Map.of("A", "1; rm"))).hasMessageContaining("not a macro");
    }
}
