package dev.isoflop.scaling.curve;

import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.fit.FitOutcome;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What will become of a run that is on its way, and whether to stop it for that. It is held against two aims, never against other runs:
 *
 * <ul>
 *   <li>what the law forecasts for its N and D: stop if the whole interval of the run's own curve lies above the whole interval of the law. That is no bad luck but a recipe that is broken or
 *       diverges. The curve alone counts here, since what the law says is already in the two together;
 *   <li>a bar that was set: stop if the whole interval of the two together lies above it.
 * </ul>
 *
 * <p>A run that has seen all of its tokens is never stopped: there is nothing left to save.
 *
 * @param progress share of the tokens seen
 * @param curve by the run's own curve, or why it says nothing
 * @param law of its N and D, if there is one
 * @param end both together; absent where the curve says nothing
 * @param level of all intervals
 * @param verdict what follows
 * @param sentence for people, with what to do
 */
public record Outlook(
        double progress,
        FitOutcome<CurveForecast> curve,
        Optional<EndLoss> law,
        Optional<EndLoss> end,
        double level,
        Verdict verdict,
        String sentence) {

    /**
     * What is asked of a run.
     *
     * @param law forecast for its N and D, a run's noise included, if there is a law
     * @param atMost final loss it must not exceed, nats per token, if one was set
     * @param level of the intervals that must allow it, such as 0.9
     */
    public record Aim(Optional<EndLoss> law, OptionalDouble atMost, double level) {

        public Aim {
            if (!(level > 0 && level < 1)) {
                throw new IllegalArgumentException("level lies between 0 and 1, was " + level);
            }
            if (atMost.isPresent() && !(atMost.getAsDouble() > 0 && Double.isFinite(atMost.getAsDouble()))) {
                throw new IllegalArgumentException("atMost is a loss above 0, was " + atMost.getAsDouble());
            }
        }
    }

    private record Judgement(Verdict verdict, String sentence) {}

    public static Outlook of(TrainingCurve run, Aim aim) {
        FitOutcome<CurveForecast> curve = CurveForecast.of(run);
        return switch (curve) {
            case FitOutcome.Refused<CurveForecast> refused ->
                new Outlook(
                        run.progress(),
                        curve,
                        aim.law(),
                        Optional.empty(),
                        aim.level(),
                        Verdict.UNKNOWN,
                        "Not known yet: " + refused.sentence());
            case FitOutcome.Converged<CurveForecast>(CurveForecast found) -> {
                EndLoss end = aim.law().map(found.end()::with).orElse(found.end());
                Judgement judged = run.progress() < 1
                        ? judge(found.end(), end, aim)
                        : new Judgement(
                                Verdict.GO_ON,
                                "All of its tokens are seen, and stopping would save nothing: it is to end at %s."
                                        .formatted(text(end.interval(aim.level()))));
                yield new Outlook(
                        run.progress(),
                        curve,
                        aim.law(),
                        Optional.of(end),
                        aim.level(),
                        judged.verdict,
                        judged.sentence);
            }
        };
    }

    private static Judgement judge(EndLoss own, EndLoss end, Aim aim) {
        Estimate both = end.interval(aim.level());
        Estimate alone = own.interval(aim.level());
        Optional<Estimate> law = aim.law().map(l -> l.interval(aim.level()));
        if (aim.atMost().isPresent() && both.low() > aim.atMost().getAsDouble()) {
            return new Judgement(
                    Verdict.STOP,
                    "Stop: it is to end at %s, above the %s that was asked for even at the lower end."
                            .formatted(text(both), text(aim.atMost().getAsDouble())));
        }
        if (law.isPresent() && alone.low() > law.get().high()) {
            return new Judgement(
                    Verdict.STOP,
                    "Stop: by its curve it is to end at %s, above all of %s that the fit forecasts for its N and D. Look at its recipe (learning rate, batch, data) before training it again."
                            .formatted(text(alone), text(law.get())));
        }
        if (aim.atMost().isPresent()) {
            double bar = aim.atMost().getAsDouble();
            return new Judgement(
                    Verdict.GO_ON,
                    both.high() <= bar
                            ? "Go on: it is to end at %s, all of it within the %s that was asked for."
                                    .formatted(text(both), text(bar))
                            : "Go on: it is to end at %s, so the %s that was asked for is within reach."
                                    .formatted(text(both), text(bar)));
        }
        if (law.isPresent()) {
            return new Judgement(
                    Verdict.GO_ON,
                    "Go on: it is to end at %s, as the fit allows, which forecasts %s for its N and D."
                            .formatted(text(both), text(law.get())));
        }
        return new Judgement(
                Verdict.UNKNOWN,
                "It is to end at %s. Whether that is good enough nobody has said: set the loss it must reach, or fit runs like it."
                        .formatted(text(both)));
    }

    private static String text(Estimate e) {
        return "%s (%s to %s)".formatted(text(e.value()), text(e.low()), text(e.high()));
    }

    private static String text(double loss) {
        return String.format(Locale.ROOT, loss >= 0.1 && loss < 1000 ? "%.3f" : "%.3g", loss);
    }
}
