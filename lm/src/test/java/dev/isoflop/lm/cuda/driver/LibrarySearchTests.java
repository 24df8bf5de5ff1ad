package dev.isoflop.lm.cuda.driver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LibrarySearchTests {

    @TempDir
    Path root;

    @Test
    void theOrderIsToolkitThenSystemThenWheels() throws IOException {
        Path home = Files.createDirectories(root.resolve("opt/cuda"));
        Files.createDirectories(root.resolve("usr/local/cuda-12.9"));
        Files.createDirectories(root.resolve("usr/local/cuda-13.0"));
        Path venv = root.resolve("venv");
        Files.createDirectories(venv.resolve("lib/python3.12/site-packages/nvidia/cu13/lib"));
        LibrarySearch search = new LibrarySearch(
                Map.of("CUDA_HOME", home.toString(), "VIRTUAL_ENV", venv.toString()), name -> null, root);
        List<String> places = search.candidates(NativeLibrary.NVRTC, List.of("libnvrtc.so.13")).stream()
                .map(candidate -> candidate.path() == null
                        ? candidate.source()
                        : root.relativize(candidate.path()).toString())
                .toList();
        assertThat(places)
                .containsExactly(
                        "opt/cuda/lib64/libnvrtc.so.13",
                        "opt/cuda/targets/x86_64-linux/lib/libnvrtc.so.13",
                        "opt/cuda/lib/libnvrtc.so.13",
                        "usr/local/cuda/lib64/libnvrtc.so.13",
                        "usr/local/cuda/targets/x86_64-linux/lib/libnvrtc.so.13",
                        "usr/local/cuda/lib/libnvrtc.so.13",
                        "usr/local/cuda-13.0/lib64/libnvrtc.so.13",
                        "usr/local/cuda-13.0/targets/x86_64-linux/lib/libnvrtc.so.13",
                        "usr/local/cuda-13.0/lib/libnvrtc.so.13",
                        "usr/local/cuda-12.9/lib64/libnvrtc.so.13",
                        "usr/local/cuda-12.9/targets/x86_64-linux/lib/libnvrtc.so.13",
                        "usr/local/cuda-12.9/lib/libnvrtc.so.13",
                        "the system's loader",
                        "venv/lib/python3.12/site-packages/nvidia/cuda_nvrtc/lib/libnvrtc.so.13",
                        "venv/lib/python3.12/site-packages/nvidia/cu13/lib/libnvrtc.so.13",
                        "venv/lib/python3.12/site-packages/nvidia/cu12/lib/libnvrtc.so.13");
    }

    @Test
    void theWheelsOfThePythonOnThePathAreSearchedThroughItsLink() throws IOException {
        Path real = Files.createDirectories(root.resolve("opt/python/bin"));
        Files.createFile(real.resolve("python3"));
        Files.createDirectories(root.resolve("opt/python/lib/python3.13/dist-packages/nvidia"));
        Path venv = Files.createDirectories(root.resolve("app/.venv/bin"));
        Files.createSymbolicLink(venv.resolve("python3"), real.resolve("python3"));
        Files.createDirectories(root.resolve("app/.venv/lib/python3.13/site-packages/nvidia"));
        LibrarySearch search = new LibrarySearch(Map.of("PATH", "/nowhere:" + venv), name -> null, root);
        assertThat(search.candidates(NativeLibrary.NCCL, List.of("libnccl.so.2")).stream()
                        .filter(candidate -> candidate.source().equals("Python wheel"))
                        .map(candidate -> String.valueOf(candidate.path())))
                .contains(
                        root + "/app/.venv/lib/python3.13/site-packages/nvidia/nccl/lib/libnccl.so.2",
                        real.toRealPath().getParent() + "/lib/python3.13/dist-packages/nvidia/nccl/lib/libnccl.so.2");
    }

    @Test
    void aPropertyIsTheOnlyPlaceThen() {
        LibrarySearch ofFile = new LibrarySearch(Map.of("CUDA_HOME", "/cuda"), name -> "/x/libmine.so", root);
        assertThat(ofFile.candidates(NativeLibrary.CUBLASLT, List.of("libcublasLt.so.13")))
                .containsExactly(
                        new LibrarySearch.Candidate(Path.of("/x/libmine.so"), "libmine.so", "-Disoflop.cuda.cublaslt"));
        LibrarySearch ofDirectory = new LibrarySearch(Map.of(), name -> root.toString(), root);
        assertThat(ofDirectory.candidates(NativeLibrary.CUBLASLT, List.of("libcublasLt.so.13")))
                .extracting(LibrarySearch.Candidate::path)
                .containsExactly(root.resolve("libcublasLt.so.13"), root.resolve("libcublasLt.so.12"));
    }

    @Test
    void theDriversLibrariesAreNotLookedForInToolkits() {
        LibrarySearch search = new LibrarySearch(Map.of("CUDA_HOME", "/cuda", "VIRTUAL_ENV", "/v"), name -> null, root);
        assertThat(search.candidates(NativeLibrary.NVML, NativeLibrary.NVML.sonames()))
                .extracting(LibrarySearch.Candidate::source)
                .containsExactly("the system's loader", "driver directory", "driver directory");
    }

    @Test
    void aFailureListsWhatWasTriedAndWhatToInstall() throws IOException {
        Files.createDirectories(root.resolve("usr/local/cuda/lib64"));
        Files.writeString(root.resolve("usr/local/cuda/lib64/libcublasLt.so.13"), "not a library");
        LibrarySearch search = new LibrarySearch(Map.of(), name -> null, root);
        assertThatThrownBy(() -> NativeLibraries.open(NativeLibrary.CUBLASLT, search, List.of("libcublasLt.so.13")))
                .isInstanceOf(NativeLibraryException.class)
                .hasMessageContaining("cuBLASLt (libcublasLt.so.13 or libcublasLt.so.12) was not found. Tried:")
                .hasMessageContaining("usr/local/cuda/lib64/libcublasLt.so.13 (CUDA toolkit): cannot be opened")
                .hasMessageContaining("usr/local/cuda/lib/libcublasLt.so.13 (CUDA toolkit): no such file")
                .hasMessageContaining("libcublasLt.so.13 (the system's loader): cannot be opened")
                .hasMessageContaining("pip install nvidia-cublas")
                .hasMessageContaining("-Disoflop.cuda.cublaslt=PATH");
    }

    @Test
    void aLibraryOfALaterMajorVersionThanTheDriversIsNotTried() {
        assertThat(NativeLibrary.CUBLASLT.sonamesFor(12)).containsExactly("libcublasLt.so.12");
        assertThat(NativeLibrary.CUBLASLT.sonamesFor(13)).containsExactly("libcublasLt.so.13", "libcublasLt.so.12");
        assertThat(NativeLibrary.CUBLASLT.sonamesFor(0)).hasSize(2);
        assertThat(NativeLibrary.NCCL.sonamesFor(12)).containsExactly("libnccl.so.2");
    }
}
