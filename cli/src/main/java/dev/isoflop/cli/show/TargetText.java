package dev.isoflop.cli.show;

import dev.isoflop.scaling.question.NextQuestion;
import java.util.Locale;

/** How well a design's target is known, in words. */
public final class TargetText {

    private TargetText() {}

    /**
     * @param value of the target under the law
     * @param sd its standard deviation
     */
    public static String known(NextQuestion.Of of, double value, double sd) {
        return switch (of) {
            case OPTIMUM ->
                String.format(
                        Locale.ROOT,
                        "N* is %s, known to a factor of %.3f",
                        Numbers.count(Math.exp(value)),
                        Math.exp(sd));
            case LOSS -> String.format(Locale.ROOT, "the loss is %.4f, known to %.2f %%", Math.exp(value), 100 * sd);
            case EXPONENT -> String.format(Locale.ROOT, "the exponent is %.4f, known to %.4f", value, sd);
        };
    }

    /**
     * @param sdAfter of the target with one run more
     * @param saves FLOPs at the target; of N* alone
     */
    public static String then(NextQuestion.Of of, double sdAfter, double saves) {
        return of == NextQuestion.Of.OPTIMUM
                ? String.format(
                        Locale.ROOT,
                        "then to a factor of %.3f; saves about %s FLOPs at the target",
                        Math.exp(sdAfter),
                        Numbers.power(saves))
                : String.format(Locale.ROOT, "then to %.4f", sdAfter);
    }
}
