package dev.isoflop.scaling.fit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.scaling.Fixtures;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.Law;
import dev.isoflop.scaling.law.LawPoints;
import dev.isoflop.scaling.law.form.MixtureOfExperts;
import dev.isoflop.scaling.law.form.RepeatedData;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Laws of more than N and D on runs that were trained. */
class FurtherInputsTests {

    private static final Criterion HUBER = new Criterion.HuberLog(1e-3);
    private static final int THREADS = 2;

    private static double number(Map<String, String> row, String column) {
        return Double.parseDouble(row.get(column));
    }

    /** Li et al.'s sparse models: the best learning rate and batch of each, by active parameters and tokens. N is the same of all. */
    private static List<FitPoint> sparse() {
        Map<String, FitPoint> best = new TreeMap<>();
        for (Map<String, String> r : Fixtures.csv("steplaw/moe_lr_bs_loss.csv")) {
            FitPoint point = FitPoint.of(number(r, "N"), number(r, "D"), number(r, "smooth loss"))
                    .with(Map.of(Law.Input.ACTIVE, number(r, "Na")));
            best.merge(r.get("Na") + " " + r.get("D"), point, (a, b) -> a.loss() <= b.loss() ? a : b);
        }
        return new ArrayList<>(best.values());
    }

    @Test
    void sparseModelsOfOneSizeFollowTheLawInWhatTheyVary() {
        List<FitPoint> points = sparse();
        assertThat(points).hasSize(16);
        Law law = new MixtureOfExperts();
        LawFit.Minimum all =
                LawFit.minimum(law, LawPoints.of(points), HUBER, THREADS).orElseThrow();
        assertThat(worst(all, points)).isLessThan(.005);
        // ten coefficients, of which one N leaves three without a meaning of their own: that is not hidden
        assertThat(all.agreeing()).as("starts that end together").isLessThan(all.starts());
        assertThat(all.atEnd()).contains("alpha");
        // predictions do not need them: runs 2.5 times as long are met within a percent
        LawFit.Minimum shorter = LawFit.minimum(
                        law,
                        LawPoints.of(points.stream().filter(p -> p.D() < 1e10).toList()),
                        HUBER,
                        THREADS)
                .orElseThrow();
        assertThat(worst(shorter, points)).isBetween(.001, .01);
    }

    private static double worst(LawFit.Minimum fit, List<FitPoint> points) {
        return points.stream()
                .mapToDouble(p -> Math.abs(fit.loss(p.N(), p.D(), p.input(Law.Input.ACTIVE)) / p.loss() - 1))
                .max()
                .orElseThrow();
    }

    @Test
    void repeatedDataFitFreshAndRepeatedRunsTogether() {
        List<FitPoint> points = Fixtures.csv("datablations_182.csv").stream()
                .map(r -> FitPoint.of(number(r, "N"), number(r, "D"), number(r, "loss"))
                        .with(Map.of(Law.Input.U, number(r, "U"))))
                .toList();
        LawFit.Minimum found = LawFit.minimum(new RepeatedData(), LawPoints.of(points), HUBER, THREADS)
                .orElseThrow();
        assertThat(found.objective()).isLessThan(.006565895571351305 * (1 + 1e-8));
        assertThat(found.agreeing()).isEqualTo(found.starts());
        assertThat(found.value("RD*")).isCloseTo(25.168, within(.01));
        // with the constants of fresh data fitted as well, half the misfit of the published ones goes away
        assertThat(found.objective()).isLessThan(.0158046625 / 2);
    }
}
