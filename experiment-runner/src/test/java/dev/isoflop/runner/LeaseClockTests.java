package dev.isoflop.runner;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class LeaseClockTests {

    private long nanos = 7;
    private long millis = 1_000_000;
    private final LeaseClock clock = new LeaseClock(() -> nanos, () -> millis);

    private void pass(long ms) {
        nanos += ms * 1_000_000;
        millis += ms;
    }

    @Test
    void nothingIsHeldBeforeTheFirstHeartbeat() {
        clock.configure(Duration.ofSeconds(60), Duration.ofHours(1));
        assertThat(clock.holds()).isFalse();
    }

    @Test
    void runsOutAMarginBeforeTheLeaseCountedFromWhenTheHeartbeatWasSent() {
        clock.configure(Duration.ofSeconds(60), Duration.ofHours(1));
        LeaseClock.Moment sent = clock.now();
        pass(10_000); // the answer was slow
        clock.renewed(sent);
        pass(37_900);
        assertThat(clock.holds()).isTrue();
        pass(200);
        assertThat(clock.holds()).isFalse();
    }

    @Test
    void anOldAnswerThatArrivesAfterAFreezeRenewsNothing() {
        clock.configure(Duration.ofSeconds(60), Duration.ofHours(1));
        clock.renewed(clock.now());
        LeaseClock.Moment sent = clock.now();
        pass(120_000); // SIGSTOP, SIGCONT
        clock.renewed(sent);
        assertThat(clock.holds()).isFalse();
    }

    @Test
    void aSuspendedMachineIsNoticedByTheWallClock() {
        clock.configure(Duration.ofSeconds(60), Duration.ofHours(1));
        clock.renewed(clock.now());
        millis += 3_600_000; // the monotonic clock stood still
        assertThat(clock.holds()).isFalse();
        clock.renewed(clock.now());
        assertThat(clock.holds()).isFalse();
    }

    @Test
    void anEarlierHeartbeatAnsweredLateDoesNotTakeBackALaterOne() {
        clock.configure(Duration.ofSeconds(60), Duration.ofHours(1));
        LeaseClock.Moment first = clock.now();
        pass(20_000);
        clock.renewed(clock.now());
        clock.renewed(first);
        pass(40_000);
        assertThat(clock.holds()).isTrue();
    }

    @Test
    void workMayGoOnForAsLongAsAnOutageIsBorne() {
        clock.configure(Duration.ofSeconds(60), Duration.ofHours(1));
        assertThat(clock.mayWork()).as("never answered").isFalse();
        clock.renewed(clock.now());
        pass(3_599_000);
        assertThat(clock.holds()).isFalse();
        assertThat(clock.mayWork()).isTrue();
        pass(1_000);
        assertThat(clock.mayWork()).isFalse();
    }

    @Test
    void aLeaseLongerThanTheOutageThatIsBorneCountsInstead() {
        clock.configure(Duration.ofSeconds(60), Duration.ZERO);
        clock.renewed(clock.now());
        pass(47_000);
        assertThat(clock.mayWork()).isTrue();
        pass(2_000);
        assertThat(clock.mayWork()).isFalse();
    }
}
