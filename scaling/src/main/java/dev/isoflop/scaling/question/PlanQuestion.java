package dev.isoflop.scaling.question;

import static dev.isoflop.scaling.question.QuestionException.above;
import static dev.isoflop.scaling.question.QuestionException.between;
import static dev.isoflop.scaling.question.QuestionException.or;

import dev.isoflop.scaling.accounting.DeviceSheet;
import dev.isoflop.scaling.design.CandidateRuns;
import dev.isoflop.scaling.design.DesignTarget;
import dev.isoflop.scaling.design.OptimalSweep;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.flops.ParameterConvention;
import dev.isoflop.scaling.flops.Precision;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.plan.BudgetSplit;
import dev.isoflop.scaling.plan.IsoFlopPlanner;
import dev.isoflop.scaling.plan.Ladder;
import dev.isoflop.scaling.plan.LearningRateRule;
import dev.isoflop.scaling.plan.PlanLimits;
import dev.isoflop.scaling.plan.PlanRequest;
import dev.isoflop.scaling.plan.RecipeRule;
import dev.isoflop.scaling.plan.SweepPlan;
import dev.isoflop.scaling.plan.Throughput;
import dev.isoflop.scaling.plan.TrainableRuns;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.DoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Which sweep to train for what may be spent: exactly one of flops, gpuHours and deadlineHours.
 *
 * @param design what the sweep is made of; default ISOFLOP
 * @param target FLOPs of the run that the sweep is for: how large its model should be is what is to be known; default ten times what is spent
 * @param flops 6ND, to spend in all
 * @param gpuHours of a device, to spend in all
 * @param deadlineHours after which the last run must have ended on all devices
 * @param devices that train side by side, a run on each; default 1
 * @param device whose time is counted, see {@link DeviceSheet}; needed for hours and prices unless flopsPerSecond is given
 * @param precision that all runs are trained in, and whose peak the device has; default BF16 where device names one (all that are known are GPUs), else FP32
 * @param mfu share of the device's peak that training reaches; default by the size of the model, see {@link Throughput#bySize}
 * @param flopsPerSecond of one device as measured, instead of device and mfu
 * @param pricePerHour of one device; default none
 * @param budgets IsoFLOP curves, 3 to 20; default 5
 * @param sizes models at each, 4 to 20; default 6
 * @param runs of an optimal sweep at most, 8 to 200; default 30
 * @param decades between the smallest and the largest budget, at most 6; default 1.5, of an optimal sweep 2.5
 * @param fold models reach from the expected optimum / fold to times fold, at most 100; default 4
 * @param vocabSize of the models; default 8192
 * @param contextLength of the models; default 256
 * @param corpusTokens training tokens there are; default no end of them
 * @param maxEpochs most passes over them; default 4
 * @param memoryBytes that a run may hold; default no limit
 */
public record PlanQuestion(
        @Nullable Design design,
        @Nullable Double target,
        @Nullable Double flops,
        @Nullable Double gpuHours,
        @Nullable Double deadlineHours,
        @Nullable Integer devices,
        @Nullable String device,
        @Nullable Precision precision,
        @Nullable Double mfu,
        @Nullable Double flopsPerSecond,
        @Nullable Double pricePerHour,
        @Nullable Integer budgets,
        @Nullable Integer sizes,
        @Nullable Integer runs,
        @Nullable Double decades,
        @Nullable Double fold,
        @Nullable Integer vocabSize,
        @Nullable Integer contextLength,
        @Nullable Double corpusTokens,
        @Nullable Double maxEpochs,
        @Nullable Double memoryBytes) {

    /** What a sweep is made of. */
    public enum Design {
        /** Curves of several models at each of several budgets, for any method; see {@link BudgetSplit}. */
        ISOFLOP,
        /** The runs that tell the target best for what they cost, for a law of N and D alone; see {@link OptimalSweep}. */
        OPTIMAL
    }

    /**
     * What training has reached, instead of device and mfu.
     *
     * @param flopsPerSecond of one device
     * @param precision that it was reached in
     */
    public record Measured(double flopsPerSecond, Precision precision) {}

    /** How all runs are trained, and how fast. */
    private record Training(Precision precision, Throughput throughput) {}

    /** The largest run of an optimal sweep takes this share of what is spent. */
    private static final double LARGEST_SHARE = 1.0 / 8;
    /** Candidates of an optimal sweep, for each factor of e in C. */
    private static final double STEPS_PER_E_FOLD = 2;
    /** A fit of five coefficients with a check needs as many. */
    private static final int FEWEST_RUNS = 8;

    private static final double TARGET_OVER_SPEND = 10;
    private static final double MAX_EPOCHS = 4;
    private static final double TOKENS_PER_PARAMETER = 20;
    /** Times that a plan is made smaller until it keeps to its deadline: whole steps and cells left out make it jump. */
    private static final int ATTEMPTS = 8;
    /** What to aim at, and below what to look for more. */
    private static final double NEARLY_ALL = 0.99;

    private static final double ALMOST_SPENT = 0.93;
    /** So many parameters that products are all that takes time. */
    private static final double LARGE_MODEL = 1e9;

    /** As {@link #answer(List, Measured)}, by device and mfu. */
    public FitOutcome<PlanAnswer> answer(List<FitPoint> soFar) {
        return answer(soFar, null);
    }

    /**
     * @param soFar runs whose law says where the optima are expected; without any they are at 20 tokens a parameter
     * @param measured null if nothing was
     * @return perhaps without any cell, if all had to be left out; refused if there are runs and too few for a law
     * @throws QuestionException naming the field that is wrong, and the fix
     */
    public FitOutcome<PlanAnswer> answer(List<FitPoint> soFar, @Nullable Measured measured) {
        return OptimalSweep.after(soFar).flatMap(known -> {
            PlanAnswer answer = answer(known, measured);
            SweepPlan sweep = answer.plan();
            return new FitOutcome.Converged<>(
                    sweep.cells().isEmpty()
                            ? answer
                            : answer.knownTo(
                                    known.forRunsOf(sweep.cells().getLast().budget())
                                            .sdAfter(new DesignTarget.LogOptimum(answer.target()), sweep)));
        });
    }

    /** All but how well the target will be known, which is reckoned once. */
    private PlanAnswer answer(OptimalSweep known, @Nullable Measured measured) {
        String spend = spend();
        Training training = training(measured);
        int side = between("devices", or(devices, 1), 1, 100_000);
        OptionalDouble price =
                pricePerHour == null ? OptionalDouble.empty() : OptionalDouble.of(above("pricePerHour", pricePerHour));
        Grid grid = grid(training.precision);
        PlanLimits limits = limits();
        DoubleFunction<PlanAnswer> plan = all -> {
            DesignTarget.LogOptimum aim =
                    new DesignTarget.LogOptimum(target == null ? TARGET_OVER_SPEND * all : above("target", target));
            SweepPlan sweep = what() == Design.ISOFLOP
                    ? isoFlop(spend, all, grid, limits, known.law().orElse(null))
                    : optimal(spend, all, grid, limits, known, aim);
            return new PlanAnswer(sweep, training.precision, training.throughput, side, price, aim.C(), Double.NaN);
        };
        if (flops != null) {
            return plan.apply(above("flops", flops));
        }
        double hours = gpuHours != null ? above("gpuHours", gpuHours) : side * above(spend, or(deadlineHours, 0.0));
        double there = hours * 3600;
        double spent = there * training.throughput.flopsPerSecond(LARGE_MODEL);
        PlanAnswer answer = plan.apply(spent);
        // attention and the head come beside 6ND and take their time, and small models take longer than large ones
        for (int i = 0; i < ATTEMPTS && !isSpent(answer, there); i++) {
            spent *= NEARLY_ALL * there / answer.deviceSeconds();
            answer = plan.apply(spent);
        }
        if (deadlineHours == null) {
            return answer;
        }
        // a run is on one device, so many of them are not as fast as their sum
        double deadline = deadlineHours * 3600;
        for (int i = 0; i < ATTEMPTS && answer.wallSeconds() > deadline; i++) {
            spent *= NEARLY_ALL * deadline / answer.wallSeconds();
            answer = plan.apply(spent);
        }
        if (answer.wallSeconds() > deadline) {
            throw new QuestionException(spend, "= " + deadlineHours + " is too short for any such sweep; allow more");
        }
        return answer;
    }

    private static boolean isSpent(PlanAnswer answer, double seconds) {
        double taken = answer.deviceSeconds();
        return answer.plan().cells().isEmpty() || taken <= seconds && taken >= ALMOST_SPENT * seconds;
    }

    public Design what() {
        return or(design, Design.ISOFLOP);
    }

    private String spend() {
        List<String> said = Stream.of(
                        flops == null ? "" : "flops",
                        gpuHours == null ? "" : "gpuHours",
                        deadlineHours == null ? "" : "deadlineHours")
                .filter(name -> !name.isEmpty())
                .toList();
        if (said.size() != 1) {
            throw new QuestionException(
                    said.isEmpty() ? "flops" : said.getLast(),
                    said.isEmpty()
                            ? "is missing: say what may be spent by flops, gpuHours or deadlineHours"
                            : "stands beside " + said.getFirst() + ": say one of flops, gpuHours and deadlineHours");
        }
        return said.getFirst();
    }

    private Training training(@Nullable Measured measured) {
        if (mfu != null && !(mfu > 0 && mfu <= 1)) {
            throw new QuestionException("mfu", "lies between 0 and 1, was " + mfu);
        }
        if (measured != null) {
            if (precision != null && precision != measured.precision) {
                throw new QuestionException(
                        "precision",
                        "= " + precision + " is not what was measured: those runs trained in " + measured.precision
                                + "; say that, or leave precision out");
            }
            return new Training(measured.precision, Throughput.of(measured.flopsPerSecond));
        }
        Precision trained = or(
                precision, device != null && DeviceSheet.named(device).isPresent() ? Precision.BF16 : Precision.FP32);
        return new Training(trained, throughput(trained));
    }

    private Throughput throughput(Precision trained) {
        if (flopsPerSecond != null) {
            return Throughput.of(above("flopsPerSecond", flopsPerSecond));
        }
        if (device == null) {
            if (flops == null || pricePerHour != null) {
                throw new QuestionException("device", "is missing: hours and prices are of one, such as H100");
            }
            return Throughput.unknown();
        }
        double peak = DeviceSheet.named(device)
                .orElseThrow(() -> new QuestionException(
                        "device",
                        "is unknown: there is no " + device + "; there are "
                                + DeviceSheet.known().stream()
                                        .map(DeviceSheet::name)
                                        .collect(Collectors.joining(", "))))
                .flops(trained);
        return mfu == null ? Throughput.bySize(peak) : Throughput.of(mfu * peak);
    }

    /** Most passes over the corpus. */
    public double epochs() {
        return or(maxEpochs, MAX_EPOCHS);
    }

    /** The grid's shape and how its models are trained, defaults filled in. */
    private record Grid(
            int budgets,
            int sizes,
            int runs,
            double decades,
            double fold,
            int vocabSize,
            int contextLength,
            Precision precision) {}

    private Grid grid(Precision trained) {
        if (what() == Design.OPTIMAL && (budgets != null || sizes != null)) {
            throw new QuestionException(
                    budgets != null ? "budgets" : "sizes", "is of IsoFLOP curves; an optimal sweep has runs at most");
        }
        if (what() == Design.ISOFLOP && runs != null) {
            throw new QuestionException("runs", "is of an optimal sweep; IsoFLOP curves have budgets and sizes");
        }
        Grid grid = new Grid(
                or(budgets, 5),
                or(sizes, 6),
                between("runs", or(runs, 30), FEWEST_RUNS, 200),
                or(decades, what() == Design.ISOFLOP ? 1.5 : 2.5),
                or(fold, 4.0),
                between("vocabSize", or(vocabSize, 8192), 2, 10_000_000),
                between("contextLength", or(contextLength, 256), 1, 10_000_000),
                trained);
        if (grid.budgets < 3 || grid.budgets > 20) {
            throw new QuestionException("budgets", "= " + budgets + ": 3 to 20 budgets needed, for a law and a check");
        }
        if (grid.sizes < 4 || grid.sizes > 20) {
            throw new QuestionException("sizes", "= " + sizes + ": 4 to 20 sizes needed, for a parabola and a check");
        }
        if (!(grid.decades > 0 && grid.decades <= 6)) {
            throw new QuestionException("decades", "lies above 0 and at most at 6, was " + grid.decades);
        }
        if (!(grid.fold > 1 && grid.fold <= 100)) {
            throw new QuestionException("fold", "lies above 1 and at most at 100, was " + grid.fold);
        }
        return grid;
    }

    private PlanLimits limits() {
        if (corpusTokens != null && (!(corpusTokens >= 0) || corpusTokens.isInfinite())) {
            throw new QuestionException("corpusTokens", "must be 0 (no end of them) or more, was " + corpusTokens);
        }
        return PlanLimits.defaults()
                .withMaxEpochs(above("maxEpochs", epochs()))
                .withMemoryBytes(memoryBytes == null ? Long.MAX_VALUE : (long) above("memoryBytes", memoryBytes));
    }

    private SweepPlan optimal(
            String spend, double all, Grid grid, PlanLimits limits, OptimalSweep known, DesignTarget aim) {
        double most = all * LARGEST_SHARE;
        TrainableRuns trainable = new TrainableRuns(
                Ladder.of(grid.vocabSize, grid.contextLength)
                        .trainedIn(grid.precision)
                        .shapes(),
                ParameterConvention.TOTAL,
                RecipeRule.defaults(grid.contextLength),
                LearningRateRule.defaults(),
                1,
                corpusTokens == null ? 0 : corpusTokens.longValue(),
                limits,
                grid.precision);
        List<Double> sizesOfRuns = CandidateRuns.budgets(most * Math.pow(10, -grid.decades), most, STEPS_PER_E_FOLD);
        SweepPlan candidates = trainable.without(known.soFar()).at(sizesOfRuns, (c, n) -> {
            double expected =
                    known.law().map(law -> law.optimum(c).N()).orElse(Math.sqrt(c / 6 / TOKENS_PER_PARAMETER));
            return n >= expected / grid.fold && n <= expected * grid.fold;
        });
        SweepPlan chosen = known.choose(aim, candidates, all, grid.runs);
        if (known.soFar().isEmpty() && chosen.cells().size() < FEWEST_RUNS) {
            throw new QuestionException(
                    spend,
                    "has room for %d runs that could be trained, and a law with a check needs %d%s"
                            .formatted(
                                    chosen.cells().size(),
                                    FEWEST_RUNS,
                                    candidates.dropped().isEmpty()
                                            ? "; spend more, or take a smaller vocabulary"
                                                    + (grid.precision == Precision.BF16
                                                            ? ", or precision FP32, which trains narrower models"
                                                            : "")
                                            : "; such as: "
                                                    + candidates
                                                            .dropped()
                                                            .getFirst()
                                                            .sentence()));
        }
        return chosen;
    }

    private SweepPlan isoFlop(String spend, double all, Grid grid, PlanLimits limits, @Nullable ChinchillaLaw law) {
        try {
            return IsoFlopPlanner.plan(new PlanRequest(
                    new BudgetSplit(
                                    all,
                                    grid.budgets,
                                    grid.sizes,
                                    grid.decades,
                                    grid.fold,
                                    grid.vocabSize,
                                    grid.contextLength,
                                    TOKENS_PER_PARAMETER,
                                    grid.precision,
                                    law)
                            .plan(),
                    ParameterConvention.TOTAL,
                    LearningRateRule.defaults(),
                    List.of(1L),
                    List.of(),
                    corpusTokens == null ? 0 : corpusTokens.longValue(),
                    limits,
                    grid.precision));
        } catch (IllegalArgumentException e) {
            throw new QuestionException(spend, "does not make a sweep: " + e.getMessage());
        }
    }
}
