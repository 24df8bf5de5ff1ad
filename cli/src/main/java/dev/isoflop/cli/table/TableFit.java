package dev.isoflop.cli.table;

import dev.isoflop.cli.CliException;
import dev.isoflop.cli.ExitCode;
import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.cli.show.Numbers;
import dev.isoflop.scaling.fit.BudgetPrediction;
import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.fit.ParametricOptions.Resampling;
import dev.isoflop.scaling.law.Law;
import dev.isoflop.scaling.law.form.Forms;
import dev.isoflop.scaling.report.FitReport;
import dev.isoflop.scaling.report.FitReports;
import dev.isoflop.scaling.report.FitSettings;
import dev.isoflop.scaling.table.Column;
import dev.isoflop.scaling.table.PointTable;
import dev.isoflop.scaling.table.TableException;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.DoubleFunction;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** {@code isoflop fit TABLE.csv}: reads it, fits it, and says what came of it. */
public final class TableFit {

    private TableFit() {}

    /** Options that only tables have. */
    public static final class Options {
        @Option(
                names = "--law",
                completionCandidates = Laws.class,
                description = {
                    "What to fit (default chinchilla), and the columns that it needs beside N, D or C, and loss:",
                    "${COMPLETION-CANDIDATES}. envelope:1.6 is one above a floor of 1.6 nats."
                })
        private String law = "chinchilla";

        @Option(
                names = "--column",
                paramLabel = "WHAT=NAME",
                description = {
                    "Which column is what, where its name does not say it. WHAT is one of",
                    "${COMPLETION-CANDIDATES}."
                })
        private Map<Column, String> columns = new LinkedHashMap<>();

        @Option(names = "--delta", description = "Huber's, of log loss (default 1e-3).")
        private double delta = 1e-3;

        @Option(names = "--resamples", description = "Bootstrap draws for the intervals (default 1000; 0 for none).")
        private int resamples = 1000;

        @Option(
                names = "--by-group",
                description = "Draw the points of a run together: for several checkpoints of each.")
        private boolean byGroup;

        @Option(names = "--seed", description = "Seed of the draws (default 42).")
        private long seed = 42;

        @Option(names = "--level", description = "Of the intervals (default 0.95).")
        private double level = 0.95;
    }

    /** Names of the laws, each with the columns that only some laws need. */
    static final class Laws implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return Forms.all().stream().map(Laws::described).iterator();
        }

        private static String described(Law law) {
            List<String> columns = Column.of(law).stream().map(Column::name).toList();
            return columns.isEmpty() ? law.name() : law.name() + " (" + String.join(", ", columns) + ")";
        }
    }

    /**
     * @param method as asked for; null for the usual one
     * @return exit code
     * @throws CliException if the table cannot be read, or an option has no meaning
     */
    public static int run(Path file, Options options, @Nullable String method, @Nullable Double target, boolean asJson)
            throws IOException {
        if (method != null && !method.equals(FitReports.METHOD)) {
            throw new CliException(
                    ExitCode.USAGE, "--method of a table is " + FitReports.METHOD + ", was '" + method + "'.");
        }
        PointTable table = read(file, options.columns, needed(options.law));
        FitReport report;
        try {
            FitSettings settings = new FitSettings(
                    options.law,
                    options.delta,
                    options.resamples,
                    options.byGroup ? Resampling.GROUPS : Resampling.POINTS,
                    options.seed,
                    options.level,
                    target);
            report =
                    FitReports.of(table.points(), settings, Runtime.getRuntime().availableProcessors());
        } catch (IllegalArgumentException e) {
            throw new CliException(ExitCode.USAGE, e.getMessage() + ".");
        }
        if (asJson) {
            System.out.println(
                    ApiClient.mapper().writerWithDefaultPrettyPrinter().writeValueAsString(json(file, table, report)));
        } else {
            lines(table, report).forEach(System.out::println);
        }
        return (report.refusal() == null ? ExitCode.OK : ExitCode.FAILED).code();
    }

    /** Columns of a law. One that there is not needs none: the fit names it, and the others beside it. */
    private static List<Column> needed(String law) {
        try {
            return Forms.named(law).map(Column::of).orElse(List.of());
        } catch (IllegalArgumentException e) {
            throw new CliException(ExitCode.USAGE, "--law: " + e.getMessage() + ".");
        }
    }

    private static PointTable read(Path file, Map<Column, String> columns, List<Column> needed) throws IOException {
        try (Reader reader = Files.newBufferedReader(file)) {
            return PointTable.read(reader, columns, needed);
        } catch (TableException e) {
            throw new CliException(ExitCode.USAGE, file + ", " + e.getMessage() + ".");
        } catch (MalformedInputException e) {
            throw new CliException(ExitCode.USAGE, file + " is no text in UTF-8.");
        }
    }

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
        });
        root.put("milliseconds", report.milliseconds());
        return root;
    }

    private static void put(ObjectNode node, Estimate estimate) {
        put(node, "value", estimate.value());
        put(node, "low", estimate.low());
        put(node, "high", estimate.high());
    }

    /** JSON has no infinity and nothing that is not a number. */
    private static void put(ObjectNode node, String name, double value) {
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
                report.law(),
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
            lines.add("    L* = " + interval(optimum.loss(), Numbers::plain) + " nats per token");
        }
        FitReport.Evidence certificate = report.certificate();
        if (certificate != null) {
            lines.add(String.format(Locale.ROOT, "  objective  %.10g", report.objective()));
            lines.add("  " + certificate.sentence());
        }
        report.diagnostics().forEach(finding -> lines.add("  note: " + finding.sentence()));
        table.leftOut().forEach(row -> lines.add("  left out: line " + row.line() + ", " + row.reason()));
        lines.add(String.format(Locale.ROOT, "  %.0f ms", report.milliseconds()));
        return lines;
    }

    private static String interval(Estimate e, DoubleFunction<String> show) {
        return Double.isFinite(e.low()) && Double.isFinite(e.high())
                ? show.apply(e.value()) + " [" + show.apply(e.low()) + ", " + show.apply(e.high()) + "]"
                : show.apply(e.value());
    }
}
