package dev.isoflop.runner.work.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.lm.cuda.engine.GpuPlan;
import dev.isoflop.lm.cuda.engine.Precision;
import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.train.Optimizer;
import org.junit.jupiter.api.Test;

class LaneShapeTests {

    @Test
    void runsOfOneOptimizerAreLanesOfOneArray() {
        GpuPlan plan = new GpuPlan(ModelSpec.llama(61, 32, 32, 2, 2), Precision.FP32, 1, 4, 32, 1);
        LaneGroup.Shape adamw = new LaneGroup.Shape(plan, "data");
        LaneGroup.Shape muon = new LaneGroup.Shape(plan.withOptimizer(Optimizer.MUON), "data");
        assertThat(adamw.fits(muon)).isFalse();
        assertThat(muon.fits(adamw)).isFalse();
        assertThat(muon.fits(new LaneGroup.Shape(plan.withOptimizer(Optimizer.MUON), "data")))
                .isTrue();
    }
}
