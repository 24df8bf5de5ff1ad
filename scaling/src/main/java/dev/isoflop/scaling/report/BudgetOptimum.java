package dev.isoflop.scaling.report;

import dev.isoflop.scaling.fit.Estimate;

/**
 * What a method reads off the runs of one budget, before it draws a line through all of them.
 *
 * @param C training FLOPs
 * @param N best number of parameters; its interval infinite where the method has no noise
 */
public record BudgetOptimum(double C, Estimate N) {}
