package dev.isoflop.cli.plan;

import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.scaling.flops.TransformerShape;
import dev.isoflop.scaling.plan.SweepPlan;
import dev.isoflop.scaling.question.PlanAnswer;
import java.util.Locale;
import java.util.stream.Collectors;

/** A plan as a sweep file, to be read and changed by people. */
final class SweepText {

    private SweepText() {}

    /** @param answer with at least one run */
    static String of(String name, String corpus, PlanAnswer answer, double maxEpochs) {
        SweepPlan plan = answer.plan();
        TransformerShape any = plan.cells().getFirst().shape();
        StringBuilder out = new StringBuilder(
                "# Made by isoflop plan. Every field: GET /api/v1/schema/sweep.json\nkind: isoflop\n");
        out.append("name: ")
                .append(quoted(name))
                .append("\n\ndataset:\n  corpus: ")
                .append(quoted(corpus));
        out.append("\n  vocabSize: ").append(any.vocabSize());
        out.append("\n\ncontextLength: ").append(any.contextLength()).append("\n\nmodels:\n");
        plan.models()
                .values()
                .forEach(s -> out.append(String.format(
                        Locale.ROOT,
                        "  - {name: %s, dModel: %d, layers: %d, heads: %d}%n",
                        s.name(),
                        s.dModel(),
                        s.layers(),
                        s.heads())));
        out.append("\nbudgets:\n");
        plan.byBudget()
                .forEach((flops, cells) -> out.append(String.format(
                        Locale.ROOT,
                        "  - {flops: %s, batchSequences: %d, models: [%s]}%n",
                        flops,
                        cells.getFirst().batchSequences(),
                        cells.stream().map(c -> c.shape().name()).collect(Collectors.joining(", ")))));
        out.append("\ntraining:\n  precision: ").append(answer.precision());
        return out.append("\n\nmaxEpochs: ").append(maxEpochs).append("\n").toString();
    }

    /** YAML takes a string of JSON as it is. */
    private static String quoted(String text) {
        return ApiClient.mapper().writeValueAsString(text);
    }
}
