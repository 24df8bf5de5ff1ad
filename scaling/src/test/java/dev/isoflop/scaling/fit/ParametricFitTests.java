package dev.isoflop.scaling.fit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ParametricFitTests {

    private static final ChinchillaLaw LAW = new ChinchillaLaw(1.82, 480, 2100, .348, .366);
    private static final ParametricOptions OPTIONS =
            ParametricOptions.defaults().withResamples(200);

    @Test
    void anExactSurfaceIsRecoveredToRounding() {
        var minimum = ParametricFit.minimum(grid(0, new Random(0)), OPTIONS, 2).orElseThrow();

        assertThat(minimum.law().alpha()).isCloseTo(LAW.alpha(), within(1e-7));
        assertThat(minimum.law().beta()).isCloseTo(LAW.beta(), within(1e-7));
        assertThat(minimum.law().E()).isCloseTo(LAW.E(), within(1e-6));
    }

    @Test
    void gradientAndHessianAreThoseOfTheObjective() {
        HuberLogSumExp f = ParametricFit.objective(grid(.01, new Random(2)), OPTIONS.withHuberDelta(.05));
        double[] at = ParametricFit.theta(f, new ChinchillaLaw(1.7, 300, 1500, .33, .35));
        f.evaluate(at);
        double[] gradient = f.gradient.clone();
        double[][] hessian = new double[5][];
        for (int i = 0; i < 5; i++) {
            hessian[i] = f.hessian[i].clone();
        }
        for (int i = 0; i < 5; i++) {
            double h = 1e-6;
            double[] up = at.clone();
            double[] down = at.clone();
            up[i] += h;
            down[i] -= h;
            assertThat(gradient[i])
                    .isCloseTo((f.valueAt(up) - f.valueAt(down)) / (2 * h), within(1e-6 * (1 + Math.abs(gradient[i]))));
            f.evaluate(up);
            double[] high = f.gradient.clone();
            f.evaluate(down);
            for (int j = 0; j < 5; j++) {
                assertThat(hessian[i][j])
                        .isCloseTo((high[j] - f.gradient[j]) / (2 * h), within(1e-4 * (1 + Math.abs(hessian[i][j]))));
            }
        }
    }

    @Test
    void intervalsCoverTheTruthAboutAsOftenAsTheySay() {
        int a = 0;
        int loss = 0;
        int trials = 40;
        ChinchillaLaw truth = LAW;
        for (int t = 0; t < trials; t++) {
            ParametricResult fit = ParametricFit.fit(grid(.01, new Random(500 + t)), OPTIONS.withSeed(t))
                    .orElseThrow();
            a += holds(fit.a(), truth.a()) ? 1 : 0;
            loss += holds(
                            fit.predict(1e22).orElseThrow().loss(),
                            truth.optimum(1e22).loss())
                    ? 1
                    : 0;
        }
        assertThat((double) a / trials).isGreaterThanOrEqualTo(.8);
        assertThat((double) loss / trials).isGreaterThanOrEqualTo(.8);
    }

    @Test
    void bothStartRulesFindTheSameMinimum() {
        List<FitPoint> points = grid(.01, new Random(9)).subList(0, 40);
        var projected = ParametricFit.minimum(points, OPTIONS, 2).orElseThrow();
        var grid = ParametricFit.minimum(points, OPTIONS.withStarts(ParametricOptions.Starts.HOFFMANN_GRID), 2)
                .orElseThrow();

        assertThat(projected.objective()).isLessThanOrEqualTo(grid.objective() * (1 + 1e-8));
        assertThat(grid.starts()).isEqualTo(4500);
        assertThat(grid.agreeing()).isGreaterThan(10);
    }

    @Test
    void groupsAreResampledWhole() {
        List<FitPoint> points = new ArrayList<>();
        Random random = new Random(4);
        int run = 0;
        for (FitPoint p : grid(0, random)) {
            // six checkpoints of one run share its luck
            double luck = Math.exp(.01 * random.nextGaussian());
            for (int k = 0; k < 6; k++) {
                double d = p.D() * (1 + .02 * k);
                points.add(FitPoint.of(p.N(), d, LAW.loss(p.N(), d) * luck).withGroup("run " + run));
            }
            run++;
        }
        ParametricResult alone = ParametricFit.fit(points, OPTIONS).orElseThrow();
        ParametricResult whole = ParametricFit.fit(points, OPTIONS.withResampling(ParametricOptions.Resampling.GROUPS))
                .orElseThrow();

        assertThat(whole.law()).isEqualTo(alone.law());
        assertThat(whole.alpha().high() - whole.alpha().low())
                .isGreaterThan(1.5 * (alone.alpha().high() - alone.alpha().low()));
    }

    @Test
    void aFlatDirectionIsRefused() {
        // one narrow band of N in heavy noise says nothing of alpha
        Random random = new Random(11);
        List<FitPoint> points = new ArrayList<>();
        for (double n : new double[] {1e9, 1.05e9, 1.1e9}) {
            for (double d : new double[] {1e9, 4e9, 1.6e10, 6.4e10}) {
                points.add(FitPoint.of(n, d, LAW.loss(n, d) * Math.exp(.02 * random.nextGaussian())));
            }
        }
        assertThat(reason(ParametricFit.fit(points, OPTIONS)))
                .isIn(RefusalReason.UNIDENTIFIABLE, RefusalReason.EXPONENT_AT_BOUND);
    }

    @Test
    void tooLittleToFitIsRefusedByName() {
        List<FitPoint> points = grid(0, new Random(0));
        List<FitPoint> oneSize = new ArrayList<>();
        List<FitPoint> oneLength = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            double scale = Math.pow(2, i);
            oneSize.add(FitPoint.of(1e8, 1e9 * scale, LAW.loss(1e8, 1e9 * scale)));
            oneLength.add(FitPoint.of(1e8 * scale, 1e9, LAW.loss(1e8 * scale, 1e9)));
        }

        assertThat(reason(ParametricFit.fit(points.subList(0, 7), OPTIONS))).isEqualTo(RefusalReason.TOO_FEW_POINTS);
        assertThat(reason(ParametricFit.fit(oneSize, OPTIONS))).isEqualTo(RefusalReason.TOO_FEW_SIZES);
        assertThat(reason(ParametricFit.fit(oneLength, OPTIONS))).isEqualTo(RefusalReason.TOO_FEW_TOKEN_COUNTS);
    }

    @Test
    void predictionOfARunIsWiderThanThatOfTheLaw() {
        ParametricResult fit =
                ParametricFit.fit(grid(.01, new Random(6)), OPTIONS).orElseThrow();
        BudgetPrediction at = fit.predict(1e22).orElseThrow();

        assertThat(at.observed().low()).isLessThan(at.loss().low());
        assertThat(at.observed().high()).isGreaterThan(at.loss().high());
        Estimate run = fit.predictLoss(1e9, 1e11);
        assertThat(run.low()).isLessThan(LAW.loss(1e9, 1e11));
        assertThat(run.high()).isGreaterThan(LAW.loss(1e9, 1e11));
    }

    private static boolean holds(Estimate e, double truth) {
        return e.low() <= truth && truth <= e.high();
    }

    private static RefusalReason reason(FitOutcome<?> outcome) {
        assertThat(outcome).isInstanceOf(FitOutcome.Refused.class);
        return ((FitOutcome.Refused<?>) outcome).reason();
    }

    private static List<FitPoint> grid(double noise, Random random) {
        List<FitPoint> points = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            for (int j = 0; j < 8; j++) {
                double n = 5e7 * Math.pow(2, i);
                double d = 1e9 * Math.pow(2, j);
                points.add(FitPoint.of(n, d, LAW.loss(n, d) * Math.exp(noise * random.nextGaussian())));
            }
        }
        return points;
    }
}
