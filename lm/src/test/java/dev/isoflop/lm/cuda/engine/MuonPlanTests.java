package dev.isoflop.lm.cuda.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.model.ParameterLayout;
import dev.isoflop.lm.train.Optimizer;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class MuonPlanTests {

    private static final ModelSpec GROUPED = new ModelSpec(300, 40, 64, 3, 4, 2, 104, 10_000, 1e-5, false, true);

    private static GpuPlan plan(int lanes, int batch, Optimizer optimizer) {
        return new GpuPlan(GROUPED, Precision.BF16, lanes, batch, 33, 1).withOptimizer(optimizer);
    }

    @Test
    void everyMatrixOfABlockIsInOneGroupOfItsSides() {
        ParameterLayout layout = new ParameterLayout(GROUPED);
        MuonPlan plan = new MuonPlan(layout, layout, 2, 2);
        assertThat(plan.groups())
                .extracting(g -> List.of(g.large(), g.small(), g.members().size()))
                .containsExactly(List.of(64, 64, 6), List.of(64, 32, 6), List.of(104, 64, 9));
        assertThat(plan.matrices).isEqualTo(21);
        assertThat(plan.elements).isEqualTo(GROUPED.matrixParameters());
        for (MuonPlan.Group g : plan.groups()) {
            assertThat(g.stride()).isGreaterThanOrEqualTo(g.large() * g.small());
            assertThat(g.stride() % 128).isZero();
            assertThat(g.y() - g.x()).isEqualTo(2L * 2 * g.members().size() * g.stride());
            assertThat(g.members()).allMatch(t -> t.kind().hidden());
        }
    }

    @Test
    void tilesCoverEveryElementOnceInTheOrderOfTheirMatrices() {
        MuonPlan plan = new MuonPlan(new ParameterLayout(GROUPED), new ParameterLayout(GROUPED), 1, 4);
        int[] matrices = plan.matrixTable();
        int[] tiles = plan.tileTable();
        int[][] seen = new int[plan.matrices][];
        for (int m = 0; m < plan.matrices; m++) {
            seen[m] = new int[matrices[14 * m + 8] * matrices[14 * m + 9]];
        }
        for (int t = 0; t < plan.tiles; t++) {
            int m = tiles[4 * t];
            int rows = matrices[14 * m + 8];
            int columns = matrices[14 * m + 9];
            assertThat(t - matrices[14 * m + 11]).isBetween(0, matrices[14 * m + 12] - 1);
            for (int r = tiles[4 * t + 1]; r < Math.min(rows, tiles[4 * t + 1] + 64); r++) {
                for (int c = tiles[4 * t + 2]; c < Math.min(columns, tiles[4 * t + 2] + 64); c++) {
                    seen[m][r * columns + c]++;
                }
            }
        }
        for (int[] matrix : seen) {
            assertThat(Arrays.stream(matrix).allMatch(n -> n == 1)).isTrue();
        }
    }

    @Test
    void theWorkspaceLiesOverTheActivationsOrMakesThemLonger() {
        for (int batch : new int[] {1, 64}) {
            GpuPlan adamw = plan(4, batch, Optimizer.ADAMW);
            GpuPlan muon = plan(4, batch, Optimizer.MUON);
            long bytes = java.util.Objects.requireNonNull(muon.muon).bytes();
            assertThat(adamw.muon).isNull();
            assertThat(muon.ropeTable).isGreaterThanOrEqualTo(bytes);
            assertThat(muon.activationBytes()).isGreaterThanOrEqualTo(adamw.activationBytes());
            assertThat(muon.totalBytes() > adamw.totalBytes()).isEqualTo(batch == 1);
            assertThat(muon.withLanes(2).optimizer()).isEqualTo(Optimizer.MUON);
        }
    }
}
