package dev.isoflop.cli;

import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.cli.client.ApiException;
import dev.isoflop.cli.show.Numbers;
import dev.isoflop.cli.show.Screen;
import dev.isoflop.cli.sweepfile.SweepFile;
import dev.isoflop.cli.sweepfile.SweepFileException;
import dev.isoflop.protocol.api.Page;
import dev.isoflop.protocol.api.Views;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A sweep file on its way to the platform: checked, its dataset prepared, the sweep created.
 *
 * <p>Crash: every request carries a key made from its body, so that submitting again after a broken line creates nothing
 * twice.
 */
public final class Submission {

    private final ApiClient api;
    private final Screen screen;

    public Submission(ApiClient api, Screen screen) {
        this.api = api;
        this.screen = screen;
    }

    /** Reads and checks a file; complaints become one message, a line each. */
    public static ObjectNode read(Path file) {
        try {
            ObjectNode sweep = SweepFile.read(file);
            resolveCorpus(sweep, file);
            includeFiles(sweep, file);
            return sweep;
        } catch (SweepFileException e) {
            StringBuilder text = new StringBuilder("The sweep file " + file + " is not valid:");
            e.complaints().forEach(c -> text.append("\n  ").append(c));
            throw new CliException(ExitCode.USAGE, text.toString());
        } catch (NoSuchFileException e) {
            throw new CliException(
                    ExitCode.USAGE, "There is no file " + file + "; examples/ holds sweeps to start from.");
        } catch (IOException e) {
            throw new CliException(ExitCode.USAGE, "The sweep file " + file + " cannot be read: " + e.getMessage());
        }
    }

    /** A corpus that exists beside the sweep file is meant, wherever the command is run from. */
    static void resolveCorpus(ObjectNode sweep, Path file) {
        JsonNode corpus = sweep.path("dataset").path("corpus");
        if (corpus.isString() && !corpus.asString().startsWith("npm:")) {
            Path directory = file.toAbsolutePath().getParent();
            Path path = directory == null ? Path.of(corpus.asString()) : directory.resolve(corpus.asString());
            if (Files.exists(path) && sweep.path("dataset") instanceof ObjectNode dataset) {
                dataset.put("corpus", path.normalize().toString());
            }
        }
    }

    /** A file of a sweep of commands written as {@code @path} is the one at that path, counted from the sweep file. */
    static void includeFiles(ObjectNode sweep, Path file) throws IOException {
        if (!(sweep.path("files") instanceof ObjectNode files)) {
            return;
        }
        for (String name : List.copyOf(files.propertyNames())) {
            String content = files.path(name).asString("");
            if (content.startsWith("@")) {
                Path path = file.toAbsolutePath()
                        .resolveSibling(content.substring(1))
                        .normalize();
                if (!Files.isRegularFile(path)) {
                    throw new CliException(
                            ExitCode.USAGE, "The sweep file " + file + " includes " + path + ", which is no file.");
                }
                files.put(name, Files.readString(path));
            }
        }
    }

    /** Prepares the sweep's dataset, if it has one, and waits for it, showing what its run logs. */
    public Views.Dataset prepare(ObjectNode sweep) throws InterruptedException {
        JsonNode spec = sweep.path("dataset");
        Views.Dataset dataset = api.post("/datasets", spec, key(spec), Views.Dataset.class);
        String after = "";
        while (true) {
            after = showLog(dataset.runId(), after);
            switch (dataset.state()) {
                case "ready" -> {
                    screen.line(describe(dataset));
                    return dataset;
                }
                case "failed" -> throw new CliException(ExitCode.FAILED, failure(dataset));
                default -> {
                    Thread.sleep(300);
                    dataset = api.get("/datasets/" + dataset.id(), Views.Dataset.class);
                }
            }
        }
    }

    /** Creates the sweep. The same file submitted again answers with the sweep it made the first time. */
    public Views.Sweep submit(ObjectNode sweep) {
        return submit(sweep, null);
    }

    /**
     * As {@link #submit(ObjectNode)}.
     *
     * @param predictFrom fit that predicts every run, if one is to
     */
    public Views.Sweep submit(ObjectNode sweep, @Nullable Long predictFrom) {
        return predictFrom == null
                ? api.post("/sweeps", sweep, key(sweep), Views.Sweep.class)
                : api.post(
                        "/sweeps?predictFrom=" + predictFrom,
                        sweep,
                        key(sweep) + "-predicted-" + predictFrom,
                        Views.Sweep.class);
    }

    /** What the platform would do with it. */
    public Views.Plan plan(ObjectNode sweep) {
        return api.post("/sweeps?validateOnly=true", sweep, key(sweep) + "-plan", Views.Plan.class);
    }

    /** The plan in a few lines. */
    public static String summary(Views.Plan plan) {
        if (plan.totalFlops() == 0) {
            return commands(plan);
        }
        double budgets = plan.runs().stream()
                .mapToDouble(Views.PlannedRun::budget)
                .distinct()
                .count();
        long smallest = plan.runs().stream()
                .mapToLong(Views.PlannedRun::parameters)
                .min()
                .orElse(0);
        long largest = plan.runs().stream()
                .mapToLong(Views.PlannedRun::parameters)
                .max()
                .orElse(0);
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT,
                "%d runs at %.0f budgets, %s to %s parameters, %s FLOPs and %s tokens in all",
                plan.runs().size(),
                budgets,
                Numbers.count(smallest),
                Numbers.count(largest),
                Numbers.power(plan.totalFlops()),
                Numbers.count(plan.totalTokens())));
        for (Views.Dropped d : plan.dropped()) {
            text.append("\n  not trained: ")
                    .append(d.label())
                    .append(" (")
                    .append(d.reason())
                    .append(')');
        }
        return text.toString();
    }

    private static String commands(Views.Plan plan) {
        StringBuilder text = new StringBuilder(
                plan.runs().size() == 1 ? "1 run of a command" : plan.runs().size() + " runs of a command");
        plan.runs().stream().limit(5).forEach(run -> text.append("\n  ").append(run.name()));
        if (plan.runs().size() > 5) {
            text.append("\n  and ").append(plan.runs().size() - 5).append(" more");
        }
        if (!plan.dropped().isEmpty()) {
            text.append("\n  not run: ").append(plan.dropped().size()).append(" drawn before with the same values");
        }
        return text.toString();
    }

    static String key(Object body) {
        try {
            byte[] hash =
                    MessageDigest.getInstance("SHA-256").digest(body.toString().getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    private String showLog(long runId, String after) {
        try {
            Page<Views.LogLine> page =
                    api.get("/runs/" + runId + "/logs?limit=200" + after, new TypeReference<Page<Views.LogLine>>() {});
            String cursor = after;
            for (Views.LogLine line : page.items()) {
                if (!line.level().equals("ERROR")) { // the failure is told when the attempts are over, and once
                    screen.line("  " + line.text());
                }
                cursor = "&after=" + line.seq();
            }
            return page.next() == null ? cursor : "&after=" + page.next();
        } catch (ApiException e) {
            return after; // the log is a courtesy
        }
    }

    private static String describe(Views.Dataset dataset) {
        var detail = dataset.detail();
        return detail == null
                ? "Dataset ready."
                : String.format(
                        Locale.ROOT,
                        "Dataset ready: %s training and %s held-out tokens from %d documents, vocabulary %d.",
                        Numbers.count(detail.trainTokens()),
                        Numbers.count(detail.validationTokens()),
                        detail.trainDocuments() + detail.validationDocuments(),
                        detail.vocabSize());
    }

    private String failure(Views.Dataset dataset) {
        Views.@Nullable Failure failure =
                api.get("/runs/" + dataset.runId(), Views.RunDetail.class).run().failure();
        return "The dataset could not be prepared: "
                + (failure == null ? "see the log of run " + dataset.runId() : failure.message());
    }
}
