package dev.isoflop.scaling.plan;

import dev.isoflop.scaling.flops.TransformerShape;

/**
 * A cell that is not run.
 *
 * @param budget its budget, FLOPs
 * @param shape the model
 * @param batchSequences windows in a step of its recipe
 * @param learningRate peak of its recipe
 * @param reason the limit it breaks
 * @param sentence for people, with the numbers
 * @param actual what the cell has
 * @param limit what it may have
 */
public record DroppedCell(
        double budget,
        TransformerShape shape,
        int batchSequences,
        double learningRate,
        DropReason reason,
        String sentence,
        double actual,
        double limit) {}
