package dev.isoflop.scaling.plan;

import java.util.List;

/**
 * Extra seeds at one cell, so that the noise of a run is measured.
 *
 * @param flops the budget
 * @param dModel the width, which must be one of that budget's
 * @param seeds seeds beyond those every cell runs with
 */
public record Replicates(double flops, int dModel, List<Long> seeds) {

    public Replicates {
        seeds = List.copyOf(seeds);
    }
}
