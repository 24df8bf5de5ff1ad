package dev.isoflop.lm.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import dev.isoflop.lm.checkpoint.CorruptCheckpointException;
import dev.isoflop.lm.checkpoint.Safetensors;
import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.support.ArrayTokens;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class TrainerTests {

    private static final ModelSpec TINY = new ModelSpec(61, 40, 24, 2, 4, 2, 40, 10_000, 1e-5, true, true);
    private static final ArrayTokens DATA = ArrayTokens.learnable(61, 5_000, 1);

    private static TrainingOptions options(long steps, int accumulation, Optimizer optimizer) {
        return options(steps, accumulation).withOptimizer(optimizer);
    }

    private static TrainingOptions options(long steps, int accumulation) {
        return new TrainingOptions(
                3, 33, steps, 1e-2, 0.1, 0.1, Schedule.COSINE, 0.9, 0.95, 1e-8, 0.1, 1.0, 7, accumulation);
    }

    @ParameterizedTest
    @EnumSource(Optimizer.class)
    void lossFallsTowardsTheEntropyOfTheData(Optimizer optimizer) {
        try (Trainer trainer = Trainer.create(TINY, options(150, 1, optimizer), DATA, 2)) {
            double first = trainer.step().loss();
            StepResult last = null;
            for (int i = 1; i < 150; i++) {
                last = trainer.step();
            }
            assertThat(first).isBetween(3.9, 4.4);
            // the source: 0.8 + 0.2 / 61 for the successor, else uniform, which is 1.32 nats
            assertThat(last.loss()).isLessThan(1.9);
            assertThat(trainer.evaluate(ArrayTokens.learnable(61, 3_000, 2), 2_000))
                    .isBetween(1.2, 1.9);
            assertThat(last.tokens()).isEqualTo(150L * 3 * 33);
            assertThat(last.flops()).isEqualTo(150 * 99 * TINY.trainingFlopsPerToken(33));
        }
    }

    @ParameterizedTest
    @CsvSource({"2, ADAMW", "3, ADAMW", "5, ADAMW", "2, MUON", "5, MUON"})
    void weightsAreBitwiseTheSameForAnyNumberOfThreads(int threads, Optimizer optimizer) {
        assertThat(java.util.Arrays.equals(weightsAfter(6, threads, optimizer), weightsAfter(6, 1, optimizer)))
                .isTrue();
    }

    private static float[] weightsAfter(int steps, int threads, Optimizer optimizer) {
        try (Trainer trainer = Trainer.create(TINY, options(10, 2, optimizer), DATA, threads)) {
            for (int i = 0; i < steps; i++) {
                trainer.step();
            }
            trainer.evaluate(DATA, 500);
            return trainer.parameters().clone();
        }
    }

    @ParameterizedTest
    @EnumSource(Optimizer.class)
    void resumedRunIsBitwiseIdentical(Optimizer optimizer, @TempDir Path dir) throws IOException {
        TrainingOptions options = options(10, 2, optimizer);
        Path checkpoint = dir.resolve("checkpoint");
        List<StepResult> straight = new ArrayList<>();
        float[] weights;
        try (Trainer trainer = Trainer.create(TINY, options, DATA, 2)) {
            for (int i = 0; i < 10; i++) {
                straight.add(trainer.step());
            }
            weights = trainer.parameters().clone();
        }
        List<StepResult> resumed = new ArrayList<>();
        try (Trainer trainer = Trainer.create(TINY, options, DATA, 1)) {
            for (int i = 0; i < 5; i++) {
                resumed.add(trainer.step());
            }
            trainer.save(checkpoint);
            trainer.save(checkpoint);
        }
        try (Trainer trainer = Trainer.resume(checkpoint, DATA, 2)) {
            assertThat(trainer.stepsDone()).isEqualTo(5);
            assertThat(trainer.spec()).isEqualTo(TINY);
            assertThat(trainer.options()).isEqualTo(options);
            for (int i = 0; i < 5; i++) {
                resumed.add(trainer.step());
            }
            assertThat(java.util.Arrays.equals(trainer.parameters(), weights)).isTrue();
        }
        assertThat(resumed).isEqualTo(straight);
        assertThat(Safetensors.open(checkpoint.resolve("optimizer.safetensors")).metadata())
                .containsEntry("optimizer", optimizer == Optimizer.MUON ? "muon" : "adamw");
        try (var files = Files.list(dir)) {
            assertThat(files.toList()).containsExactly(checkpoint);
        }
    }

    @Test
    void accumulatedPassesGiveTheGradientOfTheWholeBatch() {
        TrainingOptions two = options(10, 2);
        TrainingOptions one =
                new TrainingOptions(6, 33, 10, 1e-2, 0.1, 0.1, Schedule.COSINE, 0.9, 0.95, 1e-8, 0.1, 1.0, 7, 1);
        try (Trainer split = Trainer.create(TINY, two, DATA, 2);
                Trainer whole = Trainer.create(TINY, one, DATA, 2)) {
            StepResult a = split.step();
            StepResult b = whole.step();
            assertThat(a.loss()).isCloseTo(b.loss(), org.assertj.core.api.Assertions.within(1e-6));
            assertThat(a.gradNorm()).isCloseTo(b.gradNorm(), org.assertj.core.api.Assertions.within(1e-5));
        }
    }

    @Test
    void aCheckpointFromBeforeThereWasAChoiceIsAdamWs(@TempDir Path dir) throws IOException {
        try (Trainer trainer = Trainer.create(TINY, options(10, 1), DATA, 1)) {
            trainer.save(dir.resolve("c"));
        }
        Path state = dir.resolve("c/trainer.json");
        String text = Files.readString(state);
        String without = text.replaceAll(",\\s*\"optimizer\" : \"ADAMW\"", "");
        assertThat(without).isNotEqualTo(text).doesNotContain("optimizer");
        Files.writeString(state, without);
        try (Trainer trainer = Trainer.resume(dir.resolve("c"), DATA, 1)) {
            assertThat(trainer.options()).isEqualTo(options(10, 1));
        }
    }

    @ParameterizedTest
    @EnumSource(Optimizer.class)
    void aStepAllocatesNothing(Optimizer optimizer) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (Trainer trainer = Trainer.create(TINY, options(100_000, 1, optimizer), DATA, 1)) {
            // enough for every loop to be compiled, since interpreted vector code allocates its vectors
            long allocated = Long.MAX_VALUE;
            for (int round = 0; round < 600 && allocated > 400; round++) {
                long before = threads.getCurrentThreadAllocatedBytes();
                for (int i = 0; i < 50; i++) {
                    trainer.step();
                }
                allocated = (threads.getCurrentThreadAllocatedBytes() - before) / 50;
            }
            // what is left is the result record
            assertThat(allocated).isLessThanOrEqualTo(400);
        }
    }

    @ParameterizedTest
    @EnumSource(Optimizer.class)
    void divergenceIsAResultAndLeavesTheWeights(Optimizer optimizer) {
        try (Trainer trainer = Trainer.create(TINY, options(10, 1, optimizer), DATA, 2)) {
            trainer.step();
            trainer.parameters()[5] = Float.NaN;
            float[] before = trainer.parameters().clone();
            trainer.step();
            // packed weights still hold the old value until the next update, the embedding does not
            StepResult result = trainer.step();
            assertThat(result.finite()).isFalse();
            assertThat(java.util.Arrays.equals(trainer.parameters(), before)).isTrue();
        }
    }

    @Test
    void evaluationIsTheSameEachTimeAndForAnyBatch() {
        TrainingOptions one =
                new TrainingOptions(1, 33, 10, 1e-2, 0.1, 0.1, Schedule.COSINE, 0.9, 0.95, 1e-8, 0.1, 1.0, 7, 1);
        try (Trainer a = Trainer.create(TINY, options(10, 1), DATA, 2);
                Trainer b = Trainer.create(TINY, one, DATA, 1)) {
            double first = a.evaluate(DATA, 1_700);
            assertThat(a.evaluate(DATA, 1_700)).isEqualTo(first);
            assertThat(b.evaluate(DATA, 1_700)).isCloseTo(first, org.assertj.core.api.Assertions.within(1e-12));
        }
    }

    @Test
    void corruptCheckpointsAreRefusedWithTheReason(@TempDir Path dir) throws IOException {
        try (Trainer trainer = Trainer.create(TINY, options(10, 1), DATA, 1)) {
            trainer.save(dir.resolve("c"));
        }
        Path weights = dir.resolve("c/model.safetensors");
        byte[] whole = Files.readAllBytes(weights);
        Files.write(weights, java.util.Arrays.copyOf(whole, whole.length - 10));
        assertThatThrownBy(() -> Trainer.resume(dir.resolve("c"), DATA, 1))
                .isInstanceOf(CorruptCheckpointException.class)
                .hasMessageContaining("model.safetensors")
                .hasMessageContaining("cut short");
        Files.write(weights, new byte[] {1, 2, 3});
        assertThatThrownBy(() -> Trainer.resume(dir.resolve("c"), DATA, 1)).hasMessageContaining("3 bytes");
        Files.write(weights, whole);
        assertThatThrownBy(() -> Trainer.resume(dir.resolve("c"), ArrayTokens.learnable(61, 4_999, 1), 1))
                .hasMessageContaining("5000")
                .hasMessageContaining("4999");
        Files.delete(dir.resolve("c/trainer.json"));
        assertThatThrownBy(() -> Trainer.resume(dir.resolve("c"), DATA, 1))
                .hasMessageContaining("trainer.json is missing");
    }

    @Test
    void dataThatDoesNotFitTheModelIsRefused() {
        assertThatThrownBy(() -> Trainer.create(TINY, options(10, 1), ArrayTokens.learnable(62, 5_000, 1), 1))
                .hasMessageContaining("62")
                .hasMessageContaining("vocabSize is 61");
        assertThatThrownBy(() -> Trainer.create(TINY, options(10, 1), ArrayTokens.learnable(61, 33, 1), 1))
                .hasMessageContaining("33 tokens");
        assertThatThrownBy(() -> new ModelSpec(61, 40, 24, 2, 5, 5, 40, 10_000, 1e-5, true, true))
                .hasMessageContaining("heads = 5")
                .hasMessageContaining("heads = 4");
    }
}
