package dev.isoflop.runner.bench;

import dev.isoflop.lm.train.Schedule;
import dev.isoflop.runner.bench.TrainingLab.Recipe;
import dev.isoflop.runner.bench.TrainingLab.Recorded;
import dev.isoflop.scaling.curve.CurveForecast;
import dev.isoflop.scaling.curve.CurvePoint;
import dev.isoflop.scaling.curve.EndLoss;
import dev.isoflop.scaling.curve.Outlook;
import dev.isoflop.scaling.curve.RateSchedule;
import dev.isoflop.scaling.curve.TrainingCurve;
import dev.isoflop.scaling.curve.Verdict;
import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.forecast.LossForecast;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;

/** What was said of runs on their way, held against what became of them. */
final class OutlookScore {

    private static final double[] SHARES = {0.25, 0.5, 0.75};
    private static final double LEVEL = 0.9;

    private OutlookScore() {}

    /**
     * One run at one share of its tokens.
     *
     * @param loss it reached
     * @param now held-out loss by then
     * @param own end by its curve alone
     * @param both end by curve and law
     * @param law forecast for its N and D
     * @param byLaw verdict by the law's own expectation
     * @param byBar verdict by the law's middle as a bar
     */
    record Row(
            String set,
            Recipe recipe,
            double share,
            double loss,
            double now,
            EndLoss own,
            EndLoss both,
            EndLoss law,
            Verdict byLaw,
            Verdict byBar) {}

    static List<Row> of(String set, Recorded run, LossForecast forecast) {
        List<Row> rows = new ArrayList<>();
        if (!Double.isFinite(run.loss())) {
            System.err.println("diverged, nothing to compare with: " + run.recipe());
            return rows;
        }
        EndLoss law = new EndLoss(
                forecast.loss(run.recipe().N(), run.recipe().D()),
                forecast.spread(run.recipe().N(), run.recipe().D()).total());
        TrainingCurve whole = curve(run);
        for (double share : SHARES) {
            TrainingCurve soFar = whole.until(share);
            Outlook byLaw = Outlook.of(soFar, new Outlook.Aim(Optional.of(law), OptionalDouble.empty(), LEVEL));
            Outlook byBar = Outlook.of(soFar, new Outlook.Aim(Optional.of(law), OptionalDouble.of(law.loss()), LEVEL));
            CurveForecast own = byLaw.curve().orElseThrow();
            rows.add(new Row(
                    set,
                    run.recipe(),
                    share,
                    run.loss(),
                    own.now(),
                    own.end(),
                    byLaw.end().orElseThrow(),
                    law,
                    byLaw.verdict(),
                    byBar.verdict()));
        }
        return rows;
    }

    private static TrainingCurve curve(Recorded run) {
        Recipe r = run.recipe();
        double perStep = r.D() / r.steps();
        RateSchedule schedule = switch (r.schedule()) {
            case COSINE -> RateSchedule.cosine(r.warmup(), r.last());
            case WSD -> RateSchedule.wsd(r.warmup(), r.last(), Schedule.WSD_DECAY_FROM);
            case CONSTANT -> RateSchedule.constant(r.warmup());
        };
        return new TrainingCurve(
                points(run.trainSteps(), run.trainLosses(), perStep),
                points(run.evalSteps(), run.evalLosses(), perStep),
                r.D(),
                schedule.at(r.rate(), r.steps()));
    }

    private static List<CurvePoint> points(long[] steps, double[] losses, double perStep) {
        List<CurvePoint> out = new ArrayList<>();
        for (int i = 0; i < steps.length; i++) {
            if (Double.isFinite(losses[i])) {
                out.add(new CurvePoint(steps[i] * perStep, losses[i]));
            }
        }
        return out;
    }

    static void print(String set, List<Row> rows) {
        System.out.printf("%n%s%n", set);
        System.out.println("| seen | runs | loss of now | curve: RMS error | median | within 90 % | width"
                + " | with the law: RMS error | within 90 % |");
        System.out.println("|---|---|---|---|---|---|---|---|---|");
        for (double share : SHARES) {
            List<Row> own = at(rows, share);
            System.out.printf(
                    Locale.ROOT,
                    "| %.0f %% | %d | %.1f %% | %.1f %% | %.1f %% | %d | ±%.1f %% | %.1f %% | %d |%n",
                    100 * share,
                    own.size(),
                    100 * rms(own, r -> Math.log(r.now / r.loss)),
                    100 * rms(own, r -> Math.log(r.own.loss() / r.loss)),
                    100 * median(own, r -> Math.abs(Math.log(r.own.loss() / r.loss))),
                    own.stream().filter(r -> holds(r.own, r.loss)).count(),
                    100 * median(own, r -> Math.log(r.own.interval(LEVEL).high() / r.own.loss())),
                    100 * rms(own, r -> Math.log(r.both.loss() / r.loss)),
                    own.stream().filter(r -> holds(r.both, r.loss)).count());
        }
        System.out.println("\n| seen | ended above the law's interval | of these stopped | others stopped"
                + " | ended above the law's middle | of these stopped | others stopped |");
        System.out.println("|---|---|---|---|---|---|---|");
        for (double share : SHARES) {
            List<Row> own = at(rows, share);
            List<Row> broken = own.stream()
                    .filter(r -> r.loss > r.law.interval(LEVEL).high())
                    .toList();
            List<Row> above = own.stream().filter(r -> r.loss > r.law.loss()).toList();
            System.out.printf(
                    Locale.ROOT,
                    "| %.0f %% | %d of %d | %d | %d | %d of %d | %d | %d |%n",
                    100 * share,
                    broken.size(),
                    own.size(),
                    broken.stream().filter(r -> r.byLaw == Verdict.STOP).count(),
                    own.stream()
                            .filter(r -> r.byLaw == Verdict.STOP && !broken.contains(r))
                            .count(),
                    above.size(),
                    own.size(),
                    above.stream().filter(r -> r.byBar == Verdict.STOP).count(),
                    own.stream()
                            .filter(r -> r.byBar == Verdict.STOP && !above.contains(r))
                            .count());
        }
    }

    private static List<Row> at(List<Row> rows, double share) {
        return rows.stream().filter(r -> r.share == share).toList();
    }

    private static boolean holds(EndLoss said, double loss) {
        Estimate interval = said.interval(LEVEL);
        return loss >= interval.low() && loss <= interval.high();
    }

    private static double rms(List<Row> rows, ToDoubleFunction<Row> error) {
        return Math.sqrt(
                rows.stream().mapToDouble(error).map(e -> e * e).average().orElse(Double.NaN));
    }

    private static double median(List<Row> rows, ToDoubleFunction<Row> value) {
        double[] sorted = rows.stream().mapToDouble(value).sorted().toArray();
        return sorted.length == 0 ? Double.NaN : (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
    }
}
