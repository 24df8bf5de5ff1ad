package dev.isoflop.scaling.design;

import dev.isoflop.scaling.plan.PlannedCell;
import dev.isoflop.scaling.plan.SweepPlan;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Runs that could be trained: every budget between two, cut into N and D in all ratios between two, on a logarithmic grid.
 *
 * @param minC least FLOPs of a run
 * @param maxC most FLOPs of a run
 * @param minTokensPerParameter least D / N
 * @param maxTokensPerParameter most D / N. Runs far off the optimum say most of the exponents if the law holds there, and mislead where it does not
 * @param stepsPerEFold places of the grid for each factor of e
 */
public record CandidateRuns(
        double minC, double maxC, double minTokensPerParameter, double maxTokensPerParameter, double stepsPerEFold) {

    /** Least span of D / N that can tell the terms of N and D apart. */
    private static final double LEAST_SPAN = 4;

    public CandidateRuns {
        if (!(minC > 0 && maxC >= minC) || Double.isInfinite(maxC)) {
            throw new IllegalArgumentException(
                    "0 < minC <= maxC needed, both finite, were %s and %s".formatted(minC, maxC));
        }
        if (!(minTokensPerParameter > 0 && maxTokensPerParameter >= LEAST_SPAN * minTokensPerParameter)
                || Double.isInfinite(maxTokensPerParameter)) {
            throw new IllegalArgumentException("tokens per parameter must span a factor of %.0f at least, were %s to %s"
                    .formatted(LEAST_SPAN, minTokensPerParameter, maxTokensPerParameter));
        }
        if (!(stepsPerEFold > 0 && stepsPerEFold <= 100)) {
            throw new IllegalArgumentException("stepsPerEFold must be between 0 and 100, was " + stepsPerEFold);
        }
    }

    /** From 1 to 400 tokens a parameter, four places for each factor of e. */
    public static CandidateRuns between(double minC, double maxC) {
        return new CandidateRuns(minC, maxC, 1, 400, 4);
    }

    /**
     * @param N parameters
     * @param D tokens
     */
    public record Run(double N, double D) {

        public double C() {
            return 6 * N * D;
        }

        /** What a design knows of a cell. */
        public static Run of(PlannedCell cell) {
            return new Run(cell.N(), cell.D());
        }

        /** Cells by what a design knows of them, in their order; of those that are alike the first. */
        public static Map<Run, PlannedCell> of(SweepPlan plan) {
            Map<Run, PlannedCell> cells = new LinkedHashMap<>();
            plan.cells().forEach(cell -> cells.putIfAbsent(of(cell), cell));
            return cells;
        }

        /** By budget and tokens a parameter. */
        static Run of(double C, double tokensPerParameter) {
            double n = Math.sqrt(C / 6 / tokensPerParameter);
            return new Run(n, C / 6 / n);
        }
    }

    /** FLOPs of runs on the grid, rising. */
    public List<Double> budgets() {
        return budgets(minC, maxC, stepsPerEFold);
    }

    /**
     * FLOPs from least to most, evenly spaced in their logarithm.
     *
     * @param stepsPerEFold at least as many for each factor of e
     */
    public static List<Double> budgets(double least, double most, double stepsPerEFold) {
        int steps = steps(most / least, stepsPerEFold);
        return IntStream.rangeClosed(0, steps)
                .mapToObj(i -> least * Math.pow(most / least, steps == 0 ? 0 : (double) i / steps))
                .toList();
    }

    /** Whether a ratio of D to N is between the two. */
    public boolean admits(double tokensPerParameter) {
        return tokensPerParameter >= minTokensPerParameter * (1 - 1e-9)
                && tokensPerParameter <= maxTokensPerParameter * (1 + 1e-9);
    }

    /** All of the grid, by C and then by N. */
    public List<Run> all() {
        List<Run> out = new ArrayList<>();
        int ratios = steps(maxTokensPerParameter / minTokensPerParameter, stepsPerEFold);
        for (double c : budgets()) {
            for (int j = ratios; j >= 0; j--) {
                out.add(Run.of(
                        c,
                        minTokensPerParameter
                                * Math.pow(maxTokensPerParameter / minTokensPerParameter, (double) j / ratios)));
            }
        }
        return out;
    }

    private static int steps(double ratio, double stepsPerEFold) {
        return (int) Math.ceil(stepsPerEFold * Math.log(ratio) - 1e-9);
    }

    /**
     * Eight cheap runs to begin with, before there is a law to go by: spread over the lowest two decades (or what there is of them) and over all ratios. Eight are the fewest that a fit of
     * five coefficients leaves a check.
     */
    public List<Run> beginning() {
        double decades = Math.min(2, Math.log10(maxC / minC));
        double[][] places = {{0, 0}, {0, .5}, {0, 1}, {.5, .25}, {.5, .75}, {1, 0}, {1, .5}, {1, 1}};
        List<Run> out = new ArrayList<>();
        for (double[] place : places) {
            out.add(Run.of(
                    minC * Math.pow(10, decades * place[0]),
                    minTokensPerParameter * Math.pow(maxTokensPerParameter / minTokensPerParameter, place[1])));
        }
        return out;
    }
}
