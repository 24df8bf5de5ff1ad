package dev.isoflop.runner.bench;

import dev.isoflop.lm.train.Schedule;
import dev.isoflop.runner.bench.TrainingLab.Recipe;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs whose ends are told. What annealing is worth ({@code scaling.curve}) was fitted to all but the last set of the GPU, the other constants to the CPU's first set. The GPU's last was trained
 * after that and nothing was changed for it.
 */
final class OutlookSets {

    private OutlookSets() {}

    /** By the set's name, in order. */
    static Map<String, List<Recipe>> of(TrialScale scale) {
        return switch (scale) {
            case CPU -> cpu();
            case GPU -> gpu();
        };
    }

    private static Map<String, List<Recipe>> cpu() {
        Map<String, List<Recipe>> sets = new LinkedHashMap<>();
        double[] rates = {1e-3, 5e-3, 2e-2, 1e-1};
        List<Recipe> fitted = new ArrayList<>();
        add(fitted, TrialScale.CPU, 12, 5e10, rates, 0.1, 0.1, 1);
        add(fitted, TrialScale.CPU, 48, 5e10, rates, 0.1, 0.1, 25);
        sets.put("fitted", fitted);
        List<Recipe> seen = new ArrayList<>();
        add(seen, TrialScale.CPU, 24, 5e10, rates, 0.1, 0.1, 13);
        add(seen, TrialScale.CPU, 16, 2e11, new double[] {5e-3, 2e-2}, 0.02, 0, 37);
        sets.put("looked at", seen);
        List<Recipe> blind = new ArrayList<>();
        add(blind, TrialScale.CPU, 16, 5e10, new double[] {2e-3, 1e-2, 5e-2, 2e-1}, 0.05, 0, 500);
        add(blind, TrialScale.CPU, 32, 5e10, new double[] {2e-3, 1e-2, 5e-2, 2e-1}, 0.1, 0.1, 600);
        add(blind, TrialScale.CPU, 24, 1.5e11, new double[] {3e-3, 1e-2}, 0.02, 0.1, 700);
        sets.put("blind", blind);
        return sets;
    }

    private static Map<String, List<Recipe>> gpu() {
        Map<String, List<Recipe>> sets = new LinkedHashMap<>();
        double[] rates = {3e-4, 1.5e-3, 6e-3, 3e-2};
        List<Recipe> half = new ArrayList<>();
        add(half, TrialScale.GPU, 64, 1e14, rates, 0.05, 0, 1000);
        sets.put("0.5M", half);
        List<Recipe> million = new ArrayList<>();
        add(million, TrialScale.GPU, 128, 2e14, rates, 0.1, 0.1, 1100);
        sets.put("1.3M", million);
        List<Recipe> six = new ArrayList<>();
        add(six, TrialScale.GPU, 256, 1e15, rates, 0.02, 0.1, 1200);
        sets.put("6M", six);
        List<Recipe> large = new ArrayList<>();
        add(large, TrialScale.GPU, 384, 4e15, new double[] {1e-3, 4e-3}, 0.02, 0, 1300);
        sets.put("12M", large);
        List<Recipe> blind = new ArrayList<>();
        add(blind, TrialScale.GPU, 96, 1e14, new double[] {5e-4, 2e-3, 8e-3, 2e-2}, 0.1, 0.05, 2000);
        add(blind, TrialScale.GPU, 192, 5e14, new double[] {5e-4, 2e-3, 8e-3, 2e-2}, 0.01, 0, 2100);
        add(blind, TrialScale.GPU, 320, 2e15, new double[] {6e-4, 2.5e-3, 1e-2}, 0.05, 0.1, 2200);
        sets.put("blind", blind);
        return sets;
    }

    private static void add(
            List<Recipe> to,
            TrialScale scale,
            int width,
            double flops,
            double[] rates,
            double warmup,
            double last,
            long seed) {
        long own = seed;
        for (Schedule schedule : Schedule.values()) {
            for (double rate : rates) {
                to.add(scale.of(flops, width)
                        .withRate(rate)
                        .with(schedule, warmup, last)
                        .with(own++));
            }
        }
    }
}
