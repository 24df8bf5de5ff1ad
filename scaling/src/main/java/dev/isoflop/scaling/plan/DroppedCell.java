package dev.isoflop.scaling.plan;

import dev.isoflop.scaling.flops.TransformerShape;

/**
 * A cell that is not run.
 *
 * @param budget its budget, FLOPs
 * @param shape the model
 * @param reason the limit it breaks
 * @param sentence for people, with the numbers
 * @param actual what the cell has
 * @param limit what it may have
 */
public record DroppedCell(
        double budget, TransformerShape shape, DropReason reason, String sentence, double actual, double limit) {}
