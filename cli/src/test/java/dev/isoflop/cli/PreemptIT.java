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
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.protocol.api.Ledger;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.api.Views;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Urgent work comes to a platform whose only slot, of a runner process of its own, trains something else. That checkpoints, makes room, and
 * goes on afterwards: its curve equals that of an undisturbed run bit for bit, and no step was taken twice.
 */
class PreemptIT {

    @Test
    void urgentWorkGetsTheSlotAndWhatMadeRoomGoesOnAsIfNothingHadBeen() throws Exception {
        Path home = home("preempt");
        Path corpus = corpus(home);
        try (Processes p = Processes.start(
                home,
                "--isoflop.lease.heartbeat=1s",
                "--isoflop.scheduling.patience=1s",
                "--isoflop.scheduling.interval=250ms")) {
            p.runner("only", 1);
            Submission submission = new Submission(p.api, quiet());
            ObjectNode sweep = sweep("patient", corpus);
            submission.prepare(sweep);
            Views.Sweep patient = submission.submit(sweep);
            await("a checkpoint of the patient sweep", () -> checkpointed(p, patient, "only"));
            Views.Run victim = heldBy(p, patient, "only");
            ObjectNode soon = sweep("urgent", corpus);
            soon.put("priority", 5);
            Views.Sweep urgent = submission.submit(soon);

            List<Views.Run> done = finished(p, urgent);
            assertThat(done).hasSize(4).allMatch(r -> r.state() == RunState.SUCCEEDED && r.attempt() == 1);
            assertThat(run(p, victim.id()).state().isTerminal())
                    .as("the urgent sweep was served before it")
                    .isFalse();
            assertThat(causes(p, victim.id()))
                    .anyMatch(cause ->
                            done.stream().anyMatch(r -> cause.equals("preempted: it made room for run " + r.id())));

            List<Views.Run> runs = finished(p, patient);
            assertThat(runs).allMatch(r -> r.state() == RunState.SUCCEEDED);
            assertThat(run(p, victim.id()).attempt()).isEqualTo(victim.attempt() + 1);
            assertThat(resumedFrom(p, victim)).isPositive();
            Ledger ledger = p.api.get("/experiments/" + patient.experimentId() + "/ledger", Ledger.class);
            assertThat(ledger.total().executedFlops())
                    .as("no step was taken twice")
                    .isCloseTo(
                            ledger.total().achievedFlops(),
                            within(ledger.total().achievedFlops() * 1e-9));

            List<Views.Run> undisturbed = finished(p, submission.submit(sweep("undisturbed", corpus)));
            for (int i = 0; i < runs.size(); i++) {
                assertThat(undisturbed.get(i).name()).isEqualTo(runs.get(i).name());
                assertSameCurves(p, runs.get(i), undisturbed.get(i));
            }
        }
    }

    private static List<String> causes(Processes p, long id) {
        JsonNode answer = p.api.get("/runs/" + id + "/events", JsonNode.class);
        return (answer.isArray() ? answer : answer.path("items"))
                .valueStream()
                .map(e -> e.path("cause").asString(""))
                .toList();
    }
}
