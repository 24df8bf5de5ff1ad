package dev.isoflop.cli.chaos;

import static dev.isoflop.protocol.api.RunState.ASSIGNED;
import static dev.isoflop.protocol.api.RunState.QUEUED;
import static dev.isoflop.protocol.api.RunState.RUNNING;
import static dev.isoflop.protocol.api.RunState.SUCCEEDED;
import static dev.isoflop.protocol.api.RunState.SUSPECT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.api.Views;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class EventCheckerTests {

    private static Views.RunEvent event(@Nullable RunState from, RunState to, int attempt) {
        return new Views.RunEvent(1, 7, Instant.EPOCH, from, to, attempt, null);
    }

    @Test
    void aRunThatIsLostAndTakenUpAgainIsLegal() {
        assertThat(EventChecker.violations(
                        "run",
                        List.of(
                                event(null, QUEUED, 0),
                                event(QUEUED, ASSIGNED, 1),
                                event(ASSIGNED, RUNNING, 1),
                                event(RUNNING, SUSPECT, 1),
                                event(SUSPECT, QUEUED, 1),
                                event(QUEUED, ASSIGNED, 2),
                                event(ASSIGNED, SUSPECT, 2),
                                event(SUSPECT, SUCCEEDED, 2))))
                .isEmpty();
    }

    @Test
    void aMoveOutOfATerminalStateIsFound() {
        assertThat(EventChecker.violations(
                        "run",
                        List.of(
                                event(null, QUEUED, 0),
                                event(QUEUED, ASSIGNED, 1),
                                event(ASSIGNED, SUCCEEDED, 1),
                                event(SUCCEEDED, QUEUED, 1))))
                .containsExactly("run: from succeeded to queued is no legal move");
    }

    @Test
    void aSkippedStateAndASkippedAttemptAreFound() {
        assertThat(EventChecker.violations("run", List.of(event(null, QUEUED, 0), event(ASSIGNED, RUNNING, 0))))
                .containsExactly("run: an event leaves assigned, but the run was queued");
        assertThat(EventChecker.violations("run", List.of(event(null, QUEUED, 0), event(QUEUED, ASSIGNED, 2))))
                .containsExactly("run: assigned happened in attempt 2 instead of 1");
    }
}
