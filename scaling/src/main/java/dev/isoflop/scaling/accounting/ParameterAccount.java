package dev.isoflop.scaling.accounting;

import dev.isoflop.scaling.accounting.Architecture.FeedForward;
import dev.isoflop.scaling.accounting.Architecture.Norm;
import dev.isoflop.scaling.accounting.Architecture.Positions;

/** Trainable numbers, tensor for tensor what a checkpoint holds. */
final class ParameterAccount {

    final Section section;
    /** Total, N. */
    final Term total;
    /** Those a token passes: the same but for a mixture of experts. */
    final Term active;
    /** Active ones without embedding, positions and head. */
    final Term activeNonEmbedding;
    /** Matrices inside the blocks, which Muon updates. */
    final Term blockMatrices;
    /** Numbers of one expert, over all blocks: L 3 d f. */
    final Term expert;
    /** What no product reads: the embedding table unless it is the head, and learned positions. */
    final Term lookedUp;

    ParameterAccount(Shape m) {
        Architecture a = m.of;
        Section.Builder out =
                new Section.Builder("parameters", "Parameters", "Every trainable number, a tied table once.");
        final Line embedding = out.part("embedding", "embedding", m.V.times(m.d), Unit.PARAMETERS);
        Line positions = a.positions() == Positions.LEARNED
                ? out.part("positions", "positions", m.T.times(m.d), Unit.PARAMETERS)
                : null;
        Term attention = m.attentionMatrices();
        Term feedForward = m.feedForwardMatrices();
        if (a.biases()) {
            attention = attention
                    .plus(m.h.times(m.dh))
                    .plus(Term.product(2, m.g, m.dh))
                    .plus(m.d);
            feedForward = feedForward
                    .plus(a.feedForward() == FeedForward.SWIGLU ? Term.product(2, m.f) : m.f)
                    .plus(m.d);
        }
        out.part("attention", "attention", m.L.times(attention), Unit.PARAMETERS);
        if (a.isMixture()) {
            out.part("feedForward", "experts", m.L.times(m.allExperts(), feedForward), Unit.PARAMETERS);
            out.part("router", "router", m.L.times(m.d, m.E), Unit.PARAMETERS);
        } else {
            out.part("feedForward", "feed-forward", m.L.times(feedForward), Unit.PARAMETERS);
        }
        Term norm = a.norm() == Norm.LAYER ? Term.product(2, m.d) : m.d;
        Term norms = Term.product(2, m.L).times(norm).plus(norm);
        out.part("norms", "norms", a.qkNorm() ? norms.plus(Term.product(2, m.L, m.dh)) : norms, Unit.PARAMETERS);
        Line head = a.tiedEmbeddings() ? null : out.part("head", "head", m.V.times(m.d), Unit.PARAMETERS);
        Line all = out.total("total", "N", Unit.PARAMETERS);
        this.total = all.term();
        this.expert = m.L.times(feedForward);
        if (a.isMixture()) {
            active = out.other(
                            "active", "N active", total.minus(m.L.times(m.E.minus(m.k), feedForward)), Unit.PARAMETERS)
                    .term();
        } else {
            active = total;
        }
        Term tables = embedding.term();
        if (positions != null) {
            tables = tables.plus(positions.term());
        }
        Term lookedUpTables = tables;
        if (head != null) {
            tables = tables.plus(head.term());
        }
        Line nonEmbedding = out.other("nonEmbedding", "N without embeddings", total.minus(tables), Unit.PARAMETERS);
        this.activeNonEmbedding = a.isMixture()
                ? out.other("activeNonEmbedding", "N active without embeddings", active.minus(tables), Unit.PARAMETERS)
                        .term()
                : nonEmbedding.term();
        this.lookedUp = head != null ? lookedUpTables : positions == null ? Term.of(0) : positions.term();
        Term matrices = m.L.times(m.attentionMatrices());
        this.blockMatrices = (a.isMixture()
                        ? matrices.plus(m.L.times(m.allExperts(), m.feedForwardMatrices()))
                                .plus(m.L.times(m.d, m.E))
                        : matrices.plus(m.L.times(m.feedForwardMatrices())))
                .as("matrices of the blocks");
        this.section = out.build();
    }
}
