package dev.isoflop.runner.trace;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ThinningTests {

    private long now = 1_000;

    @Test
    void aLongRunKeepsTheFirstAndThenFewerAndFewer() {
        Thinning thinning = new Thinning(() -> now);
        long second = 1_000_000_000L;
        int kept = 0;
        int lastHour = 0;
        for (int i = 0; i < 24 * 3600 * 3; i++) { // three a second for a day
            boolean keeps = thinning.keeps("metrics");
            kept += keeps ? 1 : 0;
            lastHour += keeps && i >= 23 * 3600 * 3 ? 1 : 0;
            assertThat(i < Thinning.FIRST ? keeps : true).isTrue();
            now += second / 3;
        }
        assertThat(kept).isBetween(100, 400);
        assertThat(lastHour).isBetween(1, 2);
        assertThat(thinning.keeps("evaluate")).as("each kind for itself").isTrue();
    }

    @Test
    void whatGoesOnAndOnIsCutLaterInALongRun() {
        Thinning thinning = new Thinning(() -> now);
        assertThat(thinning.cutNanos()).isEqualTo(10_000_000_000L);
        now += 2_000_000_000_000L;
        assertThat(thinning.cutNanos()).isEqualTo(100_000_000_000L);
    }
}
