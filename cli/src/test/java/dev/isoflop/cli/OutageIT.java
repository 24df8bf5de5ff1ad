package dev.isoflop.cli;

import static dev.isoflop.cli.TrainingScene.assertSameCurves;
import static dev.isoflop.cli.TrainingScene.await;
import static dev.isoflop.cli.TrainingScene.checkpointed;
import static dev.isoflop.cli.TrainingScene.corpus;
import static dev.isoflop.cli.TrainingScene.finished;
import static dev.isoflop.cli.TrainingScene.home;
import static dev.isoflop.cli.TrainingScene.quiet;
import static dev.isoflop.cli.TrainingScene.sweep;
import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.api.Views;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.node.ObjectNode;

/**
 * The platform is killed for more than twice a lease while two runners, processes of their own, train. The same attempts finish, each
 * curve equals that of an undisturbed run bit for bit, and no attempt is made twice.
 */
class OutageIT {

    @Test
    void runsGoOnThroughAnOutageOfThePlatformLongerThanALease() throws Exception {
        Path home = home("outage");
        Path corpus = corpus(home);
        try (Processes p = Processes.start(
                home,
                "--isoflop.lease.heartbeat=1s",
                "--isoflop.lease.suspect=2500ms",
                "--isoflop.lease.ttl=5s",
                "--isoflop.lease.reaper-interval=250ms")) {
            p.runner("one", 1);
            p.runner("two", 1);
            Submission submission = new Submission(p.api, quiet());
            ObjectNode sweep = sweep("disturbed", corpus);
            submission.prepare(sweep);
            Views.Sweep disturbed = submission.submit(sweep);
            await(
                    "both runners have committed a checkpoint",
                    () -> checkpointed(p, disturbed, "one") && checkpointed(p, disturbed, "two"));
            p.killPlatform();
            Thread.sleep(4_500); // nearly a lease
            long before = kept(home, "one") + kept(home, "two");
            Thread.sleep(7_500);
            assertThat(kept(home, "one") + kept(home, "two"))
                    .as("steps of the checkpoints that wait on the runners' disks")
                    .isGreaterThan(before);
            p.startPlatform();

            List<Views.Run> runs = finished(p, disturbed);
            assertThat(runs).allSatisfy(run -> {
                assertThat(run.state()).isEqualTo(RunState.SUCCEEDED);
                assertThat(run.attempt()).as("attempts of " + run.name()).isEqualTo(1);
            });
            List<Views.Run> undisturbed = finished(p, submission.submit(sweep("undisturbed", corpus)));
            for (int i = 0; i < runs.size(); i++) {
                assertThat(undisturbed.get(i).name()).isEqualTo(runs.get(i).name());
                assertSameCurves(p, runs.get(i), undisturbed.get(i));
            }
        }
    }

    /** Step of the newest checkpoint on a runner's disk, 0 if it keeps none. */
    private static long kept(Path home, String runner) throws IOException {
        Path kept = home.resolve("runner-" + runner).resolve("kept");
        try (Stream<Path> all = Files.exists(kept) ? Files.walk(kept, 3) : Stream.empty()) {
            return all.map(path -> path.getFileName().toString())
                    .filter(name -> name.startsWith("step-"))
                    .mapToLong(name -> Long.parseLong(name.substring("step-".length())))
                    .max()
                    .orElse(0);
        }
    }
}
