package dev.isoflop.cli.account;

import dev.isoflop.cli.CliException;
import dev.isoflop.cli.ExitCode;
import dev.isoflop.cli.sweepfile.SweepFile;
import dev.isoflop.cli.sweepfile.SweepFileException;
import dev.isoflop.scaling.accounting.Question;
import dev.isoflop.scaling.accounting.Workload.Optimizer;
import dev.isoflop.scaling.flops.Precision;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A model of a sweep file, with the defaults that the platform gives it.
 *
 * @param batchSequences of the first budget that trains it; null if none does
 */
record SweepModel(
        Question.ModelFields fields, @Nullable Integer batchSequences, Precision precision, Optimizer optimizer) {

    private static final int VOCAB = 1024;
    private static final int CONTEXT = 128;

    /**
     * @param name of one of the file's models; null if it has one only
     * @throws CliException naming what is wrong and the fix
     */
    static SweepModel read(Path file, @Nullable String name) throws IOException {
        JsonNode sweep;
        try {
            sweep = SweepFile.read(file);
        } catch (SweepFileException e) {
            throw new CliException(
                    ExitCode.USAGE,
                    e.complaints().stream().map(c -> file + ", " + c).collect(Collectors.joining("\n")));
        }
        Map<String, JsonNode> models = new LinkedHashMap<>();
        sweep.path("models")
                .forEach(m -> models.put(
                        m.path("name").asString("d" + m.path("dModel").asInt()), m));
        if (models.isEmpty()) {
            throw new CliException(ExitCode.USAGE, file + " has no models; a sweep of kind isoflop has.");
        }
        String names = String.join(", ", models.keySet());
        if (name == null && models.size() > 1) {
            throw new CliException(ExitCode.USAGE, file + " has several models; say --model " + names + ".");
        }
        String chosen = name == null ? models.keySet().iterator().next() : name;
        JsonNode model = models.get(chosen);
        if (model == null) {
            throw new CliException(
                    ExitCode.USAGE, "--model " + chosen + " is not in " + file + "; there are " + names + ".");
        }
        JsonNode training = sweep.path("training");
        return new SweepModel(
                new Question.ModelFields(
                        sweep.path("dataset").path("vocabSize").asInt(VOCAB),
                        sweep.path("contextLength").asInt(CONTEXT),
                        whole(model, "dModel"),
                        whole(model, "layers"),
                        whole(model, "heads"),
                        whole(model, "kvHeads"),
                        null,
                        whole(model, "dFf"),
                        null,
                        null,
                        null,
                        null,
                        model.path("tiedEmbeddings").asBoolean(true),
                        model.path("qkNorm").asBoolean(false),
                        null,
                        null,
                        null),
                batch(sweep, chosen),
                Precision.valueOf(training.path("precision").asString("FP32")),
                Optimizer.valueOf(training.path("optimizer").asString("ADAMW")));
    }

    private static @Nullable Integer whole(JsonNode model, String field) {
        JsonNode value = model.path(field);
        return value.isNumber() ? value.asInt() : null;
    }

    private static @Nullable Integer batch(JsonNode sweep, String model) {
        for (JsonNode budget : sweep.path("budgets")) {
            JsonNode models = budget.path("models");
            boolean all = !models.isArray();
            if (all || models.valueStream().anyMatch(m -> m.asString("").equals(model))) {
                return budget.path("batchSequences").asInt(1);
            }
        }
        return null;
    }
}
