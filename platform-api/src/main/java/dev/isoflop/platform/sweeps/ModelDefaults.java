package dev.isoflop.platform.sweeps;

import dev.isoflop.protocol.api.SweepSpec;
import dev.isoflop.protocol.job.ModelShape;
import dev.isoflop.scaling.flops.TransformerShape;
import dev.isoflop.scaling.plan.ShapeRule;

/** Fills in what a ladder entry leaves out. */
final class ModelDefaults {

    private ModelDefaults() {}

    /** @throws IllegalArgumentException naming the field that does not fit */
    static TransformerShape shape(SweepSpec.ModelEntry model, int vocabSize, int contextLength) {
        if (model.dModel() < 4 || model.layers() < 1) {
            throw new IllegalArgumentException("dModel = " + model.dModel() + " and layers = " + model.layers()
                    + ": a model has a width of at least 4 and at least one layer");
        }
        TransformerShape rule = model.heads() == null || model.dFf() == null
                ? ShapeRule.shape(model.dModel(), vocabSize, contextLength)
                : null;
        int heads = model.heads() != null ? model.heads() : rule == null ? 1 : rule.heads();
        int dFf = model.dFf() != null ? model.dFf() : rule == null ? model.dModel() * 4 : rule.dFf();
        return new TransformerShape(
                vocabSize,
                contextLength,
                model.dModel(),
                model.layers(),
                heads,
                model.kvHeads() == null ? heads : model.kvHeads(),
                dFf,
                model.tiedEmbeddings() == null || model.tiedEmbeddings(),
                model.qkNorm() != null && model.qkNorm());
    }

    static ModelShape wire(TransformerShape s) {
        return new ModelShape(
                s.vocabSize(),
                s.contextLength(),
                s.dModel(),
                s.layers(),
                s.heads(),
                s.kvHeads(),
                s.dFf(),
                s.tiedEmbeddings(),
                s.qkNorm(),
                ModelShape.ROPE_THETA,
                ModelShape.NORM_EPSILON);
    }
}
