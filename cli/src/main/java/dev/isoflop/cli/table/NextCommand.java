package dev.isoflop.cli.table;

import dev.isoflop.cli.CliException;
import dev.isoflop.cli.ExitCode;
import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.cli.show.Json;
import dev.isoflop.cli.show.Numbers;
import dev.isoflop.cli.show.TargetText;
import dev.isoflop.scaling.design.CandidateRuns;
import dev.isoflop.scaling.design.SequentialDesign;
import dev.isoflop.scaling.flops.ParameterConvention;
import dev.isoflop.scaling.flops.Precision;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.plan.Ladder;
import dev.isoflop.scaling.plan.LearningRateRule;
import dev.isoflop.scaling.plan.PlanLimits;
import dev.isoflop.scaling.plan.PlannedCell;
import dev.isoflop.scaling.plan.RecipeRule;
import dev.isoflop.scaling.plan.TrainableRuns;
import dev.isoflop.scaling.question.NextAnswer;
import dev.isoflop.scaling.question.NextQuestion;
import dev.isoflop.scaling.question.QuestionException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code isoflop next}: which run to train next, or which to begin with. */
@Command(
        name = "next",
        description = {
            "Says which run to train next: the one that says most, per FLOP, of the target. Without a table, which runs to begin with. Needs no platform; isoflop grow does it to a sweep.",
        },
        footer = {
            "",
            "Example:",
            "  isoflop next --min-run 1e18 --max-run 3e20",
            "  isoflop next runs.csv --target 1e21 --min-run 1e16 --max-run 1e18 --vocab-size 32000 --context-length 1024",
            "  isoflop next runs.csv --target 1e24 --min-run 1e18 --max-run 3e20 --budget 2.5e21 --runs 4"
        })
public final class NextCommand implements Callable<Integer> {

    @Parameters(
            paramLabel = "TABLE",
            arity = "0..1",
            description = "A CSV or Parquet file of the runs so far: N, D or C, and loss.")
    private @Nullable Path file;

    @Mixin
    private NextOptions options = new NextOptions();

    @Option(
            names = "--vocab-size",
            description = "Round to models of the ladder that isoflop plan uses, with this vocabulary.")
    private @Nullable Integer vocabSize;

    @Option(names = "--context-length", description = "Of those models (default 256).")
    private @Nullable Integer contextLength;

    @Mixin
    private TableOptions table = new TableOptions();

    @Override
    public Integer call() throws IOException {
        try {
            NextQuestion question = options.question(options.target());
            if (file == null) {
                begin(question.candidates());
                return ExitCode.OK.code();
            }
            List<FitPoint> points = table.read(file).points();
            double spent = points.stream().mapToDouble(FitPoint::C).sum();
            show(spent, TableOptions.orFail(question.answer(points, trainable())));
            return ExitCode.OK.code();
        } catch (QuestionException e) {
            throw OptionNames.usage(e, NextOptions.NAMES);
        } catch (IllegalArgumentException e) {
            throw new CliException(ExitCode.USAGE, e.getMessage() + ".");
        }
    }

    private @Nullable TrainableRuns trainable() {
        if (vocabSize == null) {
            if (contextLength != null) {
                throw new CliException(ExitCode.USAGE, "--context-length is of whole models: say --vocab-size, too.");
            }
            return null;
        }
        int context = contextLength == null ? 256 : contextLength;
        if (vocabSize < 2 || context < 1) {
            throw new CliException(ExitCode.USAGE, "--vocab-size and --context-length must be positive.");
        }
        return new TrainableRuns(
                Ladder.of(vocabSize, context).shapes(),
                ParameterConvention.TOTAL,
                RecipeRule.defaults(context),
                LearningRateRule.defaults(),
                1,
                0,
                PlanLimits.defaults(),
                Precision.FP32);
    }

    private void begin(CandidateRuns candidates) {
        List<CandidateRuns.Run> beginning = candidates.beginning();
        if (table.asJson()) {
            ObjectNode root = ApiClient.mapper().createObjectNode();
            ArrayNode array = root.putArray("runs");
            beginning.forEach(run -> put(array.addObject(), run));
            Json.print(root);
            return;
        }
        System.out.println("Begin with these, then ask again with their losses in a table:");
        beginning.forEach(run -> System.out.println("  " + words(run)));
    }

    private void show(double spent, NextAnswer answer) {
        SequentialDesign.Next next = answer.next();
        if (table.asJson()) {
            ObjectNode root = ApiClient.mapper().createObjectNode();
            ReportShow.put(root, "spent", spent);
            ReportShow.put(root, "noise", next.noise());
            ReportShow.put(root, "value", next.value());
            ReportShow.put(root, "standardDeviation", next.sd());
            ArrayNode array = root.putArray("runs");
            for (int i = 0; i < next.choices().size(); i++) {
                SequentialDesign.Choice choice = next.choices().get(i);
                ObjectNode node = array.addObject();
                put(node, choice.run());
                if (!answer.cells().isEmpty()) {
                    PlannedCell cell = answer.cells().get(i);
                    node.put("dModel", cell.shape().dModel());
                    node.put("layers", cell.shape().layers());
                    node.put("steps", cell.steps());
                    node.put("batchSequences", cell.batchSequences());
                }
                ReportShow.put(node, "before", choice.sdBefore());
                ReportShow.put(node, "after", choice.sdAfter());
                ReportShow.put(node, "saves", choice.saves());
                node.put("pays", choice.pays());
            }
            if (answer.caution() != null) {
                root.put("caution", answer.caution());
            }
            Json.print(root);
            return;
        }
        System.out.printf(
                Locale.ROOT,
                "%s FLOPs spent; a run's loss is good to %.2f %%. %s.%n",
                Numbers.power(spent),
                100 * next.noise(),
                capital(TargetText.known(options.of(), next.value(), next.sd())));
        for (int i = 0; i < next.choices().size(); i++) {
            SequentialDesign.Choice choice = next.choices().get(i);
            PlannedCell cell = answer.cells().isEmpty() ? null : answer.cells().get(i);
            String gain = TargetText.then(options.of(), choice.sdAfter(), choice.saves());
            System.out.println("  " + (cell == null ? "" : model(cell) + ", ") + words(choice.run()) + ": " + gain);
        }
        System.out.println("  " + next.sentence());
        if (answer.caution() != null) {
            System.out.println("  But: " + answer.caution());
        }
    }

    private static String capital(String words) {
        return words.substring(0, 1).toUpperCase(Locale.ROOT) + words.substring(1);
    }

    private static String model(PlannedCell cell) {
        return "width %d in %d layers, %d steps of %d tokens"
                .formatted(cell.shape().dModel(), cell.shape().layers(), cell.steps(), cell.tokensPerStep());
    }

    private static String words(CandidateRuns.Run run) {
        return String.format(
                Locale.ROOT,
                "N = %s, D = %s (%s FLOPs, %s tokens a parameter)",
                Numbers.count(run.N()),
                Numbers.count(run.D()),
                Numbers.power(run.C()),
                Numbers.count(run.D() / run.N()));
    }

    private static void put(ObjectNode node, CandidateRuns.Run run) {
        ReportShow.put(node, "N", run.N());
        ReportShow.put(node, "D", run.D());
        ReportShow.put(node, "C", run.C());
    }
}
