package dev.isoflop.runner.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.runner.bench.TrainingLab.Recipe;
import dev.isoflop.runner.bench.TrainingLab.Recorded;
import dev.isoflop.scaling.design.DesignTarget;
import dev.isoflop.scaling.design.OptimalSweep;
import dev.isoflop.scaling.plan.PlannedCell;
import dev.isoflop.scaling.plan.SweepPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What trials train, and that it is trained as a runner would. */
class TrainingLabTests {

    @TempDir
    private Path directory;

    private Path corpus() throws IOException {
        Path texts = Files.createDirectories(directory.resolve("texts"));
        Random random = new Random(5);
        for (int i = 0; i < 160; i++) {
            StringBuilder text = new StringBuilder();
            for (int word = 0; word < 400; word++) {
                int which = (int) Math.min(900, Math.exp(7 * random.nextDouble()));
                text.append(Integer.toString(which * 7919, 36)).append(word % 12 == 11 ? ".\n" : " ");
            }
            Files.writeString(texts.resolve("text-" + i + ".txt"), text);
        }
        return texts;
    }

    @Test
    void runsAreRecordedAsThePlatformHasThemAndOneSeedComesOutOneWay() throws Exception {
        TrialScale scale = TrialScale.CPU;
        Recipe recipe = scale.of(1e9, 8).with(7);
        assertThat(6 * recipe.N() * recipe.D()).isBetween(0.97e9, 1e9);
        List<Recorded> runs;
        try (TrainingLab lab = TrainingLab.open(
                scale, scale.dataset(corpus().toString(), directory.resolve("work")), 2, directory.resolve("cache"))) {
            runs = lab.train(List.of(recipe, recipe.with(8), recipe));
        }
        Recorded first = runs.getFirst();
        assertThat(first.recipe().seed()).isEqualTo(7);
        assertThat(first.trainSteps()).hasSize((int) recipe.steps()).endsWith(recipe.steps());
        assertThat(first.evalSteps()).hasSizeBetween(9, 11);
        assertThat(first.loss()).isPositive().isLessThan(0.9 * first.trainLosses()[0]);
        assertThat(first.point().seed()).isEqualTo(7L);
        assertThat(runs.get(1).loss()).isNotEqualTo(first.loss());
        assertThat(runs.get(2).loss()).isEqualTo(first.loss());
        assertThat(runs.get(2).trainLosses()).isEqualTo(first.trainLosses());
    }

    @Test
    void everyDesignOfAScaleIsOfModelsThatItTrainsAndSpendsAlike() {
        for (TrialScale scale : TrialScale.values()) {
            List<Recipe> sweep = scale.isoFlop();
            double least = scale.budgets().least();
            double most = scale.budgets().most();
            assertThat(sweep)
                    .hasSizeGreaterThan(20)
                    .allSatisfy(r -> assertThat(6 * r.N() * r.D()).isBetween(0.98 * least, most));
            assertThat(scale.trainable().cells()).hasSizeGreaterThan(50);
            for (PlannedCell cell : scale.trainable().cells()) {
                assertThat(cell.plannedFlops()).isBetween(0.98 * least, most);
                assertThat(scale == TrialScale.CPU || cell.shape().trainsIn(dev.isoflop.scaling.flops.Precision.BF16))
                        .isTrue();
                Recipe recipe = Recipe.of(cell);
                assertThat(recipe.D()).isCloseTo(cell.D(), within(0.0));
                assertThat(recipe.N()).isCloseTo(cell.N(), within(0.0));
            }
            Recipe larger = scale.of(scale.budgets().target(), scale.budgets().width());
            assertThat(6 * larger.N() * larger.D()).isBetween(7 * most, 7.6 * most);
        }
    }

    /** What is on record was measured on the runs that a trial would train today. */
    @ParameterizedTest
    @EnumSource(TrialScale.class)
    void theReportsOfRecordAreOfTheseRuns(TrialScale scale) throws IOException {
        Path record = DesignBench.record(scale);
        Path report = Files.exists(record) ? record : Path.of("..").resolve(record);
        JsonNode rows = JsonMapper.shared().readTree(Files.readString(report));
        Recipe larger = scale.of(scale.budgets().target(), scale.budgets().width());
        SweepPlan atOnce = OptimalSweep.after(List.of())
                .orElseThrow()
                .choose(
                        new DesignTarget.LogLoss(larger.N(), larger.D()),
                        scale.trainable(),
                        scale.isoFlop().stream()
                                .mapToDouble(r -> 6 * r.N() * r.D())
                                .sum(),
                        30);
        Map<String, List<List<Double>>> sizes = Map.of(
                "IsoFLOP",
                scale.isoFlop().stream().map(r -> List.of(r.N(), r.D())).toList(),
                "optimal at once",
                atOnce.cells().stream()
                        .map(cell -> List.of((double) cell.N(), (double) cell.D()))
                        .toList());
        int compared = 0;
        for (JsonNode row : rows) {
            List<List<Double>> expected = sizes.get(row.path("design").asString());
            if (expected != null) {
                List<List<Double>> recorded = new ArrayList<>();
                row.path("points")
                        .forEach(p -> recorded.add(
                                List.of(p.path("N").asDouble(), p.path("D").asDouble())));
                assertThat(recorded).containsExactlyElementsOf(expected);
                compared++;
            }
        }
        assertThat(compared).as("two designs of five seeds").isEqualTo(10);
    }

    @Test
    void aGpuNeedsTextOfItsOwn() {
        assertThatThrownBy(() -> TrialScale.GPU.dataset(null, directory)).hasMessageContaining("--corpus");
    }
}
