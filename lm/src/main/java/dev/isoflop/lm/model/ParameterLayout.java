package dev.isoflop.lm.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Where each parameter tensor lies in one flat array, under its Hugging Face name.
 *
 * <p>Query, key and value rows of a layer are adjacent, and so are gate and up, so that each trio and pair can be used as one matrix.
 * Groups start at multiples of 16 floats; what lies between is zero and stays zero.
 */
public final class ParameterLayout {

    /** What a tensor is for; decides initialisation and weight decay. */
    public enum Kind {
        EMBEDDING,
        HEAD,
        PROJECTION,
        /** A projection whose result is added to the residual stream (attention output, feed-forward down). */
        RESIDUAL_PROJECTION,
        NORM;

        /** Decay acts on every two-dimensional tensor, tables included, and on no norm gain. */
        public boolean decays() {
            return this != NORM;
        }

        /** Whether it is a matrix inside a block: one that maps activations to activations, which Muon is for. */
        public boolean hidden() {
            return this == PROJECTION || this == RESIDUAL_PROJECTION;
        }
    }

    /**
     * One tensor, row major.
     *
     * @param rows outputs; 1 for a gain
     * @param columns inputs
     * @param offset first element in the flat array
     */
    public record Tensor(String name, Kind kind, int rows, int columns, int offset) {

        /** Number of elements. */
        public int length() {
            return rows * columns;
        }

        /** Shape as stored in a checkpoint: one dimension for a gain, two otherwise. */
        public long[] shape() {
            return kind == Kind.NORM ? new long[] {columns} : new long[] {rows, columns};
        }
    }

    private static final int ALIGN = 16;

    private final List<Tensor> tensors;
    private final Map<String, Tensor> byName;
    private final int length;

    /** @throws IllegalArgumentException if the parameters do not fit in one array (2³¹ floats) */
    public ParameterLayout(ModelSpec spec) {
        if (spec.parameters() > Integer.MAX_VALUE - 1_000_000L) {
            throw new IllegalArgumentException("the CPU backend holds at most 2^31 parameters, this model has "
                    + spec.parameters() + "; choose a smaller dModel, layers or vocabSize");
        }
        Builder builder = new Builder();
        int d = spec.dModel();
        int head = spec.headDim();
        builder.add("model.embed_tokens.weight", Kind.EMBEDDING, spec.vocabSize(), d);
        for (int l = 0; l < spec.layers(); l++) {
            String layer = "model.layers." + l + ".";
            builder.add(layer + "input_layernorm.weight", Kind.NORM, 1, d);
            builder.add(layer + "self_attn.q_proj.weight", Kind.PROJECTION, spec.heads() * head, d);
            builder.adjacent(layer + "self_attn.k_proj.weight", Kind.PROJECTION, spec.kvHeads() * head, d);
            builder.adjacent(layer + "self_attn.v_proj.weight", Kind.PROJECTION, spec.kvHeads() * head, d);
            if (spec.qkNorm()) {
                builder.add(layer + "self_attn.q_norm.weight", Kind.NORM, 1, head);
                builder.add(layer + "self_attn.k_norm.weight", Kind.NORM, 1, head);
            }
            builder.add(layer + "self_attn.o_proj.weight", Kind.RESIDUAL_PROJECTION, d, d);
            builder.add(layer + "post_attention_layernorm.weight", Kind.NORM, 1, d);
            builder.add(layer + "mlp.gate_proj.weight", Kind.PROJECTION, spec.dFf(), d);
            builder.adjacent(layer + "mlp.up_proj.weight", Kind.PROJECTION, spec.dFf(), d);
            builder.add(layer + "mlp.down_proj.weight", Kind.RESIDUAL_PROJECTION, d, spec.dFf());
        }
        builder.add("model.norm.weight", Kind.NORM, 1, d);
        if (!spec.tiedEmbeddings()) {
            builder.add("lm_head.weight", Kind.HEAD, spec.vocabSize(), d);
        }
        this.tensors = List.copyOf(builder.tensors);
        this.byName = tensors.stream().collect(Collectors.toUnmodifiableMap(Tensor::name, t -> t));
        // vector loads of a row's end may reach past it
        this.length = builder.aligned() + 4 * ALIGN;
    }

    /** All tensors in the order of the forward pass. */
    public List<Tensor> tensors() {
        return tensors;
    }

    /** @throws IllegalArgumentException if the model has no such tensor */
    public Tensor tensor(String name) {
        Tensor tensor = byName.get(name);
        if (tensor == null) {
            throw new IllegalArgumentException("no parameter is named " + name + "; there are " + byName.keySet());
        }
        return tensor;
    }

    /** Floats in the flat array, padding included. */
    public int length() {
        return length;
    }

    private static final class Builder {
        private final List<Tensor> tensors = new ArrayList<>();
        private int end;

        int aligned() {
            return Math.ceilDiv(end, ALIGN) * ALIGN;
        }

        void add(String name, Kind kind, int rows, int columns) {
            end = aligned();
            adjacent(name, kind, rows, columns);
        }

        void adjacent(String name, Kind kind, int rows, int columns) {
            tensors.add(new Tensor(name, kind, rows, columns, end));
            end += rows * columns;
        }
    }
}
