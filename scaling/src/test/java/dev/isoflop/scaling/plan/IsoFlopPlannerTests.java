package dev.isoflop.scaling.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.isoflop.scaling.Fixtures;
import dev.isoflop.scaling.flops.ParameterConvention;
import dev.isoflop.scaling.flops.Precision;
import dev.isoflop.scaling.flops.TransformerShape;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class IsoFlopPlannerTests {

    private static final PlanLimits LIMITS = PlanLimits.defaults();

    @Test
    void stepsAndTokensAreThoseOfTheReferenceTable() {
        for (Map<String, String> row : Fixtures.csv("sotu_reference.csv")) {
            double budget = Double.parseDouble(row.get("flops_budget"));
            int batch = Integer.parseInt(row.get("batch_sequences"));
            int width = Integer.parseInt(row.get("d_model"));
            SweepPlan plan = IsoFlopPlanner.plan(request(
                    List.of(BudgetPlan.ofWidths(budget, List.of(width), 1024, 128, batch)),
                    ParameterConvention.MATRICES,
                    new PlanLimits(1, 0, 1e9, 1e9, Long.MAX_VALUE),
                    List.of()));
            PlannedCell cell = plan.cells().getFirst();

            assertThat(cell.steps()).isEqualTo(Long.parseLong(row.get("steps")));
            assertThat(cell.D()).isEqualTo(Long.parseLong(row.get("tokens")));
            assertThat(cell.plannedFlops()).isLessThanOrEqualTo(budget);
        }
    }

    @Test
    void everyDropNamesTheLimitItBreaks() {
        List<BudgetPlan> budgets = List.of(BudgetPlan.ofWidths(1e11, List.of(16, 32, 192), 1024, 128, 4));

        assertThat(dropOf(budgets, LIMITS, 192)).isEqualTo(DropReason.TOO_FEW_STEPS);
        assertThat(dropOf(budgets, new PlanLimits(1, .05, 1000, 4, Long.MAX_VALUE), 192))
                .isEqualTo(DropReason.TOO_FEW_TOKENS_PER_PARAMETER);
        assertThat(dropOf(budgets, new PlanLimits(1, 0, 20, 4, Long.MAX_VALUE), 16))
                .isEqualTo(DropReason.TOO_MANY_TOKENS_PER_PARAMETER);
        assertThat(dropOf(budgets, LIMITS.withMaxEpochs(.1), 16)).isEqualTo(DropReason.TOO_MANY_EPOCHS);
        assertThat(dropOf(budgets, LIMITS.withMemoryBytes(1_000_000), 32)).isEqualTo(DropReason.DOES_NOT_FIT_MEMORY);
    }

    private static DropReason dropOf(List<BudgetPlan> budgets, PlanLimits limits, int width) {
        SweepPlan plan = IsoFlopPlanner.plan(request(budgets, ParameterConvention.TOTAL, limits, List.of()));
        DroppedCell drop = plan.dropped().stream()
                .filter(d -> d.shape().dModel() == width)
                .findFirst()
                .orElseThrow();
        assertThat(drop.sentence()).contains("Width " + width);
        assertThat(plan.cells()).noneMatch(c -> c.shape().dModel() == width);
        return drop.reason();
    }

    @Test
    void replicatesAddSeedsAtTheirCellOnly() {
        List<BudgetPlan> budgets = List.of(
                BudgetPlan.ofWidths(1e11, List.of(16, 24, 32), 1024, 128, 2),
                BudgetPlan.ofWidths(2e11, List.of(16, 24, 32), 1024, 128, 2));
        SweepPlan plan = IsoFlopPlanner.plan(request(
                budgets, ParameterConvention.TOTAL, LIMITS, List.of(new Replicates(1e11, 24, List.of(1L, 2L, 3L)))));

        assertThat(plan.cells()).hasSize(8);
        assertThat(plan.cells().stream()
                        .filter(c -> c.budget() == 1e11 && c.shape().dModel() == 24)
                        .map(PlannedCell::seed))
                .containsExactly(1L, 2L, 3L);
        assertThat(plan.plannedFlops()).isBetween(.98 * (5 * 1e11 + 3 * 2e11), 5 * 1e11 + 3 * 2e11);
        assertThat(plan.cells()).allMatch(c -> c.epochs() == (double) c.D() / 3_360_000);
    }

    @Test
    void replicatesOfNoCellAreRejected() {
        List<BudgetPlan> budgets = List.of(BudgetPlan.ofWidths(1e11, List.of(16), 1024, 128, 2));

        assertThatThrownBy(() -> IsoFlopPlanner.plan(request(
                        budgets, ParameterConvention.TOTAL, LIMITS, List.of(new Replicates(1e11, 24, List.of(2L))))))
                .hasMessageContaining("width 24");
    }

    @Test
    void recipesOfOneBudgetAreCellsOfTheirOwnSideBySide() {
        List<TransformerShape> shapes = List.of(ShapeRule.shape(24, 1024, 128), ShapeRule.shape(16, 1024, 128));
        SweepPlan plan = IsoFlopPlanner.plan(request(
                List.of(
                        new BudgetPlan(1e11, shapes, 4, 3e-3),
                        new BudgetPlan(3e10, shapes, 2, 1e-2),
                        new BudgetPlan(1e11, shapes, 2, null),
                        new BudgetPlan(1e11, shapes.subList(0, 1), 4, 1e-3)),
                ParameterConvention.TOTAL,
                LIMITS,
                List.of()));

        assertThat(plan.cells())
                .extracting(
                        PlannedCell::budget,
                        c -> c.shape().dModel(),
                        PlannedCell::batchSequences,
                        PlannedCell::learningRate)
                .containsExactly(
                        tuple(3e10, 16, 2, 1e-2),
                        tuple(3e10, 24, 2, 1e-2),
                        tuple(1e11, 16, 4, 3e-3),
                        tuple(1e11, 16, 2, 1e-2),
                        tuple(1e11, 24, 4, 3e-3),
                        tuple(1e11, 24, 2, 1e-2),
                        tuple(1e11, 24, 4, 1e-3));
        assertThatThrownBy(() -> new BudgetPlan(1e11, shapes, 2, 0.0)).hasMessageContaining("learningRate");
    }

    @Test
    void ladderWidthsAllGiveModelsWithEvenHeads() {
        for (int width = 8; width <= 1024; width += 4) {
            TransformerShape shape = ShapeRule.shape(width, 1024, 128);
            assertThat(shape.headSize() % 2).isZero();
            assertThat(shape.heads()).isGreaterThanOrEqualTo(2);
            assertThat(shape.dFf()).isBetween(8 * width / 3, 8 * width / 3 + 8);
        }
        // 112 = 7 * 16 and not 4 * 28, 144 = 6 * 24 and not 4 * 36: there are kernels for those
        int[][] headsByWidth = {
            {16, 2}, {24, 2}, {32, 2}, {48, 3}, {64, 4}, {96, 6}, {112, 7}, {128, 4}, {144, 6}, {192, 6}, {448, 7}
        };
        for (int[] each : headsByWidth) {
            assertThat(ShapeRule.shape(each[0], 1024, 128).heads()).isEqualTo(each[1]);
        }
        assertThatThrownBy(() -> ShapeRule.shape(21, 1024, 128)).hasMessageContaining("even size");
    }

    @Test
    void defaultRulesFollowTheReferenceTable() {
        BatchRule batch = BatchRule.defaults();
        assertThat(batch.batchSequences(1e11, 128)).isEqualTo(2);
        assertThat(batch.batchSequences(1e12, 128)).isEqualTo(4);
        assertThat(batch.batchSequences(1e13, 128)).isEqualTo(8);
        assertThat(batch.batchSequences(1.5e13 * 64, 128)).isEqualTo(32);
        assertThat(LearningRateRule.defaults().rate(266_240)).isEqualTo(1e-2);
        assertThat(LearningRateRule.defaults().rate(540_672)).isEqualTo(3e-3);
    }

    private static PlanRequest request(
            List<BudgetPlan> budgets, ParameterConvention convention, PlanLimits limits, List<Replicates> replicates) {
        return new PlanRequest(
                budgets,
                convention,
                LearningRateRule.defaults(),
                List.of(1L),
                replicates,
                3_360_000,
                limits,
                Precision.FP32);
    }
}
