package dev.isoflop.lm.cuda.blas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TuningCacheTests {

    private static final TuningCache.Entry ENTRY = new TuningCache.Entry("00ff".repeat(32), 1024, 3, 12.5, 20);

    @TempDir
    Path directory;

    @Test
    void entriesSurviveAndThoseOfOtherProcessesAreKept() {
        Path file = directory.resolve("a/b/tuning.json");
        TuningCache one = TuningCache.open(file);
        TuningCache two = TuningCache.open(file);
        one.put("x", ENTRY);
        two.put("y", ENTRY);
        TuningCache again = TuningCache.open(file);
        assertThat(again.find("x")).contains(ENTRY);
        assertThat(again.find("y")).contains(ENTRY);
        assertThat(again.find("z")).isEmpty();
        assertThat(ENTRY.bytes()).hasSize(64);
    }

    @Test
    void aRunTakesItsProductsToAnotherMachine() throws IOException {
        TuningCache here = TuningCache.open(directory.resolve("here.json"));
        here.put("x", ENTRY);
        here.put("other", ENTRY);
        Path kept = Files.writeString(directory.resolve("kept.json"), here.export(List.of("x", "unknown")));
        TuningCache.Entry own = new TuningCache.Entry("11ee".repeat(32), 0, 1, 1, 2);
        TuningCache there = TuningCache.open(directory.resolve("there.json"));
        there.put("y", own);
        there.adopt(kept);
        there.adopt(directory.resolve("none.json"));
        assertThat(there.find("x")).contains(ENTRY);
        assertThat(there.find("other")).isEmpty();
        here.put("x", own);
        there.adopt(Files.writeString(kept, here.export(List.of("x"))));
        assertThat(there.find("x")).as("what is known stays").contains(ENTRY);
        assertThat(TuningCache.open(directory.resolve("there.json")).find("x")).contains(ENTRY);
    }

    @Test
    void aDamagedFileCountsAsEmpty() throws IOException {
        Path file = Files.writeString(directory.resolve("tuning.json"), "{ not json");
        assertThat(TuningCache.open(file).find("x")).isEmpty();
    }

    @Test
    void theKeyTellsGpusVersionsAndProblemsApart() {
        MatmulProblem problem = MatmulProblem.of(64, 128, 32, MatrixType.BF16).transposed(false, true);
        String key = TuningCache.key("NVIDIA H100", 130002, problem);
        assertThat(key)
                .isEqualTo(
                        "NVIDIA H100 | cublasLt 130002 | BF16>BF16 64x128x32 NT ld 32,32,128 batch 1:0,0,0 beta 0 align 16");
        assertThat(TuningCache.key("NVIDIA H100", 130002, problem.withScale(1, 1)))
                .isNotEqualTo(key);
        assertThat(TuningCache.key("NVIDIA H100", 130002, problem.withScale(0.5f, 0)))
                .isEqualTo(key);
        assertThat(TuningCache.key("NVIDIA H100", 130002, problem.withOutput(MatrixType.FP32)))
                .isNotEqualTo(key);
    }

    @Test
    void impossibleProblemsAreRefused() {
        MatmulProblem problem = MatmulProblem.of(4, 8, 16, MatrixType.BF16);
        assertThatThrownBy(() -> problem.withLeading(15, 8, 8)).hasMessageContaining("does not fit");
        assertThatThrownBy(() -> problem.batched(2, 64, 128, 31)).hasMessageContaining("overlap");
        assertThatThrownBy(() -> problem.withScale(1, 0.5f)).hasMessageContaining("beta");
        assertThatThrownBy(() -> MatmulProblem.of(4, 8, 16, MatrixType.FP32).withOutput(MatrixType.BF16))
                .hasMessageContaining("fp32");
    }
}
