package dev.isoflop.cli.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.cli.chaos.Op.Answer;
import dev.isoflop.cli.chaos.Op.Kind;
import java.util.List;
import org.junit.jupiter.api.Test;

class ClaimCheckerTests {

    private static Op op(Kind kind, int attempt, long sent, long answered, Answer answer) {
        return new Op(kind, 7, attempt, kind == Kind.GRANT ? "claim " + attempt : "runner", sent, answered, answer);
    }

    private static Op grant(int attempt, long sent, long answered) {
        return op(Kind.GRANT, attempt, sent, answered, Answer.ACCEPTED);
    }

    private static Op write(int attempt, long sent, long answered) {
        return op(Kind.WRITE, attempt, sent, answered, Answer.ACCEPTED);
    }

    private static Op stale(int attempt, long sent, long answered) {
        return op(Kind.WRITE, attempt, sent, answered, Answer.STALE);
    }

    private static Op finish(int attempt, long sent, long answered) {
        return op(Kind.FINISH, attempt, sent, answered, Answer.ACCEPTED);
    }

    @Test
    void anAttemptThatWritesEndsAndIsFollowedByTheNextIsLinearizable() {
        assertThat(ClaimChecker.violations(List.of(
                        grant(1, 0, 10),
                        write(1, 11, 20),
                        finish(1, 21, 30),
                        stale(1, 31, 40),
                        grant(2, 25, 50),
                        write(2, 60, 70),
                        finish(2, 71, 80),
                        finish(2, 90, 95))))
                .isEmpty();
    }

    @Test
    void requestsThatOverlapMayTakeEffectInEitherOrder() {
        // the old attempt's write and the new grant are under way together
        assertThat(ClaimChecker.violations(
                        List.of(grant(1, 0, 10), write(1, 20, 60), grant(2, 30, 50), stale(1, 25, 55))))
                .isEmpty();
        // a grant whose answer was lost is seen by what the attempt does
        assertThat(ClaimChecker.violations(List.of(write(1, 20, 60), grant(2, 50, 70))))
                .isEmpty();
    }

    @Test
    void aWriteOfAnAttemptThatHasBeenReplacedIsFound() {
        assertThat(ClaimChecker.violations(List.of(grant(1, 0, 10), grant(2, 20, 30), write(1, 31, 40))))
                .singleElement()
                .asString()
                .contains("attempt 2 acted or was granted");
    }

    @Test
    void aWriteAfterOneThatWasRefusedIsFound() {
        assertThat(ClaimChecker.violations(List.of(grant(1, 0, 10), stale(1, 11, 20), write(1, 21, 30))))
                .singleElement()
                .asString()
                .contains("accepted");
    }

    @Test
    void aWriteAfterTheAcknowledgedEndIsFound() {
        assertThat(ClaimChecker.violations(List.of(grant(1, 0, 10), finish(1, 11, 20), write(1, 21, 30))))
                .singleElement()
                .asString()
                .contains("after its hold had ended");
    }

    @Test
    void aHeartbeatThatStillSaysHeldAfterTheNextGrantIsFound() {
        assertThat(ClaimChecker.violations(
                        List.of(grant(1, 0, 10), grant(2, 20, 30), op(Kind.HELD, 1, 31, 40, Answer.ACCEPTED))))
                .hasSize(1);
    }

    @Test
    void anAttemptGrantedToTwoClaimsIsFound() {
        Op other = new Op(Kind.GRANT, 7, 1, "another claim", 0, 10, Answer.ACCEPTED);
        assertThat(ClaimChecker.violations(List.of(grant(1, 0, 10), other)))
                .singleElement()
                .asString()
                .contains("granted twice");
    }

    @Test
    void anUnknownAnswerProvesNothing() {
        assertThat(ClaimChecker.violations(List.of(
                        grant(1, 0, 10),
                        finish(1, 11, 20),
                        op(Kind.WRITE, 1, 30, Long.MAX_VALUE, Answer.UNKNOWN),
                        grant(2, 22, 40))))
                .isEmpty();
    }
}
