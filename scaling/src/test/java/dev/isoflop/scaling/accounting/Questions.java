package dev.isoflop.scaling.accounting;

import dev.isoflop.scaling.accounting.Workload.Optimizer;
import dev.isoflop.scaling.accounting.Workload.Recomputation;
import dev.isoflop.scaling.flops.Precision;
import org.jspecify.annotations.Nullable;

/** Questions of tests. */
final class Questions {

    static final Question.ModelFields AS_IT_IS = new Question.ModelFields(
            null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null);

    private Questions() {}

    static Accounting preset(String name) {
        return preset(name, AS_IT_IS, Recomputation.SELECTIVE, Optimizer.ADAMW, false);
    }

    static Accounting preset(
            String name,
            Question.ModelFields model,
            Recomputation recomputation,
            Optimizer optimizer,
            boolean dropout) {
        return question(name, model, recomputation, optimizer, dropout, null).answer();
    }

    static Question question(
            @Nullable String name,
            Question.ModelFields model,
            Recomputation recomputation,
            Optimizer optimizer,
            boolean dropout,
            @Nullable Double price) {
        return new Question(
                name,
                model,
                2,
                Precision.BF16,
                optimizer,
                recomputation,
                null,
                dropout,
                null,
                null,
                "H100",
                null,
                null,
                null,
                8,
                0.5,
                price);
    }
}
