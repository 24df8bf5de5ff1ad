package dev.isoflop.runner.bench;

import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.scaling.flops.TransformerShape;

/** A planner's shapes as the engine takes them. */
final class BenchModels {

    private static final double ROPE_THETA = 10_000;
    private static final double NORM_EPSILON = 1e-5;

    private BenchModels() {}

    static ModelSpec of(TransformerShape s) {
        return new ModelSpec(
                s.vocabSize(),
                s.contextLength(),
                s.dModel(),
                s.layers(),
                s.heads(),
                s.kvHeads(),
                s.dFf(),
                ROPE_THETA,
                NORM_EPSILON,
                s.tiedEmbeddings(),
                s.qkNorm());
    }
}
