package dev.isoflop.cli.table;

import dev.isoflop.scaling.question.NextQuestion;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What is asked of a design, of a table or of a sweep. */
public final class NextOptions {

    /** Options that are not called after the question's field. */
    public static final Map<String, String> NAMES = Map.of(
            "flops", "--target",
            "minTokensPerParameter", "--tokens-per-parameter",
            "maxTokensPerParameter", "--tokens-per-parameter");

    @Option(
            names = "--target",
            description =
                    "FLOPs of the run that all this is for (default: the target of the sweep, where it names one).")
    private @Nullable Double target;

    @Option(
            names = "--of",
            description =
                    "What to know better: optimum (N* at the target, the default), loss (at the target's optimum) or exponent (of N* in C).")
    private NextQuestion.Of of = NextQuestion.Of.OPTIMUM;

    @Option(names = "--min-run", description = "Least FLOPs of a run (default: those of the smallest so far).")
    private @Nullable Double minRun;

    @Option(names = "--max-run", description = "Most FLOPs of a run (default: those of the largest so far).")
    private @Nullable Double maxRun;

    @Option(names = "--tokens-per-parameter", paramLabel = "LOW:HIGH", description = "Bounds of D / N (default 1:400).")
    private String ratios = "1:400";

    @Option(names = "--budget", description = "FLOPs of all runs together, those so far included.")
    private @Nullable Double budget;

    @Option(
            names = "--overhead",
            description =
                    "What a run costs beside its FLOPs, in FLOPs (default a tenth of the budget, or the largest run where that is less).")
    private @Nullable Double overhead;

    @Option(names = "--runs", description = "To be trained side by side (default 1).")
    private int runs = 1;

    @Option(
            names = "--noise",
            description = "Standard deviation of a run's log loss, such as 0.003 (default: from the residuals).")
    private @Nullable Double noise;

    public NextQuestion.Of of() {
        return of;
    }

    public @Nullable Double target() {
        return target;
    }

    public boolean isBounded() {
        return budget != null;
    }

    /**
     * @param flops of the target
     * @throws dev.isoflop.cli.CliException for bounds of D / N that are no two numbers
     */
    public NextQuestion question(@Nullable Double flops) {
        Ratios between = Ratios.of(ratios);
        return new NextQuestion(
                of, flops, null, null, minRun, maxRun, between.low(), between.high(), budget, overhead, runs, noise);
    }
}
