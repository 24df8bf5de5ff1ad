package dev.isoflop.db.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.protocol.api.RunState;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every pair of states against the table of {@code docs/orchestration.md}, written out here a second time. */
class LegalTransitionsTests {

    private static final List<String> TABLE = List.of(
            "queued -> assigned cancelled failed",
            "assigned -> running suspect queued failed succeeded cancelled preempted",
            "running -> succeeded failed cancelled preempted suspect queued",
            "suspect -> running assigned queued succeeded failed cancelled preempted",
            "preempted -> queued cancelled failed",
            "succeeded ->",
            "failed -> queued",
            "cancelled ->");

    static Stream<Arguments> everyPair() {
        return Arrays.stream(RunState.values())
                .flatMap(from -> Arrays.stream(RunState.values()).map(to -> Arguments.of(from, to)));
    }

    @ParameterizedTest
    @MethodSource("everyPair")
    void everyPairIsAsTheTableSays(RunState from, RunState to) {
        String row = TABLE.stream()
                .filter(r -> r.startsWith(from.wireName() + " ->"))
                .findFirst()
                .orElseThrow();
        List<String> targets =
                List.of(row.substring(row.indexOf("->") + 2).trim().split(" "));
        assertThat(LegalTransitions.allows(from, to)).isEqualTo(targets.contains(to.wireName()));
    }

    @Test
    void noStateFollowsTheEndButForAFailedRunThatIsReleased() {
        assertThat(LegalTransitions.from(RunState.FAILED)).containsExactly(RunState.QUEUED);
        assertThat(Arrays.stream(RunState.values()).filter(state -> state.isTerminal() && state != RunState.FAILED))
                .allSatisfy(state -> assertThat(LegalTransitions.from(state)).isEmpty());
        assertThat(Arrays.stream(RunState.values()).filter(state -> !state.isTerminal()))
                .allSatisfy(state -> assertThat(LegalTransitions.from(state)).contains(RunState.CANCELLED));
    }

    @Test
    void storedNamesAreTheWireNames() {
        RunStateConverter converter = new RunStateConverter();
        assertThat(RunState.values())
                .allSatisfy(state -> assertThat(
                                converter.convertToEntityAttribute(converter.convertToDatabaseColumn(state)))
                        .isEqualTo(state));
        assertThat(converter.convertToDatabaseColumn(RunState.SUSPECT)).isEqualTo("suspect");
    }
}
