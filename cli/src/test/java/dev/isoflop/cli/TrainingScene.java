package dev.isoflop.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.isoflop.cli.chaos.MadeUpText;
import dev.isoflop.cli.show.Screen;
import dev.isoflop.cli.show.SweepWatch;
import dev.isoflop.cli.sweepfile.LocatedYaml;
import dev.isoflop.protocol.api.MetricViews;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.api.Views;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.function.BooleanSupplier;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Two small models trained at two budgets by real runners of a real platform, and how such sweeps are looked at. */
final class TrainingScene {

    private static final List<String> REPRODUCIBLE =
            List.of("train/loss", "train/grad_norm", "train/learning_rate", "eval/loss");

    private TrainingScene() {}

    /** A fresh home for a test's processes, if they are packaged; otherwise the test is skipped. */
    static Path home(String name) throws IOException {
        assumeTrue(Processes.arePackaged(), "the platform and the runner are not packaged: ./isoflop build");
        Path home = Files.createTempDirectory("isoflop-" + name);
        System.out.println("home " + home);
        Files.createDirectories(home.resolve("logs"));
        return home;
    }

    /** A text to train on, the same each time. */
    static Path corpus(Path home) throws IOException {
        return Files.writeString(home.resolve("corpus.txt"), MadeUpText.of(new Random(1), 1_500_000));
    }

    static void assertSameCurves(Processes p, Views.Run disturbed, Views.Run undisturbed) {
        for (String metric : REPRODUCIBLE) {
            MetricViews.Series is = series(p, disturbed, metric);
            MetricViews.Series should = series(p, undisturbed, metric);
            String what = metric + " of " + disturbed.name();
            assertThat(is.reduced()).isFalse();
            assertThat(is.steps())
                    .as("no step of " + what + " is lost or doubled")
                    .isEqualTo(should.steps());
            assertThat(is.last()).as(what + " bit for bit").isEqualTo(should.last());
        }
        long steps = series(p, disturbed, "train/loss").points();
        assertThat(steps).as("a point for every step").isEqualTo(disturbed.steps());
        assertThat(disturbed.finalLoss()).isEqualTo(undisturbed.finalLoss());
    }

    static ObjectNode sweep(String name, Path corpus) throws Exception {
        return (ObjectNode) LocatedYaml.parse("""
                kind: isoflop
                name: %s
                experiment: kill-and-freeze
                dataset: {corpus: "%s", vocabSize: 300, validationModulus: 6}
                contextLength: 64
                models:
                  - {name: d24, dModel: 24, layers: 2, heads: 2}
                  - {name: d32, dModel: 32, layers: 2, heads: 2}
                budgets:
                  - {flops: 1e11, batchSequences: 4}
                  - {flops: 1.2e11, batchSequences: 4}
                training: {learningRate: 0.003, metricsEverySteps: 1, evalEverySteps: 100, evalTokens: 1024, checkpointEverySeconds: 1}
                target: 1e12
                maxEpochs: 50
                """.formatted(name, corpus)).tree();
    }

    static boolean checkpointed(Processes p, Views.Sweep sweep, String runner) {
        return SweepWatch.runs(p.api, sweep.id()).stream()
                .filter(r -> r.state() == RunState.RUNNING && runner.equals(r.runner()))
                .anyMatch(r -> {
                    JsonNode answer = p.api.get("/runs/" + r.id() + "/checkpoints", JsonNode.class);
                    return (answer.isArray() ? answer : answer.path("items")).size() > 0;
                });
    }

    static Views.Run heldBy(Processes p, Views.Sweep sweep, String runner) {
        return SweepWatch.runs(p.api, sweep.id()).stream()
                .filter(r -> r.state() == RunState.RUNNING && runner.equals(r.runner()))
                .findFirst()
                .orElseThrow();
    }

    static Views.Run run(Processes p, long id) {
        return p.api.get("/runs/" + id, Views.RunDetail.class).run();
    }

    /** The step from which the attempt after the disturbed one went on. */
    static long resumedFrom(Processes p, Views.Run disturbed) {
        JsonNode answer = p.api.get("/runs/" + disturbed.id() + "/attempts", JsonNode.class);
        return (answer.isArray() ? answer : answer.path("items"))
                .valueStream()
                .filter(a -> a.path("number").asInt() == disturbed.attempt() + 1)
                .mapToLong(a -> a.path("resumedFromStep").asLong())
                .findFirst()
                .orElse(0);
    }

    static MetricViews.Series series(Processes p, Views.Run run, String metric) {
        return p.api.get(
                "/runs/" + run.id() + "/metrics/series?maxPoints=10000&name=" + metric.replace("/", "%2F"),
                MetricViews.Series.class);
    }

    static List<Views.Run> finished(Processes p, Views.Sweep sweep) throws InterruptedException {
        await(
                "every run of " + sweep.name() + " has ended",
                () -> SweepWatch.runs(p.api, sweep.id()).stream()
                        .allMatch(r -> r.state().isTerminal()));
        return SweepWatch.runs(p.api, sweep.id());
    }

    static void await(String what, BooleanSupplier condition) throws InterruptedException {
        long begin = System.nanoTime();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime() - begin).as("in time: " + what).isLessThan(120_000_000_000L);
            Thread.sleep(50);
        }
        System.out.printf("%s after %.1f s%n", what, (System.nanoTime() - begin) * 1e-9);
    }

    static Screen quiet() {
        return new Screen(new PrintStream(PrintStream.nullOutputStream()), false);
    }
}
