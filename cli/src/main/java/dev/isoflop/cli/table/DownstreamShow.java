package dev.isoflop.cli.table;

import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.cli.show.Numbers;
import dev.isoflop.scaling.downstream.AccuracySigmoid;
import dev.isoflop.scaling.downstream.DownstreamFit;
import dev.isoflop.scaling.downstream.DownstreamOptions;
import dev.isoflop.scaling.downstream.DownstreamPrediction;
import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.fit.LawFit;
import dev.isoflop.scaling.table.CheckpointTable;
import dev.isoflop.scaling.table.Column;
import dev.isoflop.scaling.table.PointTable;
import dev.isoflop.scaling.table.TaskTables;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Accuracy in two steps as JSON and as text. */
final class DownstreamShow {

    private DownstreamShow() {}

    /**
     * What is told of a task.
     *
     * @param task empty where the tables name none
     * @param runs that the first step was fitted to
     * @param checkpoints as they were read
     * @param fitted checkpoints that the second step was fitted to, smoothed
     * @param least bits per byte of one of those
     * @param notes what to know about it, in sentences
     */
    record Told(
            String task,
            int runs,
            CheckpointTable checkpoints,
            int fitted,
            double least,
            FitOutcome<DownstreamFit> outcome,
            List<Target> targets,
            List<String> notes) {

        /** @param budget FLOPs whose optimum it is; null if N and D were asked for */
        record Target(
                DownstreamPrediction prediction, @Nullable Double budget) {}

        /** Whether the sigmoid is asked for fewer bits per byte than it was fitted to. */
        boolean isBeyond() {
            return targets.stream().anyMatch(t -> t.prediction.bpb().value() < least);
        }

        private long groups() {
            return checkpoints.rows().stream()
                    .map(CheckpointTable.Row::group)
                    .distinct()
                    .count();
        }
    }

    // --- as JSON

    static ObjectNode json(Path runs, Path checkpoints, TaskTables tables, DownstreamOptions options, List<Told> told) {
        ObjectNode root = ApiClient.mapper().createObjectNode();
        table(
                root.putObject("runs"),
                runs,
                tables.runs().columns(),
                tables.runs().leftOut());
        table(
                root.putObject("checkpoints"),
                checkpoints,
                tables.checkpoints().columns(),
                tables.checkpoints().leftOut());
        root.put("law", options.law().name());
        root.put("formula", options.law().formula());
        root.put("accuracyFormula", new AccuracySigmoid().formula());
        ReportShow.put(root, "level", options.level());
        ReportShow.put(root, "resamples", options.resamples());
        root.put("seed", options.seed());
        strings(root.putArray("notes"), tables.sentences());
        ArrayNode tasks = root.putArray("tasks");
        told.forEach(each -> put(tasks.addObject(), each));
        return root;
    }

    private static void table(
            ObjectNode node, Path file, Map<Column, String> columns, List<PointTable.LeftOut> leftOut) {
        node.put("table", file.toString());
        ObjectNode names = node.putObject("columns");
        columns.forEach((column, name) -> names.put(column.name(), name));
        node.set("leftOut", ApiClient.mapper().valueToTree(leftOut));
    }

    private static void strings(ArrayNode node, List<String> all) {
        all.forEach(node::add);
    }

    private static void put(ObjectNode node, Told told) {
        node.put("task", told.task);
        node.put("runs", told.runs);
        node.put("checkpoints", told.fitted);
        switch (told.outcome) {
            case FitOutcome.Refused<DownstreamFit> no -> {
                ObjectNode refusal = node.putObject("refusal");
                refusal.put("code", no.reason().code());
                refusal.put("sentence", no.sentence());
            }
            case FitOutcome.Converged<DownstreamFit>(DownstreamFit fit) -> {
                node.putNull("refusal");
                put(node.putObject("bpb"), fit.bpb(), fit.bpbCoefficients());
                put(node.putObject("accuracy"), fit.accuracy(), fit.accuracyCoefficients());
            }
        }
        ArrayNode predictions = node.putArray("predictions");
        told.targets.forEach(target -> {
            ObjectNode each = predictions.addObject();
            DownstreamPrediction made = target.prediction;
            ReportShow.put(each, "N", made.N());
            ReportShow.put(each, "D", made.D());
            if (target.budget != null) {
                ReportShow.put(each, "optimumOf", target.budget);
            }
            ReportShow.put(each.putObject("bpb"), made.bpb());
            ReportShow.put(each.putObject("accuracy"), made.accuracy());
            ReportShow.put(each.putObject("accuracyOfSecondStepAlone"), made.accuracyAtBpb());
        });
        ReportShow.put(node, "leastBpb", told.least);
        node.put("beyondCheckpoints", told.isBeyond());
        strings(node.putArray("notes"), told.notes);
    }

    private static void put(ObjectNode node, LawFit.Minimum fit, Map<String, Estimate> coefficients) {
        ObjectNode parameters = node.putObject("parameters");
        coefficients.forEach((name, estimate) -> ReportShow.put(parameters.putObject(name), estimate));
        ReportShow.put(node, "objective", fit.objective());
        node.put("starts", fit.starts());
        node.put("startsAtMinimum", fit.agreeing());
    }

    // --- as text

    static List<String> lines(TaskTables tables, DownstreamOptions options, List<Told> told) {
        List<String> lines = new ArrayList<>();
        if (told.size() == 1) {
            lines.addAll(whole(told.getFirst(), options));
        } else {
            lines.addAll(rows(told, options));
        }
        tables.sentences().forEach(sentence -> lines.add("  note: " + sentence));
        leftOut(lines, "runs", tables.runs().leftOut());
        leftOut(lines, "checkpoints", tables.checkpoints().leftOut());
        return lines;
    }

    private static void leftOut(List<String> lines, String table, List<PointTable.LeftOut> rows) {
        rows.forEach(row -> lines.add("  left out of the " + table + ": line " + row.line() + ", " + row.reason()));
    }

    private static List<String> whole(Told told, DownstreamOptions options) {
        List<String> lines = new ArrayList<>();
        lines.add(String.format(
                Locale.ROOT,
                "%s%d runs, %d checkpoints%s (%d %% intervals)",
                told.task.isEmpty() ? "" : told.task + ": ",
                told.runs,
                told.fitted,
                told.checkpoints.isGrouped() ? " in " + told.groups() + " groups" : "",
                Math.round(100 * options.level())));
        switch (told.outcome) {
            case FitOutcome.Refused<DownstreamFit> no ->
                lines.add("  refused, " + no.reason().code() + ": " + no.sentence());
            case FitOutcome.Converged<DownstreamFit>(DownstreamFit fit) -> {
                lines.add("  bits per byte, " + fit.bpb().law().name() + ": "
                        + fit.bpb().law().formula());
                step(lines, fit.bpb(), fit.bpbCoefficients());
                lines.add("  " + fit.accuracy().law().formula() + ", L bits per byte");
                step(lines, fit.accuracy(), fit.accuracyCoefficients());
            }
        }
        for (Told.Target target : told.targets) {
            DownstreamPrediction made = target.prediction;
            lines.add("  " + title(target));
            lines.add("    bits per byte  " + ReportShow.interval(made.bpb(), Numbers::plain));
            lines.add("    accuracy       " + ReportShow.interval(made.accuracy(), DownstreamShow::percent) + " %");
            lines.add("    of the second step alone ["
                    + percent(made.accuracyAtBpb().low()) + ", "
                    + percent(made.accuracyAtBpb().high()) + "] %: as if bits per byte were known");
        }
        if (told.isBeyond()) {
            lines.add(String.format(
                    Locale.ROOT,
                    "  note: no checkpoint has fewer than %.4f bits per byte; below that the sigmoid, too, is extrapolated",
                    told.least));
        }
        told.notes.forEach(note -> lines.add("  note: " + note));
        return lines;
    }

    private static void step(List<String> lines, LawFit.Minimum fit, Map<String, Estimate> coefficients) {
        coefficients.forEach((name, estimate) -> lines.add(
                String.format(Locale.ROOT, "    %-10s %s", name, ReportShow.interval(estimate, Numbers::plain))));
        lines.add(String.format(
                Locale.ROOT,
                "    objective  %.10g, reached from %d of %d starts",
                fit.objective(),
                fit.agreeing(),
                fit.starts()));
    }

    private static String title(Told.Target target) {
        DownstreamPrediction made = target.prediction;
        return "N = " + Numbers.count(made.N()) + ", D = " + Numbers.count(made.D())
                + (target.budget == null ? "" : ", the optimum at C = " + Numbers.power(target.budget));
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.1f", 100 * share);
    }

    /** A row a task: of each target in turn, or of the coefficients where there is none. */
    private static List<String> rows(List<Told> told, DownstreamOptions options) {
        List<String> lines = new ArrayList<>();
        int width =
                Math.max(4, told.stream().mapToInt(t -> t.task.length()).max().orElse(0));
        lines.add(String.format(
                Locale.ROOT,
                "%d tasks, bits per byte by %s (%d %% intervals)",
                told.size(),
                options.law().formula(),
                Math.round(100 * options.level())));
        // one task may have no optimum at a budget where another has
        Map<String, List<Row>> byTarget = new LinkedHashMap<>();
        told.forEach(
                each -> each.targets.forEach(target -> byTarget.computeIfAbsent(heading(target), k -> new ArrayList<>())
                        .add(new Row(each.task, target))));
        byTarget.forEach((heading, rows) -> target(lines, heading, rows, width));
        if (byTarget.isEmpty()) {
            for (Told each : told) {
                if (each.outcome instanceof FitOutcome.Converged<DownstreamFit>(DownstreamFit fit)) {
                    lines.add(name(each, width) + coefficients(fit.bpbCoefficients()) + "; "
                            + coefficients(fit.accuracyCoefficients()));
                }
            }
        }
        for (Told each : told) {
            if (each.outcome instanceof FitOutcome.Refused<DownstreamFit> no) {
                lines.add(name(each, width) + "refused, " + no.reason().code() + ": " + no.sentence());
            }
        }
        String beyond = told.stream().filter(Told::isBeyond).map(Told::task).collect(Collectors.joining(", "));
        if (!beyond.isEmpty()) {
            lines.add("  note: no checkpoint has as few bits per byte; the sigmoid, too, is extrapolated: " + beyond);
        }
        Map<String, List<String>> notes = new LinkedHashMap<>();
        told.forEach(each -> each.notes.forEach(
                note -> notes.computeIfAbsent(note, k -> new ArrayList<>()).add(each.task)));
        notes.forEach((note, tasks) -> lines.add("  note: " + note + " (" + String.join(", ", tasks) + ")"));
        return lines;
    }

    private record Row(String task, Told.Target target) {}

    private static String heading(Told.Target target) {
        Double budget = target.budget;
        return budget == null ? title(target) : "optimum at C = " + Numbers.power(budget);
    }

    private static void target(List<String> lines, String heading, List<Row> rows, int width) {
        boolean optimum = rows.getFirst().target.budget != null;
        lines.add(heading);
        lines.add(String.format(
                Locale.ROOT,
                "  %-" + width + "s  %s%-25s %-21s second step alone",
                "task",
                optimum ? "       N        D  " : "",
                "bits per byte",
                "accuracy, %"));
        for (Row row : rows) {
            DownstreamPrediction made = row.target.prediction;
            lines.add(String.format(
                    Locale.ROOT,
                    "  %-" + width + "s  %s%-25s %-21s [%s, %s]",
                    row.task,
                    optimum
                            ? String.format(Locale.ROOT, "%8s %8s  ", Numbers.count(made.N()), Numbers.count(made.D()))
                            : "",
                    ReportShow.interval(made.bpb(), Numbers::plain),
                    ReportShow.interval(made.accuracy(), DownstreamShow::percent),
                    percent(made.accuracyAtBpb().low()),
                    percent(made.accuracyAtBpb().high())));
        }
    }

    private static String name(Told told, int width) {
        return String.format(Locale.ROOT, "  %-" + width + "s  ", told.task);
    }

    private static String coefficients(Map<String, Estimate> all) {
        List<String> parts = new ArrayList<>();
        all.forEach((name, estimate) -> parts.add(name + " " + Numbers.plain(estimate.value())));
        return String.join(", ", parts);
    }
}
