package dev.isoflop.platform.tokens;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class BucketsTests {

    // about to overflow, as System.nanoTime may
    private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 1_000_000);

    private int takenOf(Buckets buckets, String key, int tries) {
        int taken = 0;
        for (int i = 0; i < tries; i++) {
            taken += buckets.take(key).isZero() ? 1 : 0;
        }
        return taken;
    }

    @Test
    void aBurstAndThenTheRateAndTheWaitThatIsToldIsEnough() {
        Buckets buckets = new Buckets(10, 5, now::get);
        assertThat(takenOf(buckets, "a", 20)).isEqualTo(5);
        assertThat(buckets.isEmpty("a")).isTrue();
        assertThat(takenOf(buckets, "b", 1)).as("another's bucket").isEqualTo(1);
        Duration wait = buckets.take("a");
        assertThat(wait).isEqualTo(Duration.ofMillis(100));
        now.addAndGet(wait.toNanos() - 1);
        assertThat(buckets.take("a").isZero()).isFalse();
        now.addAndGet(1);
        assertThat(buckets.take("a").isZero()).isTrue();
        now.addAndGet(Duration.ofHours(1).toNanos());
        assertThat(takenOf(buckets, "a", 20))
                .as("no more than a burst, however long the pause")
                .isEqualTo(5);
        now.addAndGet(Duration.ofSeconds(10).toNanos());
        int taken = 0;
        for (int i = 0; i < 1_000; i++) {
            now.addAndGet(Duration.ofMillis(10).toNanos());
            taken += takenOf(buckets, "a", 1);
        }
        assertThat(taken).as("in ten seconds").isBetween(104, 105);
    }

    @Test
    void memoryIsBoundedByForgettingTheFullOnesAndSharingWhereThereAreNone() {
        Buckets buckets = new Buckets(1, 2, now::get);
        for (int i = 0; i < 3 * Buckets.MOST; i++) {
            buckets.take("k" + i);
        }
        assertThat(buckets.size()).isLessThanOrEqualTo(Buckets.MOST + 1);
        assertThat(buckets.take("one too many").isZero()).as("it shares").isFalse();
        assertThat(buckets.take("k0").isZero()).as("its own").isTrue();
        now.addAndGet(Duration.ofSeconds(5).toNanos());
        assertThat(buckets.take("another").isZero()).isTrue();
        assertThat(buckets.size()).isLessThan(10);
    }

    @Test
    void threadsTogetherGetNoMoreThanThereIs() throws InterruptedException {
        Buckets buckets = new Buckets(0.001, 100, now::get);
        AtomicInteger taken = new AtomicInteger();
        CountDownLatch go = new CountDownLatch(1);
        try (var threads = Executors.newFixedThreadPool(8)) {
            for (int t = 0; t < 8; t++) {
                threads.submit(() -> {
                    go.await();
                    taken.addAndGet(takenOf(buckets, "a", 200));
                    return null;
                });
            }
            go.countDown();
        }
        assertThat(taken).hasValue(100);
    }

    @Test
    void theRunnersLimitIsFarAboveWhatAThousandOfThemSay() {
        LimitSettings.Runners runners = new LimitSettings.Runners(10_000, 20_000);
        Buckets buckets = new Buckets(runners.perSecond(), runners.burst(), now::get);
        // one shared token: 2,500 heartbeats a second and a claim, metrics and a log batch beside each
        for (int i = 0; i < 20_000; i++) {
            now.addAndGet(400_000);
            assertThat(takenOf(buckets, "shared", 4)).isEqualTo(4);
        }
    }

    @Test
    void aHostWithAWholeNetworkOfAddressesIsOne() {
        assertThat(Limits.network("2001:db8:1:2:3:4:5:6")).isEqualTo(Limits.network("2001:db8:1:2:ffff::1"));
        assertThat(Limits.network("2001:db8:1:2::1")).isNotEqualTo(Limits.network("2001:db8:1:3::1"));
        assertThat(Limits.network("10.0.0.1")).isEqualTo("10.0.0.1");
    }
}
