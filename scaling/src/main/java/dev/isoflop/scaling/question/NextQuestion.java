package dev.isoflop.scaling.question;

import static dev.isoflop.scaling.question.QuestionException.above;
import static dev.isoflop.scaling.question.QuestionException.between;
import static dev.isoflop.scaling.question.QuestionException.or;

import dev.isoflop.scaling.design.CandidateRuns;
import dev.isoflop.scaling.design.DesignTarget;
import dev.isoflop.scaling.design.SequentialDesign;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.plan.PlannedCell;
import dev.isoflop.scaling.plan.SweepPlan;
import dev.isoflop.scaling.plan.TrainableRuns;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Which runs to train next.
 *
 * @param of what to know better; default OPTIMUM
 * @param flops C of the run that all this is for: of OPTIMUM, and of LOSS unless n and d are given
 * @param n parameters of the run whose loss is asked for
 * @param d its tokens
 * @param minRun least FLOPs of a run; default those of the smallest run so far
 * @param maxRun most FLOPs of a run; default those of the largest run so far
 * @param minTokensPerParameter default 1
 * @param maxTokensPerParameter default 400
 * @param budget FLOPs of all runs, those so far included; default no end of them
 * @param overhead what a run costs beside its FLOPs, in FLOPs; default a tenth of the budget, or maxRun where that is less
 * @param runs of the wave, at most 50; default 1
 * @param noise standard deviation of a run's log loss; default from the residuals
 */
public record NextQuestion(
        @Nullable Of of,
        @Nullable Double flops,
        @Nullable Double n,
        @Nullable Double d,
        @Nullable Double minRun,
        @Nullable Double maxRun,
        @Nullable Double minTokensPerParameter,
        @Nullable Double maxTokensPerParameter,
        @Nullable Double budget,
        @Nullable Double overhead,
        @Nullable Integer runs,
        @Nullable Double noise) {

    /** What can be asked for. */
    public enum Of {
        /** N* at flops. */
        OPTIMUM,
        /** The loss at n and d, or at the optimum of flops. */
        LOSS,
        /** Exponent of N* in C. */
        EXPONENT
    }

    private static final int MOST_RUNS = 50;
    /** Candidates are a grid in ln C and ln D / N; a wider span than this only makes it slow. */
    private static final double WIDEST = 1e12;

    private static final double STEPS_PER_E_FOLD = 4;

    public Of what() {
        return or(of, Of.OPTIMUM);
    }

    /** As {@link #answer(List, TrainableRuns)}, of any N and D. */
    public FitOutcome<NextAnswer> answer(List<FitPoint> points) {
        return answer(points, null);
    }

    /**
     * @param points runs so far
     * @param trainable runs that there could be, their N counted as that of the points; null for any N and D
     * @return refused if there are too few for a law
     * @throws QuestionException naming the field that is wrong, and the fix
     */
    public FitOutcome<NextAnswer> answer(List<FitPoint> points, @Nullable TrainableRuns trainable) {
        double spent = points.stream().mapToDouble(FitPoint::C).sum();
        double least = or(minRun, points.stream().mapToDouble(FitPoint::C).min().orElse(0));
        double most = or(maxRun, points.stream().mapToDouble(FitPoint::C).max().orElse(0));
        CandidateRuns candidates = candidates(least, most);
        if (budget != null) {
            above("budget", budget);
        }
        if (overhead != null && (!(overhead >= 0) || overhead.isInfinite())) {
            throw new QuestionException("overhead", "must be 0 or more FLOPs, was " + overhead);
        }
        double all = or(budget, Double.POSITIVE_INFINITY);
        SequentialDesign.Means means = new SequentialDesign.Means(
                between("runs", or(runs, 1), 1, MOST_RUNS),
                Math.max(0, all - spent),
                or(overhead, Math.min(all / 10, most)),
                deviation());
        return target(points).flatMap(target -> {
            if (trainable == null) {
                return SequentialDesign.next(points, target, candidates, means)
                        .flatMap(next ->
                                new FitOutcome.Converged<>(NextAnswer.of(points, target, next, List.of(), List.of())));
            }
            SweepPlan there =
                    trainable.without(points).at(candidates.budgets(), (c, n) -> candidates.admits(c / 6 / n / n));
            Map<CandidateRuns.Run, PlannedCell> cells = CandidateRuns.Run.of(there);
            return SequentialDesign.next(points, target, List.copyOf(cells.keySet()), means)
                    .flatMap(next -> new FitOutcome.Converged<>(NextAnswer.of(
                            points,
                            target,
                            next,
                            next.choices().stream()
                                    .flatMap(choice -> Stream.ofNullable(cells.get(choice.run())))
                                    .toList(),
                            there.dropped())));
        });
    }

    /** Runs that could be trained. */
    public CandidateRuns candidates() {
        return candidates(needed("minRun", minRun), needed("maxRun", maxRun));
    }

    private static double needed(String field, @Nullable Double value) {
        if (value == null) {
            throw new QuestionException(field, "is missing: without runs so far there is no usual one");
        }
        return value;
    }

    private CandidateRuns candidates(double least, double most) {
        above("minRun", least);
        above("maxRun", most);
        if (most < least || most > WIDEST * least) {
            throw new QuestionException("maxRun", "lies between minRun = " + least + " and 1e12 times it, was " + most);
        }
        double low = above("minTokensPerParameter", or(minTokensPerParameter, 1.0));
        double high = above("maxTokensPerParameter", or(maxTokensPerParameter, 400.0));
        if (high > WIDEST * low) {
            throw new QuestionException("maxTokensPerParameter", "is at most 1e12 times the least, was " + high);
        }
        try {
            return new CandidateRuns(least, most, low, high, STEPS_PER_E_FOLD);
        } catch (IllegalArgumentException e) {
            throw new QuestionException("maxTokensPerParameter", "does not do: " + e.getMessage());
        }
    }

    private OptionalDouble deviation() {
        return noise == null ? OptionalDouble.empty() : OptionalDouble.of(above("noise", noise));
    }

    private FitOutcome<DesignTarget> target(List<FitPoint> points) {
        return switch (what()) {
            case EXPONENT -> new FitOutcome.Converged<>(new DesignTarget.OptimumExponent());
            case OPTIMUM -> new FitOutcome.Converged<>(new DesignTarget.LogOptimum(budgetAimedAt()));
            case LOSS -> {
                if (n != null || d != null) {
                    yield new FitOutcome.Converged<>(
                            new DesignTarget.LogLoss(above("n", or(n, 0.0)), above("d", or(d, 0.0))));
                }
                double at = budgetAimedAt();
                yield SequentialDesign.conclude(points, deviation())
                        .flatMap(law -> new FitOutcome.Converged<>(DesignTarget.LogLoss.at(law.optimum(at))));
            }
        };
    }

    private double budgetAimedAt() {
        if (flops == null) {
            throw new QuestionException("flops", "is missing: those of the run that all this is for");
        }
        return above("flops", flops);
    }
}
