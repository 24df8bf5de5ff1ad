package dev.isoflop.scaling.accounting;

import dev.isoflop.scaling.accounting.Architecture.FeedForward;

/** An architecture's numbers under the letters of the formulae. */
final class Shape {

    final Architecture of;
    final Term V;
    final Term T;
    final Term d;
    final Term L;
    final Term h;
    final Term g;
    final Term dh;
    final Term f;
    final Term E;
    final Term k;
    final Term s;

    Shape(Architecture of) {
        this.of = of;
        this.V = Term.named("V", of.vocabSize());
        this.T = Term.named("T", of.contextLength());
        this.d = Term.named("d", of.dModel());
        this.L = Term.named("L", of.layers());
        this.h = Term.named("h", of.heads());
        this.g = Term.named("g", of.kvHeads());
        this.dh = Term.named("d_h", of.headDim());
        this.f = Term.named("f", of.dFf());
        this.E = Term.named("E", of.experts());
        this.k = Term.named("k", of.expertsPerToken());
        this.s = Term.named("s", of.sharedExperts());
    }

    /** Queries, keys, values and output of a block: {@code 2 d h d_h + 2 d g d_h}. */
    Term attentionMatrices() {
        return Term.product(2, d, h, dh).plus(Term.product(2, d, g, dh));
    }

    /** Of one feed-forward, or one expert. */
    Term feedForwardMatrices() {
        return Term.product(matrices(), d, f);
    }

    private int matrices() {
        return switch (of.feedForward()) {
            case SWIGLU -> 3;
            case PLAIN -> 2;
        };
    }

    /** Hidden numbers of a token that one feed-forward keeps for its gradient. */
    int hiddenCopies() {
        return of.feedForward() == FeedForward.SWIGLU ? 3 : 2;
    }

    /** Experts that exist beside each other in a block: {@code E + s}. */
    Term allExperts() {
        return of.sharedExperts() == 0 ? E : E.plus(s);
    }

    /** Experts that a token passes: {@code k + s}. */
    Term activeExperts() {
        return of.sharedExperts() == 0 ? k : k.plus(s);
    }
}
