package dev.isoflop.scaling.forecast;

import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.fit.RefusalReason;
import dev.isoflop.scaling.law.FitPoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * How a forecast does on larger runs that it has not seen: the points above Cmax / ratio are left out and forecast from the others.
 *
 * @param ratio by which the largest run exceeds what was fitted
 * @param fitted number of points
 * @param level of the intervals
 * @param cases what was left out, by C
 */
public record Holdout(double ratio, int fitted, double level, List<Case> cases) {

    /**
     * @param point left out
     * @param forecast from the others
     */
    public record Case(FitPoint point, Estimate forecast) {

        public boolean covered() {
            return point.loss() >= forecast.low() && point.loss() <= forecast.high();
        }

        /** Forecast over measurement, of log loss. */
        public double error() {
            return Math.log(forecast.value() / point.loss());
        }

        /** Of the interval, of log loss. */
        public double width() {
            return Math.log(forecast.high() / forecast.low());
        }
    }

    /**
     * @param ratio above 1
     * @param resamples as for {@link LossForecast#of}
     */
    public static FitOutcome<Holdout> of(
            List<FitPoint> points, double ratio, double level, int resamples, long seed, int threads) {
        return of(points, ratio, LossForecast.Combination.FIXED, level, resamples, seed, threads);
    }

    /**
     * @param ratio above 1
     * @param combination of forms
     * @param resamples as for {@link LossForecast#of}
     */
    public static FitOutcome<Holdout> of(
            List<FitPoint> points,
            double ratio,
            LossForecast.Combination combination,
            double level,
            int resamples,
            long seed,
            int threads) {
        if (!(ratio > 1)) {
            throw new IllegalArgumentException("ratio must be above 1, was " + ratio);
        }
        double largest = points.stream().mapToDouble(FitPoint::C).max().orElse(0);
        // budgets are met to a step or so
        double cut = largest / ratio * (1 + 1e-4);
        List<FitPoint> fitted = points.stream().filter(p -> p.C() <= cut).toList();
        List<FitPoint> left = points.stream()
                .filter(p -> p.C() > cut)
                .sorted(java.util.Comparator.comparingDouble(FitPoint::C))
                .toList();
        if (fitted.isEmpty()) {
            return new FitOutcome.Refused<>(
                    RefusalReason.TOO_FEW_POINTS,
                    String.format(
                            Locale.ROOT, "No run is %.3g times smaller than the largest (%.3g FLOPs).", ratio, largest),
                    Map.of("points", 0.0, "ratio", ratio));
        }
        return LossForecast.of(fitted, combination, resamples, seed, threads).flatMap(forecast -> {
            List<Case> cases = new ArrayList<>();
            for (FitPoint p : left) {
                cases.add(new Case(p, forecast.forecast(p.N(), p.D(), level)));
            }
            return new FitOutcome.Converged<>(new Holdout(ratio, fitted.size(), level, List.copyOf(cases)));
        });
    }

    /** Share of the cases whose interval holds the measurement. */
    public double coverage() {
        return cases.stream().mapToInt(c -> c.covered() ? 1 : 0).average().orElse(Double.NaN);
    }

    public double meanAbsoluteError() {
        return cases.stream().mapToDouble(c -> Math.abs(c.error())).average().orElse(Double.NaN);
    }

    public double meanWidth() {
        return cases.stream().mapToDouble(Case::width).average().orElse(Double.NaN);
    }
}
