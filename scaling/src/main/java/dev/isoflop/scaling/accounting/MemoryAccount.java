package dev.isoflop.scaling.accounting;

import dev.isoflop.scaling.accounting.Workload.Recomputation;
import dev.isoflop.scaling.flops.Precision;

/**
 * Bytes on one device while it trains, by the field's formulae: Rajbhandari et al. 2020 (ZeRO, section 3.1) for what goes with the
 * parameters, Korthikanti et al. 2022 (section 4.1) for activations, carried over to gated feed-forwards, grouped queries and experts.
 */
final class MemoryAccount {

    final Section section;

    MemoryAccount(Shape m, ParameterAccount parameters, Workload w, Deployment on) {
        boolean mixed = w.precision() == Precision.BF16;
        Term n = parameters.total;
        Term u = Term.named("u", w.precision().bytes());
        Section.Builder out = new Section.Builder(
                "memory",
                "Memory in training, one device",
                (mixed
                                ? "u = 2 bytes for bf16, masters and moments in fp32, gradients in bf16 (Rajbhandari et al. 2020)."
                                : "u = 4 bytes for fp32.")
                        + " Activations are what products keep for their gradients (Korthikanti et al. 2022)"
                        + (w.dropout() ? ", with a byte for each number of a dropout mask." : ", without dropout."));
        out.part("weights", "weights", u.times(n), Unit.BYTES);
        if (mixed) {
            out.part("master", "master weights", Term.product(4, n), Unit.BYTES);
        }
        out.part("gradients", "gradients", u.times(n), Unit.BYTES);
        Term moments = switch (w.optimizer()) {
            case ADAMW -> Term.product(8, n);
            case SGD -> Term.product(4, n);
            case MUON -> Term.product(8, n).minus(Term.product(4, parameters.blockMatrices));
        };
        out.part("moments", "optimizer", moments, Unit.BYTES);
        activations(out, m, w, u);
        Line total = out.total("total", "memory", Unit.BYTES);
        Term memory = Term.named("memory of the device", on.device().memoryBytes());
        out.other("ofDevice", "of the device's memory", total.term().over(memory), Unit.RATIO);
        this.section = out.build();
    }

    private static void activations(Section.Builder out, Shape m, Workload w, Term u) {
        Architecture a = m.of;
        Term tokens = Term.named("B", w.batchSequences()).times(m.T);
        boolean keepsScores = w.recomputation() == Recomputation.NONE;

        Term norms = Term.product(2, m.d).times(u);
        Term queries = m.h.times(m.dh);
        Term attention = u.times(m.d.plus(Term.product(2, queries)).plus(Term.product(2, m.g, m.dh)));
        Term hidden = Term.product(m.hiddenCopies(), m.f);
        Term feedForward;
        if (a.isMixture()) {
            // what is gathered for an expert is a copy; a shared one reads what the router does
            feedForward = u.times(m.d.plus(m.k.times(m.d))
                    .plus(m.activeExperts().times(hidden))
                    .plus(m.E));
        } else {
            feedForward = u.times(m.d.plus(hidden));
        }
        Term scores = m.h.times(m.T).times(u);
        if (w.dropout()) {
            attention = attention.plus(m.d);
            feedForward = feedForward.plus(m.d);
            // the mask, and what is left beside what was there before
            scores = m.h.times(m.T).times(u.plus(u).plus(1));
        }
        if (w.recomputation() == Recomputation.FULL) {
            out.part("inputs", "inputs of blocks", m.L.times(tokens, m.d, u), Unit.BYTES);
            Term one = norms.plus(attention).plus(feedForward).plus(scores);
            out.part("block", "the block computed again", tokens.times(one), Unit.BYTES);
        } else {
            out.part("normInputs", "norm inputs", m.L.times(tokens, norms), Unit.BYTES);
            out.part("attentionActivations", "attention activations", m.L.times(tokens, attention), Unit.BYTES);
            if (keepsScores) {
                out.part("scores", "scores", m.L.times(tokens, scores), Unit.BYTES);
            } else {
                out.part(
                        "statistics", "softmax statistics", Term.product(4, m.L).times(tokens, m.h), Unit.BYTES);
            }
            out.part("feedForwardActivations", "feed-forward activations", m.L.times(tokens, feedForward), Unit.BYTES);
        }
        out.part(
                "headInput",
                "final norm and head inputs",
                Term.product(2, tokens, m.d).times(u),
                Unit.BYTES);
        out.part("logits", "logits in fp32", Term.product(4, tokens, m.V), Unit.BYTES);
    }
}
