package dev.isoflop.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.isoflop.cli.chaos.MadeUpText;
import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.cli.client.ApiException;
import dev.isoflop.cli.show.Screen;
import dev.isoflop.cli.show.SweepWatch;
import dev.isoflop.cli.sweepfile.LocatedYaml;
import dev.isoflop.protocol.api.MetricViews;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.api.Views;
import dev.isoflop.protocol.runner.FinishAttempt;
import dev.isoflop.protocol.runner.MetricBatch;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Two runners at work on one platform, all real processes: one is killed, one is frozen past its lease and thawed. Every
 * run finishes once, no metric is lost or doubled, the thawed runner's writes are refused, and each loss curve equals
 * that of an undisturbed run bit for bit. {@code -Dkill.repeat=N} repeats it.
 */
class KillAndFreezeIT {

    private static final List<String> REPRODUCIBLE =
            List.of("train/loss", "train/grad_norm", "train/learning_rate", "eval/loss");

    @TestFactory
    Stream<DynamicTest> aKilledAndAFrozenRunnerLeaveNoTrace() {
        assumeTrue(Processes.arePackaged(), "the platform and the runner are not packaged: ./isoflop build");
        assumeTrue(!System.getProperty("os.name").startsWith("Windows"), "freezing a process needs POSIX signals");
        String repeat = System.getProperty("kill.repeat", "1");
        return IntStream.rangeClosed(1, repeat.matches("\\d+") ? Integer.parseInt(repeat) : 1)
                .mapToObj(i -> DynamicTest.dynamicTest("round " + i, KillAndFreezeIT::round));
    }

    private static void round() throws Exception {
        Path home = Files.createTempDirectory("isoflop-kill");
        System.out.println("home " + home);
        Files.createDirectories(home.resolve("logs"));
        Path corpus = home.resolve("corpus.txt");
        Files.writeString(corpus, MadeUpText.of(new Random(1), 1_500_000));
        try (Processes p = Processes.start(
                home,
                "--isoflop.lease.heartbeat=1s",
                "--isoflop.lease.suspect=2500ms",
                "--isoflop.lease.ttl=5s",
                "--isoflop.lease.reaper-interval=250ms",
                "--isoflop.lease.backoff=100ms",
                "--isoflop.lease.backoff-max=200ms")) {
            Process killed = p.runner("killed", 1);
            Process frozen = p.runner("frozen", 1);
            Submission submission = new Submission(p.api, quiet());
            ObjectNode sweep = sweep("disturbed", corpus);
            submission.prepare(sweep);
            Views.Sweep disturbed = submission.submit(sweep);

            await(
                    "both runners have committed a checkpoint",
                    () -> checkpointed(p, disturbed, "killed") && checkpointed(p, disturbed, "frozen"));
            Views.Run killedRun = heldBy(p, disturbed, "killed");
            Views.Run frozenRun = heldBy(p, disturbed, "frozen");
            killed.destroyForcibly();
            Processes.signal(frozen, "STOP");
            Process spare = p.runner("spare", 2);
            await("the frozen runner's run has gone on elsewhere", () -> {
                Views.Run now = run(p, frozenRun.id());
                return now.attempt() > frozenRun.attempt() && now.state() != RunState.QUEUED;
            });
            Processes.signal(frozen, "CONT");

            List<Views.Run> runs = finished(p, disturbed);
            assertThat(runs).allMatch(r -> r.state() == RunState.SUCCEEDED);
            for (Views.Run run : runs) {
                assertThat(events(p, run.id(), RunState.SUCCEEDED))
                        .as(run.name() + " finishes once")
                        .isEqualTo(1);
            }
            assertThat(run(p, killedRun.id()).attempt()).isGreaterThan(killedRun.attempt());
            assertThat(resumedFrom(p, killedRun))
                    .as("the killed run went on from a checkpoint")
                    .isPositive();
            assertThat(resumedFrom(p, frozenRun))
                    .as("the frozen run went on from a checkpoint")
                    .isPositive();
            assertRefused(p, frozenRun);
            assertThat(Files.readString(p.log("frozen")))
                    .contains(
                            "run " + frozenRun.id() + " attempt " + frozenRun.attempt() + ": dropped without a report");

            ObjectNode again = sweep("undisturbed", corpus);
            List<Views.Run> undisturbed = finished(p, submission.submit(again));
            assertThat(undisturbed).hasSameSizeAs(runs).allMatch(r -> r.attempt() == 1);
            for (int i = 0; i < runs.size(); i++) {
                assertThat(undisturbed.get(i).name()).isEqualTo(runs.get(i).name());
                assertSameCurves(p, runs.get(i), undisturbed.get(i));
            }
            spare.destroy();
        }
    }

    private static void assertSameCurves(Processes p, Views.Run disturbed, Views.Run undisturbed) {
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

    /** The old attempt's right to write is gone for good, whatever it would write. */
    private static void assertRefused(Processes p, Views.Run frozen) {
        ApiClient runner = new ApiClient(p.api.url(), p.runnerToken);
        String attempt = "/runs/" + frozen.id() + "/attempts/" + frozen.attempt();
        MetricBatch batch = new MetricBatch(
                0,
                List.of(new MetricBatch.Series(
                        "train/loss", new long[] {1}, new double[] {99}, new long[] {System.currentTimeMillis()})));
        assertThatThrownBy(() -> runner.post(attempt + "/metrics", batch, null, JsonNode.class))
                .isInstanceOfSatisfying(
                        ApiException.class,
                        e -> assertThat(e.is("stale-attempt")).isTrue());
        FinishAttempt finish = new FinishAttempt(FinishAttempt.Outcome.PREEMPTED, null, null);
        assertThatThrownBy(() -> runner.post(attempt + "/finish", finish, null, JsonNode.class))
                .isInstanceOfSatisfying(
                        ApiException.class,
                        e -> assertThat(e.is("stale-attempt")).isTrue());
    }

    private static ObjectNode sweep(String name, Path corpus) throws Exception {
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

    private static boolean checkpointed(Processes p, Views.Sweep sweep, String runner) {
        return SweepWatch.runs(p.api, sweep.id()).stream()
                .filter(r -> r.state() == RunState.RUNNING && runner.equals(r.runner()))
                .anyMatch(r -> {
                    JsonNode answer = p.api.get("/runs/" + r.id() + "/checkpoints", JsonNode.class);
                    return (answer.isArray() ? answer : answer.path("items")).size() > 0;
                });
    }

    private static Views.Run heldBy(Processes p, Views.Sweep sweep, String runner) {
        return SweepWatch.runs(p.api, sweep.id()).stream()
                .filter(r -> r.state() == RunState.RUNNING && runner.equals(r.runner()))
                .findFirst()
                .orElseThrow();
    }

    private static Views.Run run(Processes p, long id) {
        return p.api.get("/runs/" + id, Views.RunDetail.class).run();
    }

    private static long events(Processes p, long id, RunState to) {
        JsonNode answer = p.api.get("/runs/" + id + "/events", JsonNode.class);
        return (answer.isArray() ? answer : answer.path("items"))
                .valueStream()
                .filter(e -> e.path("to").asString("").equals(to.wireName()))
                .count();
    }

    /** The step from which the attempt after the disturbed one went on. */
    private static long resumedFrom(Processes p, Views.Run disturbed) {
        JsonNode answer = p.api.get("/runs/" + disturbed.id() + "/attempts", JsonNode.class);
        return (answer.isArray() ? answer : answer.path("items"))
                .valueStream()
                .filter(a -> a.path("number").asInt() == disturbed.attempt() + 1)
                .mapToLong(a -> a.path("resumedFromStep").asLong())
                .findFirst()
                .orElse(0);
    }

    private static MetricViews.Series series(Processes p, Views.Run run, String metric) {
        return p.api.get(
                "/runs/" + run.id() + "/metrics/series?maxPoints=10000&name=" + metric.replace("/", "%2F"),
                MetricViews.Series.class);
    }

    private static List<Views.Run> finished(Processes p, Views.Sweep sweep) throws InterruptedException {
        await(
                "every run of " + sweep.name() + " has ended",
                () -> SweepWatch.runs(p.api, sweep.id()).stream()
                        .allMatch(r -> r.state().isTerminal()));
        return SweepWatch.runs(p.api, sweep.id());
    }

    private static void await(String what, BooleanSupplier condition) throws InterruptedException {
        long begin = System.nanoTime();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime() - begin).as("in time: " + what).isLessThan(120_000_000_000L);
            Thread.sleep(50);
        }
        System.out.printf("%s after %.1f s%n", what, (System.nanoTime() - begin) * 1e-9);
    }

    private static Screen quiet() {
        return new Screen(new PrintStream(PrintStream.nullOutputStream()), false);
    }
}
