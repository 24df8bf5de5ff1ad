package dev.isoflop.cli.table;

import dev.isoflop.cli.CliException;
import dev.isoflop.cli.ExitCode;
import dev.isoflop.cli.show.Json;
import dev.isoflop.cli.table.DownstreamShow.Told;
import dev.isoflop.scaling.downstream.Checkpoint;
import dev.isoflop.scaling.downstream.DownstreamFit;
import dev.isoflop.scaling.downstream.DownstreamOptions;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.fit.ParametricOptions.Resampling;
import dev.isoflop.scaling.law.ComputeOptimum;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.Law;
import dev.isoflop.scaling.law.form.Chinchilla;
import dev.isoflop.scaling.law.form.Forms;
import dev.isoflop.scaling.table.CheckpointTable;
import dev.isoflop.scaling.table.Column;
import dev.isoflop.scaling.table.PointTable;
import dev.isoflop.scaling.table.TaskTables;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code isoflop downstream RUNS.csv CHECKPOINTS.csv}: the accuracy of a larger run, in two steps. */
@Command(
        name = "downstream",
        description = {
            "Says what accuracy a larger run will reach on a task: a law of bits per byte fitted to runs that ended, and a sigmoid from bits per byte to accuracy fitted to checkpoints; needs no platform.",
        },
        footer = {
            "",
            "Example:",
            "  isoflop downstream runs.csv checkpoints.csv --task arc_easy --target 7e9:4e12",
            "  isoflop downstream runs.csv checkpoints.csv --task all --target-flops 1e23 --json",
            "  isoflop downstream runs.csv checkpoints.csv --task arc_easy --leave-out '13B*' --target 13e9:5e12"
        })
public final class DownstreamCommand implements Callable<Integer> {

    private static final String ALL = "all";
    private static final String CHECKPOINT_COLUMN = "--checkpoint-column";
    private static final Set<Law.Input> OF_A_TARGET = Set.of(Law.Input.N, Law.Input.D, Law.Input.C);

    @Parameters(
            paramLabel = "RUNS",
            description =
                    "A CSV or Parquet file of runs that ended, with columns N, D or C, and BPB (bits per byte on the task's answers; LOSS if there is none); TASK if it is of several.")
    private Path runs = Path.of("");

    @Parameters(
            paramLabel = "CHECKPOINTS",
            description =
                    "One of checkpoints, with columns BPB and ACCURACY; GROUP or MODEL (the run or model that they are of), TASK.")
    private Path checkpoints = Path.of("");

    @Option(names = "--task", paramLabel = "NAME", description = "Which task, where the tables have several, or all.")
    private @Nullable String task;

    @Option(
            names = "--target",
            paramLabel = "N:D",
            description = "Parameters and training tokens of a run to predict, such as 7e9:4e12; may be repeated.")
    private List<String> targets = new ArrayList<>();

    @Option(
            names = "--target-flops",
            paramLabel = "C",
            description =
                    "The run with the fewest bits per byte for C = 6 N D FLOPs by the first step's law; may be repeated.")
    private List<Double> budgets = new ArrayList<>();

    @Option(
            names = "--leave-out",
            paramLabel = "NAME",
            description =
                    "Leave a run or model out of both tables, such as the one to be predicted; * stands for anything. May be repeated.")
    private List<String> without = new ArrayList<>();

    @Option(
            names = "--law",
            description = "Of bits per byte: chinchilla (default), kaplan, over-training, envelope or envelope:E.")
    private String law = "chinchilla";

    @Option(
            names = "--skip",
            paramLabel = "SHARE",
            description =
                    "Share of each run's checkpoints to leave out at its beginning (default 0; Bhagia et al.: 0.1).")
    private double skip;

    @Option(
            names = "--window",
            description = "Average each checkpoint with as many before it as make this (default 1; Bhagia et al.: 5).")
    private int window = 1;

    @Option(names = "--level", description = "Of the intervals (default 0.9).")
    private double level = 0.9;

    @Option(names = "--resamples", description = "Bootstrap draws of runs and of runs' checkpoints (default 500).")
    private int resamples = 500;

    @Option(names = "--seed", description = "Seed of the draws (default 42).")
    private long seed = 42;

    @Option(
            names = CHECKPOINT_COLUMN,
            paramLabel = "WHAT=NAME",
            description = "As --column, of CHECKPOINTS; --column is of RUNS.")
    private Map<Column, String> checkpointColumns = new LinkedHashMap<>();

    @Mixin
    private TableOptions table = new TableOptions();

    @Override
    public Integer call() throws IOException {
        DownstreamOptions options;
        List<double[]> sizes = targets.stream().map(DownstreamCommand::size).toList();
        try {
            Checkpoint.ofRun("", new double[0], new double[0], skip, window);
            options = DownstreamOptions.defaults()
                    .withLaw(law())
                    .withResamples(resamples)
                    .withSeed(seed)
                    .withLevel(level);
        } catch (IllegalArgumentException e) {
            throw new CliException(ExitCode.USAGE, "--" + e.getMessage() + ".");
        }
        for (double budget : budgets) {
            if (!(budget > 0) || Double.isInfinite(budget)) {
                throw new CliException(ExitCode.USAGE, "--target-flops is positive and finite, was " + budget + ".");
            }
        }
        TaskTables tables = tables();
        List<Told> told = new ArrayList<>();
        for (String each : chosen(tables)) {
            told.add(told(each, tables.of(each), options, sizes));
        }
        if (table.asJson()) {
            Json.print(DownstreamShow.json(runs, checkpoints, tables, options, told));
        } else {
            DownstreamShow.lines(tables, options, told).forEach(System.out::println);
        }
        return (told.stream().anyMatch(t -> t.outcome().converged()) ? ExitCode.OK : ExitCode.FAILED).code();
    }

    private static double[] size(String text) {
        String[] parts = text.split(":", -1);
        try {
            if (parts.length == 2) {
                double[] size = {Double.parseDouble(parts[0]), Double.parseDouble(parts[1])};
                FitPoint.of(size[0], size[1], 1);
                return size;
            }
        } catch (IllegalArgumentException e) {
            // numbers that are none, or of no run: said below
        }
        throw new CliException(
                ExitCode.USAGE,
                "--target is N:D, parameters and training tokens, both positive, such as 7e9:4e12; was '" + text
                        + "'.");
    }

    private Law law() {
        Optional<Law> found;
        try {
            found = Forms.named(law).filter(DownstreamCommand::isOfATarget);
        } catch (IllegalArgumentException e) {
            throw new CliException(ExitCode.USAGE, "--law: " + e.getMessage() + ".");
        }
        if (found.isEmpty()) {
            throw new CliException(
                    ExitCode.USAGE,
                    "--law: a target is known by N, D and C alone, so the law is one of "
                            + Forms.all().stream()
                                    .filter(DownstreamCommand::isOfATarget)
                                    .map(Law::name)
                                    .collect(Collectors.joining(", "))
                            + "; was '" + law + "'.");
        }
        if (!budgets.isEmpty() && !(found.get() instanceof Chinchilla)) {
            throw new CliException(
                    ExitCode.USAGE,
                    "--target-flops is the optimum of chinchilla, and --law is " + law
                            + "; say the run with --target N:D.");
        }
        return found.get();
    }

    private static boolean isOfATarget(Law law) {
        return OF_A_TARGET.containsAll(law.inputs());
    }

    private TaskTables tables() throws IOException {
        PointTable first = table.readBitsPerByte(runs);
        CheckpointTable second = TableOptions.orUsage(
                checkpoints, CHECKPOINT_COLUMN, () -> CheckpointTable.read(checkpoints, checkpointColumns));
        TaskTables tables = new TaskTables(first, second);
        for (String name : without) {
            TaskTables kept = tables.without(name);
            if (kept.runs().points().size() == tables.runs().points().size()
                    && kept.checkpoints().rows().size()
                            == tables.checkpoints().rows().size()) {
                throw new CliException(
                        ExitCode.USAGE, "--leave-out: neither table has a run or model called '" + name + "'.");
            }
            tables = kept;
        }
        return tables;
    }

    /** Tasks to be told of; one without a name where no table names any. */
    private List<String> chosen(TaskTables tables) {
        List<String> tasks = tables.tasks();
        String names = String.join(", ", tasks);
        if (tasks.isEmpty()) {
            if (!tables.isPaired() || !tables.checkpoints().tasks().isEmpty()) {
                throw new CliException(ExitCode.USAGE, "The tables have no task in common.");
            }
            if (task != null && !task.equals(ALL)) {
                throw new CliException(
                        ExitCode.USAGE,
                        "--task: neither table says which task its rows are of; name the column with --column TASK=NAME.");
            }
            return List.of("");
        }
        if (task == null && tasks.size() > 1) {
            throw new CliException(
                    ExitCode.USAGE, "The tables are of several tasks; choose with --task: " + names + ", or all.");
        }
        if (task != null && !task.equals(ALL) && !tasks.contains(task)) {
            throw new CliException(
                    ExitCode.USAGE, "--task: the tables have no task '" + task + "'; they have " + names + ".");
        }
        if (tasks.size() > 1 && ALL.equals(task) && !tables.isPaired()) {
            throw new CliException(
                    ExitCode.USAGE,
                    "--task all: only one of the tables says which task its rows are of; name the other's column with --column or --checkpoint-column TASK=NAME.");
        }
        return task == null || task.equals(ALL) ? tasks : List.of(task);
    }

    private Told told(String name, TaskTables of, DownstreamOptions options, List<double[]> sizes) {
        List<FitPoint> points = of.runs().points();
        List<String> notes = new ArrayList<>();
        List<Checkpoint> smoothed;
        FitOutcome<DownstreamFit> outcome;
        boolean grouped = of.checkpoints().isGrouped();
        if (!grouped) {
            notes.add("the checkpoints are not known to be of several runs, so they are drawn one by one, and intervals"
                    + " are narrower than they should be; name the run's column with --checkpoint-column GROUP=NAME");
        }
        try {
            smoothed = of.checkpoints().checkpoints(skip, window);
        } catch (IllegalArgumentException e) {
            throw new CliException(
                    ExitCode.USAGE,
                    "--skip and --window: " + e.getMessage()
                            + "; name the run's column with --checkpoint-column GROUP=NAME.");
        }
        try {
            outcome = DownstreamFit.of(
                    points,
                    smoothed,
                    options.withRuns(Resampling.GROUPS)
                            .withCheckpoints(grouped ? Resampling.GROUPS : Resampling.POINTS),
                    Runtime.getRuntime().availableProcessors());
        } catch (IllegalArgumentException e) {
            throw new CliException(ExitCode.USAGE, e.getMessage() + ".");
        }
        List<Told.Target> predictions = new ArrayList<>();
        if (outcome instanceof FitOutcome.Converged<DownstreamFit>(DownstreamFit fit)) {
            sizes.forEach(size -> predictions.add(new Told.Target(fit.predict(size[0], size[1]), null)));
            for (double budget : budgets) {
                Optional<ComputeOptimum> optimum = fit.optimum(budget);
                optimum.ifPresentOrElse(
                        o -> predictions.add(new Told.Target(fit.predict(o.N(), o.D()), budget)),
                        () -> notes.add("the law of bits per byte has no optimum at C = " + budget
                                + ": more parameters or more tokens alone lower it"));
            }
            notes.addAll(ends(fit));
        }
        double least = smoothed.stream().mapToDouble(Checkpoint::bpb).min().orElse(0);
        return new Told(name, points.size(), of.checkpoints(), smoothed.size(), least, outcome, predictions, notes);
    }

    private static List<String> ends(DownstreamFit fit) {
        // b ends at 1, full accuracy at no loss, wherever the anchor is near the rest
        String names = Stream.concat(
                        fit.bpb().atEnd().stream(),
                        fit.accuracy().atEnd().stream().filter(each -> !each.equals("b")))
                .collect(Collectors.joining(", "));
        return names.isEmpty()
                ? List.of()
                : List.of(names + " came out at an end of the values allowed, or is not determined by the tables");
    }
}
