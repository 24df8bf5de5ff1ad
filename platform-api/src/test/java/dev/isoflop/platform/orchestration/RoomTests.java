package dev.isoflop.platform.orchestration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.job.JobResult;
import dev.isoflop.protocol.runner.ClaimGrant.Assignment;
import dev.isoflop.protocol.runner.Directives.Intent;
import dev.isoflop.protocol.runner.FinishAttempt.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Who makes room for whom. */
class RoomTests extends SchedulingScene {

    @Test
    void workOfALowerPriorityCheckpointsAndStopsForWorkThatWaits() {
        long low = on.sweep();
        List<Long> running = pretrain(low, 0, 2);
        Host host = host(2, 0);
        List<Assignment> held = host.claim(2);
        held.forEach(a -> on.api.start(a.runId(), a.attempt()));
        host.heartbeat(5, held);
        on.jdbc
                .sql("update attempt set started_at = now() - interval '1 hour' where run_id = ?")
                .param(running.getFirst())
                .update();
        long urgent = queue(on.sweep(), "pretrain", 3, 0, 0, 1e12, 100);
        scheduler.look();
        assertThat(intents(host, held)).as("it has not waited long").containsOnly(Intent.RUN);
        waited(urgent);
        scheduler.look();
        scheduler.look();
        long victim = running.get(1);
        assertThat(host.directives(held))
                .filteredOn(d -> d.intent() == Intent.CHECKPOINT_AND_STOP)
                .as("the one that has done least, and only that")
                .singleElement()
                .satisfies(d -> {
                    assertThat(d.runId()).isEqualTo(victim);
                    assertThat(d.deadlineSeconds()).isBetween(100, 120);
                });
        long intruder = queue(on.sweep(), "pretrain", 0, 0, 0, 1e12, 100);
        on.api.finish(victim, 1, Orchestra.ended(Outcome.PREEMPTED));
        assertThat(host.claim(1)).extracting(Assignment::runId).containsExactly(urgent);
        assertThat(on.state(victim)).isEqualTo(RunState.QUEUED);
        assertThat(causes(victim)).contains("preempted: it made room for run " + urgent);
        assertThat(on.state(intruder)).isEqualTo(RunState.QUEUED);
        assertThat(reservations(host)).isZero();
    }

    @Test
    void equalsAndThoseWithNoPreemptionsLeftAreLeftAlone() {
        Host host = host(2, 0);
        long same = queue(on.sweep(), "pretrain", 3, 0, 0, 1e12, 100);
        long worn = queue(on.sweep(), "pretrain", 0, 0, 0, 1e12, 100);
        List<Assignment> held = host.claim(2);
        held.forEach(a -> on.api.start(a.runId(), a.attempt()));
        on.jdbc
                .sql("update run set retries_preemption = 0 where id = ?")
                .param(worn)
                .update();
        waited(queue(on.sweep(), "pretrain", 3, 0, 0, 1e12, 100));
        scheduler.look();
        assertThat(intents(host, held)).containsOnly(Intent.RUN);
        assertThat(on.state(same)).isEqualTo(RunState.RUNNING);
    }

    @Test
    void aRunThatWantsSeveralGpusStartsOnAllAtOnceAndIsNotStarvedBySmallOnes() {
        long small = on.sweep();
        IntStream.range(0, 12).forEach(i -> queue(small, "command", 0, 0, 1, 0, 0));
        Host host = host(8, 4);
        List<Assignment> held = new ArrayList<>(host.claim(8));
        assertThat(held).as("one for each GPU").hasSize(4);
        held.forEach(a -> on.api.start(a.runId(), a.attempt()));
        long gang = queue(on.sweep(), "command", 0, 0, 4, 0, 0);
        waited(gang);
        scheduler.look();
        for (Assignment a : held) {
            assertThat(intents(host, held))
                    .as("nobody is stopped for an equal")
                    .doesNotContain(Intent.CHECKPOINT_AND_STOP);
            on.api.finish(a.runId(), 1, succeeded(new JobResult.Command(0, Map.of(), List.of(), 1)));
            scheduler.look();
            List<Assignment> next = host.claim(8);
            if (a != held.getLast()) {
                assertThat(next).as("the runner is being emptied").isEmpty();
            } else {
                assertThat(next).extracting(Assignment::runId).containsExactly(gang);
            }
        }
        assertThat(on.jdbc
                        .sql("select gpus from lease where run_id = ?")
                        .param(gang)
                        .query(Integer.class)
                        .single())
                .isEqualTo(4);
    }

    @Test
    void onlyOneRunnerIsEmptiedAndHigherPrioritiesStillGetIn() {
        long small = on.sweep();
        IntStream.range(0, 8).forEach(i -> queue(small, "command", 0, 0, 1, 0, 0));
        Host first = host(8, 2);
        Host second = host(8, 2);
        for (Host host : List.of(first, second)) {
            host.claim(8).forEach(a -> on.api.start(a.runId(), a.attempt()));
        }
        waited(queue(on.sweep(), "command", 0, 0, 2, 0, 0));
        scheduler.look();
        scheduler.look();
        assertThat(List.of(reservations(first), reservations(second))).containsExactlyInAnyOrder(0, 1);
        Host emptied = reservations(first) == 1 ? first : second;
        Assignment done = emptied.granted.getFirst();
        on.api.finish(done.runId(), 1, succeeded(new JobResult.Command(0, Map.of(), List.of(), 1)));
        assertThat(emptied.claim(8)).isEmpty();
        long urgent = queue(on.sweep(), "command", 7, 0, 1, 0, 0);
        assertThat(emptied.claim(8)).extracting(Assignment::runId).containsExactly(urgent);
    }
}
