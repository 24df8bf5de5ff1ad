package dev.isoflop.cli.table;

import dev.isoflop.cli.CliException;
import dev.isoflop.cli.ExitCode;
import dev.isoflop.cli.show.Json;
import dev.isoflop.scaling.diagnosis.Finding;
import dev.isoflop.scaling.diagnosis.TableDiagnosis;
import dev.isoflop.scaling.fit.ParametricOptions.Resampling;
import dev.isoflop.scaling.forecast.Candidate;
import dev.isoflop.scaling.forecast.Rollouts;
import dev.isoflop.scaling.law.Law;
import dev.isoflop.scaling.law.form.DataConstrained;
import dev.isoflop.scaling.law.form.Forms;
import dev.isoflop.scaling.report.FitReport;
import dev.isoflop.scaling.report.FitReports;
import dev.isoflop.scaling.report.FitSettings;
import dev.isoflop.scaling.report.HtmlReport;
import dev.isoflop.scaling.report.LatexTable;
import dev.isoflop.scaling.report.OptimumReports;
import dev.isoflop.scaling.report.OptimumSettings;
import dev.isoflop.scaling.report.SideBySide;
import dev.isoflop.scaling.table.Column;
import dev.isoflop.scaling.table.PointTable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ObjectNode;

/** {@code isoflop fit TABLE.csv}: reads it, fits it, and says what came of it. */
public final class TableFit {

    private static final String ALL = "all";
    private static final String AUTO = "auto";

    static final String MIXED =
            "Fit points together whose hashes (column comparability) do not agree; refused otherwise.";
    private static final List<String> METHODS =
            List.of(FitReports.METHOD, OptimumReports.ISOFLOP, OptimumReports.ENVELOPE, ALL);

    private TableFit() {}

    /** Options that only tables have. */
    public static final class Options {
        @Option(
                names = "--law",
                completionCandidates = Laws.class,
                description = {
                    "What to fit (default chinchilla), and the columns that it needs beside N, D or C, and loss:",
                    "${COMPLETION-CANDIDATES}. envelope:1.6 is one above a floor of 1.6 nats; auto is the one, with points",
                    "alike or weighed by compute, that forecasts the table's larger runs best from its smaller ones."
                })
        private String law = "chinchilla";

        @Option(
                names = "--fresh",
                paramLabel = "E,A,B,alpha,beta",
                description = {
                    "The law of fresh data for --law data-constrained, held fixed; or own: Chinchilla's of the",
                    "table's runs that repeat nothing (D <= U), fitted first and anew in each draw, as was published",
                    "(default: fitted to all runs, together with the decays)."
                })
        private @Nullable String fresh;

        /** The law with what it takes as known. */
        String law() {
            if (fresh != null && !law.equals(DataConstrained.NAME)) {
                throw new CliException(
                        ExitCode.USAGE, "--fresh is of --law " + DataConstrained.NAME + ", which was " + law + ".");
            }
            return fresh == null ? law : law + ":" + fresh;
        }

        @Option(
                names = "--protocol",
                paramLabel = "NAME",
                description = {
                    "How --method isoflop reads optima off the curves: isoflop (ours; parabolas weighed by their",
                    "residuals), hoffmann, porian, porian-owt2 or cs336. --method all takes one of them beside",
                    "ours, or all."
                })
        private String protocol = OptimumReports.OURS;

        @Option(
                names = TableOptions.COLUMN,
                paramLabel = "WHAT=NAME",
                description = {
                    "Which column is what, where its name does not say it. WHAT is one of",
                    "${COMPLETION-CANDIDATES}."
                })
        private Map<Column, String> columns = new LinkedHashMap<>();

        @Option(names = "--mixed", description = MIXED)
        private boolean mixed;

        @Option(names = "--delta", description = "Huber's, of log loss (default 1e-3).")
        private double delta = 1e-3;

        @Option(names = "--resamples", description = "Bootstrap draws for the intervals (default 1000; 0 for none).")
        private int resamples = 1000;

        @Option(
                names = "--by-group",
                description = "Draw the points of a run together: for several checkpoints of each.")
        private boolean byGroup;

        @Option(
                names = "--by-residual",
                description = "Draw what the law leaves over, and keep the points as they were planned.")
        private boolean byResidual;

        @Option(names = "--seed", description = "Seed of the draws (default 42).")
        private long seed = 42;

        @Option(names = "--level", description = "Of the intervals (default 0.95).")
        private double level = 0.95;

        @Option(names = "--html", paramLabel = "FILE", description = "Write a page with the figures, of one file.")
        private @Nullable Path html;

        @Option(names = "--latex", paramLabel = "FILE", description = "Write a LaTeX table.")
        private @Nullable Path latex;
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
        String asked = method == null ? FitReports.METHOD : method;
        if (!METHODS.contains(asked)) {
            throw new CliException(
                    ExitCode.USAGE,
                    "--method of a table is one of " + String.join(", ", METHODS) + ", was '" + method + "'.");
        }
        if (options.law.equals(AUTO) && !asked.equals(FitReports.METHOD)) {
            throw new CliException(
                    ExitCode.USAGE,
                    "--law auto chooses what --method parametric fits; leave --method " + asked + " out.");
        }
        PointTable table = read(file, options.columns, needed(options.law()), options.mixed);
        Fitted fitted;
        try {
            fitted = fit(table, asked, options, target).about(table, options.delta, target);
        } catch (IllegalArgumentException e) {
            throw new CliException(ExitCode.USAGE, e.getMessage() + ".");
        }
        if (options.html != null) {
            Files.writeString(
                    options.html,
                    HtmlReport.of(
                            String.valueOf(file.getFileName()), table.points(), fitted.reports, fitted.sentences));
        }
        if (options.latex != null) {
            Files.writeString(options.latex, LatexTable.of(fitted.reports));
        }
        if (asJson) {
            ObjectNode root = asked.equals(ALL)
                    ? ReportShow.json(file, table, fitted.reports, fitted.sentences)
                    : ReportShow.json(file, table, fitted.reports.getFirst());
            if (fitted.rollouts != null) {
                RolloutShow.put(root, fitted.rollouts);
            }
            Json.print(root);
        } else {
            if (fitted.rollouts != null) {
                RolloutShow.lines(fitted.rollouts).forEach(System.out::println);
            }
            fitted.reports.forEach(report -> ReportShow.lines(table, report).forEach(System.out::println));
            fitted.sentences.forEach(sentence -> System.out.println("  " + sentence));
            table.leftOut().forEach(row -> System.out.println("  left out: line " + row.line() + ", " + row.reason()));
        }
        boolean any = fitted.reports.stream()
                .anyMatch(r -> r.refusal() == null && !r.parameters().isEmpty());
        return (any ? ExitCode.OK : ExitCode.FAILED).code();
    }

    /** @param rollouts what the law was chosen by; null if it was asked for by name */
    private record Fitted(
            List<FitReport> reports,
            List<String> sentences,
            @Nullable Rollouts rollouts) {

        Fitted(List<FitReport> reports, List<String> sentences) {
            this(reports, sentences, null);
        }

        /** With what the table says against any fit of it, at the first. */
        Fitted about(PointTable table, double delta, @Nullable Double target) {
            List<FitReport> noted = new ArrayList<>(reports);
            noted.set(0, reports.getFirst().withDiagnostics(TableDiagnosis.of(table, delta, target, threads())));
            return new Fitted(List.copyOf(noted), sentences, rollouts);
        }
    }

    private static Fitted fit(PointTable table, String method, Options options, @Nullable Double target) {
        FitSettings settings = settings(options, options.law(), target);
        OptimumSettings optimum =
                new OptimumSettings(options.protocol, options.resamples, options.seed, options.level, target);
        int threads = threads();
        return switch (method) {
            case OptimumReports.ISOFLOP ->
                new Fitted(List.of(OptimumReports.isoFlop(table.points(), optimum)), List.of());
            case OptimumReports.ENVELOPE ->
                new Fitted(List.of(OptimumReports.envelope(table.points(), optimum)), List.of());
            case ALL -> {
                SideBySide all = SideBySide.of(table.points(), settings, beside(options.protocol), threads);
                yield new Fitted(all.reports(), all.differences());
            }
            default ->
                options.law.equals(AUTO)
                        ? chosen(table, options, target, threads)
                        : new Fitted(List.of(FitReports.of(table.points(), settings, threads)), List.of());
        };
    }

    /** Protocols to set beside our own. */
    private static List<String> beside(String protocol) {
        return switch (protocol) {
            case OptimumReports.OURS -> List.of();
            case ALL -> OptimumReports.protocols().stream().skip(1).toList();
            default -> List.of(protocol);
        };
    }

    /** The form that did best on larger runs held out, fitted to all of them. */
    private static Fitted chosen(PointTable table, Options options, @Nullable Double target, int threads) {
        Rollouts rollouts = TableOptions.orFail(
                Rollouts.of(table.points(), Candidate.among(table.points()), options.delta, threads));
        Candidate best = rollouts.candidates().get(rollouts.best());
        FitReport report = FitReports.of(
                best.emphasised(table.points()), settings(options, best.law().name(), target), threads);
        return new Fitted(
                List.of(report),
                best.emphasis() == Candidate.Emphasis.ALIKE
                        ? List.of()
                        : List.of(
                                "points count by their compute here, as they did in those forecasts, so the coefficients rest"
                                        + " on few runs; those of all points alike: --law "
                                        + best.law().name()),
                rollouts);
    }

    private static FitSettings settings(Options options, String law, @Nullable Double target) {
        return new FitSettings(
                law, options.delta, options.resamples, resampling(options), options.seed, options.level, target);
    }

    private static int threads() {
        return Runtime.getRuntime().availableProcessors();
    }

    private static Resampling resampling(Options options) {
        if (options.byGroup && options.byResidual) {
            throw new IllegalArgumentException(
                    "--by-group and --by-residual exclude each other: residuals are drawn one by one");
        }
        return options.byGroup ? Resampling.GROUPS : options.byResidual ? Resampling.RESIDUALS : Resampling.POINTS;
    }

    /** Columns of a law. One that there is not needs none: the fit names it, and the others beside it. */
    private static List<Column> needed(String law) {
        if (law.equals(DataConstrained.NAME + ":" + DataConstrained.OWN)) {
            return List.of(Column.U);
        }
        try {
            return Forms.named(law).map(Column::of).orElse(List.of());
        } catch (IllegalArgumentException e) {
            String option = law.startsWith(DataConstrained.NAME) ? "--fresh: " : "--law: ";
            throw new CliException(ExitCode.USAGE, option + e.getMessage() + ".");
        }
    }

    /** @param mixed whether points whose hashes do not agree are let through */
    static PointTable read(Path file, Map<Column, String> columns, List<Column> needed, boolean mixed)
            throws IOException {
        return comparable(
                TableOptions.orUsage(file, TableOptions.COLUMN, () -> PointTable.read(file, columns, needed)), mixed);
    }

    /** The table, unless its hashes say that its points are not to be fitted together. */
    static PointTable comparable(PointTable table, boolean mixed) {
        Optional<Finding> refusal = mixed ? Optional.empty() : TableDiagnosis.refusal(table);
        if (refusal.isPresent()) {
            throw new CliException(ExitCode.FAILED, refusal.get().sentence());
        }
        return table;
    }
}
