package dev.isoflop.scaling.accounting;

import dev.isoflop.scaling.accounting.Workload.Recomputation;
import java.util.List;

/**
 * Floating-point operations per token, a multiply-add being two. Products are counted, attention's among them; what is done number by number
 * (norms, rotation, softmax, activations, the optimizer) is not.
 */
final class FlopAccount {

    final Section forward;
    final Section backward;
    final Section training;
    /** FLOPs per token of the model's own training, without recomputation. */
    final Term perToken;

    final Term forwardPerToken;

    FlopAccount(Shape m, ParameterAccount parameters, Workload w) {
        Architecture a = m.of;
        Section.Builder fwd = new Section.Builder(
                "forward",
                "FLOPs per token, forward",
                "Products alone, two operations a multiply-add. The embedding is a look-up, and what is done number by number is left out."
                        + " A query is charged for "
                        + switch (w.attention()) {
                            case CAUSAL -> "the keys its causal mask leaves, (T + 1) ÷ 2 on average.";
                            case FULL ->
                                "all T keys, masked ones too (Kaplan et al. 2020; Hoffmann et al. 2022, appendix F).";
                        });
        fwd.part(
                "projections",
                "attention projections",
                Term.product(2, m.L).times(m.attentionMatrices()),
                Unit.FLOPS_PER_TOKEN);
        Line scores = fwd.part("attention", "scores and values", attention(m, w), Unit.FLOPS_PER_TOKEN);
        if (a.isMixture()) {
            fwd.part(
                    "feedForward",
                    "experts",
                    Term.product(2, m.L).times(m.activeExperts(), m.feedForwardMatrices()),
                    Unit.FLOPS_PER_TOKEN);
            fwd.part("router", "router", Term.product(2, m.L, m.d, m.E), Unit.FLOPS_PER_TOKEN);
        } else {
            fwd.part(
                    "feedForward",
                    "feed-forward",
                    Term.product(2, m.L).times(m.feedForwardMatrices()),
                    Unit.FLOPS_PER_TOKEN);
        }
        Line head = fwd.part("head", "head", Term.product(2, m.d, m.V), Unit.FLOPS_PER_TOKEN);
        Line sum = fwd.total("total", "forward", Unit.FLOPS_PER_TOKEN);
        this.forward = fwd.build();
        this.forwardPerToken = sum.term();

        Section.Builder bwd = new Section.Builder(
                "backward",
                "FLOPs per token, backward",
                "Each product again for the gradient of its input, and again for that of its weight.");
        forward.parts()
                .forEach(part -> bwd.part(part.key(), part.name(), Term.product(2, part.term()), Unit.FLOPS_PER_TOKEN));
        Line back = bwd.total("total", "backward", Unit.FLOPS_PER_TOKEN);
        this.backward = bwd.build();

        Section.Builder train = new Section.Builder(
                "training",
                "FLOPs per token, training",
                "6N is the usual estimate (Kaplan et al. 2020): it knows nothing of attention, and counts the look-up as a product.");
        forward.parts()
                .forEach(part ->
                        train.part(part.key(), part.name(), Term.product(3, part.term()), Unit.FLOPS_PER_TOKEN));
        Line total = train.total("total", "training", Unit.FLOPS_PER_TOKEN);
        this.perToken = Term.named("FLOPs per token", total.value());
        train.other("sum", "forward and backward", sum.term().plus(back.term()), Unit.FLOPS_PER_TOKEN);
        Line six = train.other("sixN", "6 N", Term.product(6, parameters.active), Unit.FLOPS_PER_TOKEN);
        train.other(
                "sixNonEmbedding",
                "6 N without embeddings",
                Term.product(6, parameters.activeNonEmbedding),
                Unit.FLOPS_PER_TOKEN);
        train.other("overSixN", "training over 6 N", total.term().over(six.term()), Unit.RATIO);
        if (w.recomputation() != Recomputation.NONE) {
            Line again = switch (w.recomputation()) {
                case SELECTIVE ->
                    train.other(
                            "recomputed", "scores computed again", scores.term().over(2), Unit.FLOPS_PER_TOKEN);
                case FULL, NONE ->
                    train.other(
                            "recomputed", "blocks computed again", sum.term().minus(head.term()), Unit.FLOPS_PER_TOKEN);
            };
            train.other("executed", "executed", Term.sum(List.of(total.term(), again.term())), Unit.FLOPS_PER_TOKEN);
        }
        Term tokens = Term.named("B", w.batchSequences()).times(m.T);
        train.other("perPass", "a pass of B sequences", total.term().times(tokens), Unit.FLOPS);
        this.training = train.build();
    }

    private static Term attention(Shape m, Workload w) {
        return switch (w.attention()) {
            case CAUSAL -> Term.product(2, m.L, m.h, m.dh).times(m.T.plus(1));
            case FULL -> Term.product(4, m.L, m.h, m.dh).times(m.T);
        };
    }
}
