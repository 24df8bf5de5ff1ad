package dev.isoflop.cli;

import static dev.isoflop.cli.TrainingScene.assertSameCurves;
import static dev.isoflop.cli.TrainingScene.await;
import static dev.isoflop.cli.TrainingScene.checkpointed;
import static dev.isoflop.cli.TrainingScene.corpus;
import static dev.isoflop.cli.TrainingScene.finished;
import static dev.isoflop.cli.TrainingScene.heldBy;
import static dev.isoflop.cli.TrainingScene.home;
import static dev.isoflop.cli.TrainingScene.quiet;
import static dev.isoflop.cli.TrainingScene.resumedFrom;
import static dev.isoflop.cli.TrainingScene.run;
import static dev.isoflop.cli.TrainingScene.sweep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.cli.client.ApiException;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.api.Views;
import dev.isoflop.protocol.runner.FinishAttempt;
import dev.isoflop.protocol.runner.MetricBatch;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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

    @TestFactory
    Stream<DynamicTest> aKilledAndAFrozenRunnerLeaveNoTrace() {
        assumeTrue(Processes.arePackaged(), "the platform and the runner are not packaged: ./isoflop build");
        assumeTrue(!System.getProperty("os.name").startsWith("Windows"), "freezing a process needs POSIX signals");
        String repeat = System.getProperty("kill.repeat", "1");
        return IntStream.rangeClosed(1, repeat.matches("\\d+") ? Integer.parseInt(repeat) : 1)
                .mapToObj(i -> DynamicTest.dynamicTest("round " + i, KillAndFreezeIT::round));
    }

    private static void round() throws Exception {
        Path home = home("kill");
        Path corpus = corpus(home);
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

    private static long events(Processes p, long id, RunState to) {
        JsonNode answer = p.api.get("/runs/" + id + "/events", JsonNode.class);
        return (answer.isArray() ? answer : answer.path("items"))
                .valueStream()
                .filter(e -> e.path("to").asString("").equals(to.wireName()))
                .count();
    }
}
