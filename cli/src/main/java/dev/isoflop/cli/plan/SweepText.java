package dev.isoflop.cli.plan;

import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.scaling.flops.TransformerShape;
import dev.isoflop.scaling.plan.PlannedCell;
import dev.isoflop.scaling.plan.SweepPlan;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** A plan as a sweep file, to be read and changed by people. */
final class SweepText {

    private SweepText() {}

    static String of(String name, String corpus, SweepPlan plan, int vocabSize, int contextLength, double maxEpochs) {
        Map<Integer, TransformerShape> models = new TreeMap<>();
        Map<Double, List<PlannedCell>> budgets = new LinkedHashMap<>();
        for (PlannedCell cell : plan.cells()) {
            models.put(cell.shape().dModel(), cell.shape());
            budgets.computeIfAbsent(cell.budget(), b -> new ArrayList<>()).add(cell);
        }
        StringBuilder out = new StringBuilder(
                "# Made by isoflop plan. Every field: GET /api/v1/schema/sweep.json\nkind: isoflop\n");
        out.append("name: ")
                .append(quoted(name))
                .append("\n\ndataset:\n  corpus: ")
                .append(quoted(corpus));
        out.append("\n  vocabSize: ").append(vocabSize);
        out.append("\n\ncontextLength: ").append(contextLength).append("\n\nmodels:\n");
        models.values()
                .forEach(s -> out.append(String.format(
                        Locale.ROOT,
                        "  - {name: d%d, dModel: %d, layers: %d, heads: %d}%n",
                        s.dModel(),
                        s.dModel(),
                        s.layers(),
                        s.heads())));
        out.append("\nbudgets:\n");
        budgets.forEach((flops, cells) -> out.append(String.format(
                Locale.ROOT,
                "  - {flops: %s, batchSequences: %d, models: [%s]}%n",
                flops,
                cells.getFirst().batchSequences(),
                cells.stream().map(c -> "d" + c.shape().dModel()).collect(Collectors.joining(", ")))));
        return out.append("\nmaxEpochs: ").append(maxEpochs).append("\n").toString();
    }

    /** YAML takes a string of JSON as it is. */
    private static String quoted(String text) {
        return ApiClient.mapper().writeValueAsString(text);
    }
}
