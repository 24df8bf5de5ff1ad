package dev.isoflop.cli.table;

import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.cli.show.Numbers;
import dev.isoflop.scaling.diagnosis.Finding;
import dev.isoflop.scaling.fit.BudgetPrediction;
import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.report.FitReport;
import dev.isoflop.scaling.report.FitReports;
import dev.isoflop.scaling.table.PointTable;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;
import java.util.stream.Collectors;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Reports as JSON and as text. */
final class ReportShow {

    private ReportShow() {}

    // --- as JSON

    static ObjectNode json(Path file, PointTable table, FitReport report) {
        JsonMapper mapper = ApiClient.mapper();
        ObjectNode root = mapper.createObjectNode();
        root.put("table", file.toString());
        ObjectNode columns = root.putObject("columns");
        table.columns().forEach((column, name) -> columns.put(column.name(), name));
        root.set("leftOut", mapper.valueToTree(table.leftOut()));
        root.put("points", report.points());
        root.put("law", report.law());
        root.put("formula", report.formula());
        root.put("method", report.method());
        root.put("level", report.level());
        root.put("inputHash", report.inputHash());
        ObjectNode parameters = root.putObject("parameters");
        report.parameters().forEach((name, estimate) -> put(parameters.putObject(name), estimate));
        put(root, "objective", report.objective());
        FitReport.Evidence certificate = report.certificate();
        if (certificate == null) {
            root.putNull("certificate");
        } else {
            ObjectNode node = root.putObject("certificate");
            node.put("global", certificate.global());
            node.put("sentence", certificate.sentence());
            certificate.numbers().forEach((name, value) -> put(node, name, value));
        }
        BudgetPrediction optimum = report.optimum();
        if (optimum != null) {
            ObjectNode node = root.putObject("optimum");
            node.put("C", optimum.C());
            put(node.putObject("N"), optimum.N());
            put(node.putObject("D"), optimum.D());
            put(node.putObject("tokensPerParameter"), optimum.tokensPerParameter());
            put(node.putObject("loss"), optimum.loss());
            Estimate excess = report.excess();
            if (excess != null) {
                put(node.putObject("excessCompute"), excess);
            }
        }
        FitReport.Refusal refusal = report.refusal();
        if (refusal == null) {
            root.putNull("refusal");
        } else {
            ObjectNode node = root.putObject("refusal");
            node.put("code", refusal.code());
            node.put("sentence", refusal.sentence());
            refusal.numbers().forEach((name, value) -> put(node, name, value));
        }
        var diagnostics = root.putArray("diagnostics");
        report.diagnostics().forEach(finding -> {
            ObjectNode node = diagnostics.addObject();
            node.put("code", finding.code());
            node.put("sentence", finding.sentence());
            finding.numbers().forEach((name, value) -> put(node, name, value));
            if (!finding.points().isEmpty()) {
                var lines = node.putArray("lines");
                finding.points().forEach(i -> lines.add(table.lines().get(i)));
            }
        });
        root.put("milliseconds", report.milliseconds());
        return root;
    }

    /** Several reports of one table, and what they differ by. */
    static ObjectNode json(Path file, PointTable table, List<FitReport> reports, List<String> differences) {
        ObjectNode root = ApiClient.mapper().createObjectNode();
        var methods = root.putArray("methods");
        reports.forEach(report -> methods.add(json(file, table, report)));
        var sentences = root.putArray("differences");
        differences.forEach(sentences::add);
        return root;
    }

    static void put(ObjectNode node, Estimate estimate) {
        put(node, "value", estimate.value());
        put(node, "low", estimate.low());
        put(node, "high", estimate.high());
    }

    /** JSON has no infinity and nothing that is not a number. */
    static void put(ObjectNode node, String name, double value) {
        if (value == Math.rint(value) && Math.abs(value) < 1L << 53) {
            node.put(name, (long) value);
        } else if (Double.isFinite(value)) {
            node.put(name, value);
        } else {
            node.putNull(name);
        }
    }

    // --- as text

    static List<String> lines(PointTable table, FitReport report) {
        List<String> lines = new ArrayList<>();
        lines.add(String.format(
                Locale.ROOT,
                "%s: %s (%d points, %d %% intervals)",
                report.method().equals(FitReports.METHOD) ? report.law() : report.law() + " by " + report.method(),
                report.formula(),
                report.points(),
                Math.round(100 * report.level())));
        FitReport.Refusal refusal = report.refusal();
        if (refusal != null) {
            lines.add("  refused, " + refusal.code() + ": " + refusal.sentence());
        }
        report.parameters()
                .forEach((name, estimate) ->
                        lines.add(String.format(Locale.ROOT, "  %-10s %s", name, interval(estimate, Numbers::plain))));
        BudgetPrediction optimum = report.optimum();
        if (optimum != null) {
            lines.add("  optimum at C = " + Numbers.power(optimum.C()));
            lines.add("    N* = " + interval(optimum.N(), Numbers::count) + " parameters");
            lines.add("    D* = " + interval(optimum.D(), Numbers::count) + " tokens");
            if (Double.isFinite(optimum.loss().value())) {
                lines.add("    L* = " + interval(optimum.loss(), Numbers::plain) + " nats per token");
            }
        }
        Estimate excess = report.excess();
        if (excess != null) {
            lines.add(String.format(
                    Locale.ROOT,
                    "    not knowing the law wastes %.2f %% of it in the mean, [%.2f, %.2f]",
                    100 * excess.value(),
                    100 * excess.low(),
                    100 * excess.high()));
        }
        FitReport.Evidence certificate = report.certificate();
        if (certificate != null) {
            lines.add(String.format(Locale.ROOT, "  objective  %.10g", report.objective()));
            lines.add("  " + certificate.sentence());
        }
        report.diagnostics().forEach(finding -> lines.add("  note: " + finding.sentence() + where(table, finding)));
        lines.add(String.format(Locale.ROOT, "  %.0f ms", report.milliseconds()));
        return lines;
    }

    /** The first lines of the file that a finding is about. */
    private static String where(PointTable table, Finding finding) {
        int shown = Math.min(8, finding.points().size());
        if (shown == 0) {
            return "";
        }
        String lines = finding.points().stream()
                .limit(shown)
                .map(i -> String.valueOf(table.lines().get(i)))
                .collect(Collectors.joining(", "));
        return " (line " + lines + (finding.points().size() > shown ? ", …)" : ")");
    }

    static String interval(Estimate e, DoubleFunction<String> show) {
        return Double.isFinite(e.low()) && Double.isFinite(e.high())
                ? show.apply(e.value()) + " [" + show.apply(e.low()) + ", " + show.apply(e.high()) + "]"
                : show.apply(e.value());
    }
}
