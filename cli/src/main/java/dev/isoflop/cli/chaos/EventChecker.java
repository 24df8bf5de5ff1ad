package dev.isoflop.cli.chaos;

import static dev.isoflop.protocol.api.RunState.ASSIGNED;
import static dev.isoflop.protocol.api.RunState.CANCELLED;
import static dev.isoflop.protocol.api.RunState.FAILED;
import static dev.isoflop.protocol.api.RunState.PREEMPTED;
import static dev.isoflop.protocol.api.RunState.QUEUED;
import static dev.isoflop.protocol.api.RunState.RUNNING;
import static dev.isoflop.protocol.api.RunState.SUCCEEDED;
import static dev.isoflop.protocol.api.RunState.SUSPECT;

import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.api.Views;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Checks the events of a run against the documented state machine. The table is written down here a second time, from
 * {@code docs/orchestration.md}, and not taken from the platform: what the platform allows itself is what is being checked.
 */
final class EventChecker {

    private EventChecker() {}

    private static Set<RunState> legal(RunState from) {
        return switch (from) {
            case QUEUED -> EnumSet.of(ASSIGNED, CANCELLED, FAILED);
            case ASSIGNED -> EnumSet.of(RUNNING, SUSPECT, QUEUED, FAILED, SUCCEEDED, CANCELLED, PREEMPTED);
            case RUNNING -> EnumSet.of(SUCCEEDED, FAILED, CANCELLED, PREEMPTED, SUSPECT, QUEUED);
            case SUSPECT -> EnumSet.of(RUNNING, ASSIGNED, QUEUED, SUCCEEDED, FAILED, CANCELLED, PREEMPTED);
            case PREEMPTED -> EnumSet.of(QUEUED, CANCELLED, FAILED);
            case SUCCEEDED, FAILED, CANCELLED -> EnumSet.noneOf(RunState.class);
        };
    }

    /**
     * What is wrong with one run's events, one sentence each.
     *
     * @param events by rising id: those of one run are written under its row's lock, so that is their order
     */
    static List<String> violations(String run, List<Views.RunEvent> events) {
        List<String> wrong = new ArrayList<>();
        @Nullable RunState state = null;
        int attempt = 0;
        for (Views.RunEvent event : events) {
            RunState from = event.from();
            if (from != state) {
                wrong.add("%s: an event leaves %s, but the run was %s".formatted(run, name(from), name(state)));
            }
            if (from == null ? event.to() != QUEUED : !legal(from).contains(event.to())) {
                wrong.add("%s: from %s to %s is no legal move".formatted(run, name(from), name(event.to())));
            }
            int expected = event.to() == ASSIGNED && from == QUEUED ? attempt + 1 : attempt;
            if (event.attempt() != expected) {
                wrong.add("%s: %s happened in attempt %d instead of %d"
                        .formatted(run, name(event.to()), event.attempt(), expected));
            }
            attempt = event.attempt();
            state = event.to();
        }
        return wrong;
    }

    private static String name(@Nullable RunState state) {
        return state == null ? "nothing" : state.wireName();
    }
}
