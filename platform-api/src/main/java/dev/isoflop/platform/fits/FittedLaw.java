package dev.isoflop.platform.fits;

import dev.isoflop.evals.stats.Normal;
import dev.isoflop.scaling.fit.BudgetPrediction;
import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.fit.IsoFlopLaws;
import dev.isoflop.scaling.fit.JointDraws;
import dev.isoflop.scaling.fit.ParametricResult;
import dev.isoflop.scaling.forecast.LossForecast;
import dev.isoflop.scaling.law.FitPoint;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A stored fit's law with what its intervals are drawn from, so that it can be asked for more than was stored. */
public sealed interface FittedLaw {

    /** What a law says of one planned run. */
    sealed interface Forecast {

        /**
         * @param loss nats per token; the interval is for one new run, its noise included
         * @param extrapolationRatio C over the largest C fitted
         */
        record Loss(Estimate loss, double extrapolationRatio) implements Forecast {

            /**
             * Standard deviation of log loss, of a normal interval as wide.
             *
             * @param level of the interval
             */
            public double logSd(double level) {
                return Math.log(loss.high() / loss.low()) / (2 * Normal.quantile(0.5 + level / 2));
            }
        }

        /**
         * @param code stable name of the reason
         * @param sentence for people
         */
        record Refused(String code, String sentence) implements Forecast {}
    }

    /** As people write it. */
    String formula();

    /**
     * Loss of one planned run.
     *
     * @param N parameters, as the fit counts them
     * @param D tokens
     * @param C FLOPs, as the budgets of the fit count them
     */
    Forecast forecast(double N, double D, double C);

    /**
     * Optimum and loss at a budget.
     *
     * @param C FLOPs
     */
    FitOutcome<BudgetPrediction> optimum(double C);

    /**
     * Share of a budget that training the fitted optimum is expected to waste, if each draw of the law may be the truth; null where a method has no draws of surfaces.
     *
     * @param C FLOPs
     */
    @Nullable
    Estimate excess(double C);

    /**
     * Approach 3: a loss for every N and D. The optimum of a budget is the law's own; the loss of a larger run is forecast from the same points with intervals that were
     * calibrated on larger runs held out, which those of a bootstrap are not.
     */
    final class Parametric implements FittedLaw {

        private static final int RESAMPLES = 400;

        private final ParametricResult fit;
        private final List<FitPoint> points;
        /** Made when a run is first asked for: a fit that is only compared with its record needs none. */
        private @Nullable LossForecast calibrated;

        Parametric(ParametricResult fit, List<FitPoint> points) {
            this.fit = fit;
            this.points = points;
        }

        /** The seed is the fit's, so that what was predicted can be reckoned again. */
        private synchronized LossForecast calibrated() {
            LossForecast made = calibrated;
            if (made == null) {
                made = LossForecast.of(points, RESAMPLES, fit.options().seed(), 1)
                        .orElseThrow();
                calibrated = made;
            }
            return made;
        }

        @Override
        public String formula() {
            return "L(N, D) = E + A/N^α + B/D^β, weighted by C and joined with ((Nc/N)^(αN/αD) + Dc/D)^αD";
        }

        @Override
        public Forecast forecast(double N, double D, double C) {
            double ratio = C / fit.maxC();
            double most = fit.options().maxExtrapolation();
            if (ratio > most) {
                return new Forecast.Refused("far-extrapolation", tooFar(ratio, most));
            }
            return new Forecast.Loss(calibrated().forecast(N, D, fit.options().level()), ratio);
        }

        @Override
        public FitOutcome<BudgetPrediction> optimum(double C) {
            return fit.predict(C);
        }

        @Override
        public Estimate excess(double C) {
            JointDraws draws = fit.draws(C);
            return draws.interval(draws.expectedExcess(), fit.options().level(), JointDraws.Draw::excess);
        }
    }

    /** Approach 2: the loss of the best model at each budget, and of no other. */
    record IsoFlop(IsoFlopLaws laws) implements FittedLaw {

        /** Relative distance from N* at which the loss of a run is that of the optimum for any purpose: the parabola is flat there. */
        private static final double NEAR = 0.1;

        @Override
        public String formula() {
            return "L*(C) = floor + scale·C^-decay";
        }

        @Override
        public Forecast forecast(double N, double D, double C) {
            return switch (laws.predict(C)) {
                case FitOutcome.Refused<BudgetPrediction> refused ->
                    new Forecast.Refused(refused.reason().code(), refused.sentence());
                case FitOutcome.Converged<BudgetPrediction>(BudgetPrediction best) -> {
                    double low = Math.min(best.N().low(), best.N().value() * (1 - NEAR));
                    double high = Math.max(best.N().high(), best.N().value() * (1 + NEAR));
                    yield N < low || N > high
                            ? new Forecast.Refused("off-optimum", offOptimum(N, C, low, high))
                            : new Forecast.Loss(best.observed(), best.extrapolationRatio());
                }
            };
        }

        @Override
        public FitOutcome<BudgetPrediction> optimum(double C) {
            return laws.predict(C);
        }

        @Override
        public @Nullable Estimate excess(double C) {
            return null;
        }

        private static String offOptimum(double N, double C, double low, double high) {
            return String.format(
                    Locale.ROOT,
                    "An isoflop fit predicts the optimum of a budget alone: at C = %.3g that is N from %.3g to %.3g, and N = %.3g is"
                            + " not. A parametric fit predicts any N and D.",
                    C,
                    low,
                    high,
                    N);
        }
    }

    private static String tooFar(double ratio, double most) {
        return String.format(
                Locale.ROOT,
                "C is %.3g times the largest that was fitted; beyond %.3g times nothing is predicted.",
                ratio,
                most);
    }
}
