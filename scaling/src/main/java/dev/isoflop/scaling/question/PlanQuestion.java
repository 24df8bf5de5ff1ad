package dev.isoflop.scaling.question;

import static dev.isoflop.scaling.question.QuestionException.above;
import static dev.isoflop.scaling.question.QuestionException.between;
import static dev.isoflop.scaling.question.QuestionException.or;

import dev.isoflop.scaling.accounting.DeviceSheet;
import dev.isoflop.scaling.accounting.Workload.Precision;
import dev.isoflop.scaling.flops.ParameterConvention;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.plan.BudgetSplit;
import dev.isoflop.scaling.plan.IsoFlopPlanner;
import dev.isoflop.scaling.plan.LearningRateRule;
import dev.isoflop.scaling.plan.PlanLimits;
import dev.isoflop.scaling.plan.PlanRequest;
import dev.isoflop.scaling.plan.SweepPlan;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.DoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Which IsoFLOP sweep to train for what may be spent: exactly one of flops, gpuHours and deadlineHours.
 *
 * @param flops 6ND, to spend in all
 * @param gpuHours of a device, to spend in all
 * @param deadlineHours after which the last run must have ended on all devices
 * @param devices that train side by side, a run on each; default 1
 * @param device whose time is counted, see {@link DeviceSheet}; needed for hours and prices unless flopsPerSecond is given
 * @param mfu share of the device's bf16 peak that training reaches; default 0.35
 * @param flopsPerSecond of one device as measured, instead of device and mfu
 * @param pricePerHour of one device; default none
 * @param budgets IsoFLOP curves, 3 to 20; default 5
 * @param sizes models at each, 4 to 20; default 6
 * @param decades between the smallest and the largest budget, at most 6; default 1.5
 * @param fold models reach from the expected optimum / fold to times fold, at most 100; default 4
 * @param vocabSize of the models; default 8192
 * @param contextLength of the models; default 256
 * @param corpusTokens training tokens there are; default no end of them
 * @param maxEpochs most passes over them; default 4
 * @param memoryBytes that a run may hold; default no limit
 */
public record PlanQuestion(
        @Nullable Double flops,
        @Nullable Double gpuHours,
        @Nullable Double deadlineHours,
        @Nullable Integer devices,
        @Nullable String device,
        @Nullable Double mfu,
        @Nullable Double flopsPerSecond,
        @Nullable Double pricePerHour,
        @Nullable Integer budgets,
        @Nullable Integer sizes,
        @Nullable Double decades,
        @Nullable Double fold,
        @Nullable Integer vocabSize,
        @Nullable Integer contextLength,
        @Nullable Double corpusTokens,
        @Nullable Double maxEpochs,
        @Nullable Double memoryBytes) {

    private static final double MFU = 0.35;
    private static final double MAX_EPOCHS = 4;
    private static final double TOKENS_PER_PARAMETER = 20;
    /** Times that a plan is made smaller until it keeps to its deadline: whole steps and cells left out make it jump. */
    private static final int ATTEMPTS = 8;

    /**
     * @param law of runs so far, whose optima are expected; without one they are at 20 tokens a parameter
     * @return perhaps without any cell, if all had to be left out
     * @throws QuestionException naming the field that is wrong, and the fix
     */
    public PlanAnswer answer(@Nullable ChinchillaLaw law) {
        String spend = spend();
        double perSecond = perSecond();
        int side = between("devices", or(devices, 1), 1, 100_000);
        OptionalDouble price =
                pricePerHour == null ? OptionalDouble.empty() : OptionalDouble.of(above("pricePerHour", pricePerHour));
        Grid grid = grid();
        PlanLimits limits = limits();
        DoubleFunction<SweepPlan> plan = all -> plan(spend, all, grid, limits, law);
        if (flops != null) {
            return new PlanAnswer(plan.apply(above("flops", flops)), perSecond, side, price);
        }
        double hours = gpuHours != null ? above("gpuHours", gpuHours) : side * above(spend, or(deadlineHours, 0.0));
        double there = hours * 3600 * perSecond;
        // attention and the head come beside 6ND, and take their time
        SweepPlan first = plan.apply(there);
        double spent = there * Math.min(1, there / Math.max(1, first.exactFlops()));
        PlanAnswer answer = new PlanAnswer(plan.apply(spent), perSecond, side, price);
        if (deadlineHours == null) {
            return answer;
        }
        // a run is on one device, so many of them are not as fast as their sum
        double deadline = deadlineHours * 3600;
        for (int i = 0; i < ATTEMPTS && answer.wallSeconds() > deadline; i++) {
            spent *= 0.99 * deadline / answer.wallSeconds();
            answer = new PlanAnswer(plan.apply(spent), perSecond, side, price);
        }
        if (answer.wallSeconds() > deadline) {
            throw new QuestionException(spend, "= " + deadlineHours + " is too short for any such sweep; allow more");
        }
        return answer;
    }

    /** The same by a throughput that was measured. */
    public PlanQuestion withFlopsPerSecond(double measured) {
        return new PlanQuestion(
                flops,
                gpuHours,
                deadlineHours,
                devices,
                device,
                mfu,
                measured,
                pricePerHour,
                budgets,
                sizes,
                decades,
                fold,
                vocabSize,
                contextLength,
                corpusTokens,
                maxEpochs,
                memoryBytes);
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

    /** FLOP/s of one device; 0 without one. */
    private double perSecond() {
        double share = share();
        if (!(share > 0 && share <= 1)) {
            throw new QuestionException("mfu", "lies between 0 and 1, was " + share);
        }
        if (flopsPerSecond != null) {
            return above("flopsPerSecond", flopsPerSecond);
        }
        if (device == null) {
            if (flops == null || pricePerHour != null) {
                throw new QuestionException("device", "is missing: hours and prices are of one, such as H100");
            }
            return 0;
        }
        DeviceSheet sheet = DeviceSheet.named(device)
                .orElseThrow(() -> new QuestionException(
                        "device",
                        "is unknown: there is no " + device + "; there are "
                                + DeviceSheet.known().stream()
                                        .map(DeviceSheet::name)
                                        .collect(Collectors.joining(", "))));
        return share * sheet.flops(Precision.BF16);
    }

    /** Most passes over the corpus. */
    public double epochs() {
        return or(maxEpochs, MAX_EPOCHS);
    }

    /** Share of the device's peak. */
    public double share() {
        return or(mfu, MFU);
    }

    /** The grid's shape, defaults filled in. */
    private record Grid(int budgets, int sizes, double decades, double fold, int vocabSize, int contextLength) {}

    private Grid grid() {
        Grid grid = new Grid(
                or(budgets, 5),
                or(sizes, 6),
                or(decades, 1.5),
                or(fold, 4.0),
                between("vocabSize", or(vocabSize, 8192), 2, 10_000_000),
                between("contextLength", or(contextLength, 256), 1, 10_000_000));
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

    private SweepPlan plan(String spend, double all, Grid grid, PlanLimits limits, @Nullable ChinchillaLaw law) {
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
                                    law)
                            .plan(),
                    ParameterConvention.TOTAL,
                    LearningRateRule.defaults(),
                    List.of(1L),
                    List.of(),
                    corpusTokens == null ? 0 : corpusTokens.longValue(),
                    limits));
        } catch (IllegalArgumentException e) {
            throw new QuestionException(spend, "does not make a sweep: " + e.getMessage());
        }
    }
}
