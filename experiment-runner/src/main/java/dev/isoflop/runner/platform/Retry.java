package dev.isoflop.runner.platform;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.web.client.RestClientException;

/**
 * Repeats a call until the platform answers it. Lost connections, lost or torn replies, 5xx and 429 are repeated with
 * exponential backoff and full jitter, and not before the answer's Retry-After; every other answer is final. All calls of
 * {@code RunnerApi} may be repeated.
 *
 * <p>Concurrency: immutable; any number of threads. An interrupt ends the wait and counts as giving up.
 */
public final class Retry {

    private static final Logger log = LoggerFactory.getLogger(Retry.class);
    /** Longer than a platform asks for; a lease is lost by then anyway. */
    private static final long LONGEST_ASKED_MILLIS = 60_000;

    private final Duration first;
    private final Duration longest;

    /**
     * @param first upper bound of the first pause
     * @param longest upper bound of any pause
     */
    public Retry(Duration first, Duration longest) {
        this.first = first;
        this.longest = longest;
    }

    public static Retry standard() {
        return new Retry(Duration.ofMillis(200), Duration.ofSeconds(5));
    }

    /**
     * @param what for the log, such as {@code "metrics of run 7"}
     * @param giveUp asked before every try; true ends the repetition
     * @return the answer, or empty when given up or interrupted
     * @throws PlatformException if the platform refuses for good
     */
    public <T> Optional<T> untilAnswered(String what, BooleanSupplier giveUp, Supplier<T> call) {
        long bound = first.toMillis();
        for (int tries = 1; ; tries++) {
            if (giveUp.getAsBoolean() || Thread.currentThread().isInterrupted()) {
                return Optional.empty();
            }
            String trouble;
            long asked = 0;
            try {
                return Optional.of(call.get());
            } catch (PlatformException e) {
                if (!e.isTransient()) {
                    throw e;
                }
                trouble = e.getMessage() == null ? "HTTP " + e.status() : e.getMessage();
                asked = Math.min(e.retryAfter().toMillis(), LONGEST_ASKED_MILLIS);
            } catch (RestClientException e) {
                trouble = String.valueOf(e.getMostSpecificCause());
            }
            if (Integer.bitCount(tries) == 1) { // tries 1, 2, 4, 8, …: an outage must not flood the log
                log.warn("{}: no answer after {} {} ({})", what, tries, tries == 1 ? "try" : "tries", trouble);
            }
            // the jitter comes on top: all who were turned away together must not come back together
            if (!pause(asked + ThreadLocalRandom.current().nextLong(bound / 2, bound + 1), giveUp)) {
                return Optional.empty();
            }
            bound = Math.min(bound * 2, longest.toMillis());
        }
    }

    /** As {@link #untilAnswered} for calls without an answer's body; true when acknowledged. */
    public boolean untilAcknowledged(String what, BooleanSupplier giveUp, Runnable call) {
        return untilAnswered(what, giveUp, () -> {
                    call.run();
                    return Boolean.TRUE;
                })
                .isPresent();
    }

    private static boolean pause(long millis, BooleanSupplier giveUp) {
        long end = System.nanoTime() + millis * 1_000_000;
        try {
            for (long left = millis; left > 0; left = (end - System.nanoTime()) / 1_000_000) {
                if (giveUp.getAsBoolean()) {
                    return false;
                }
                Thread.sleep(Math.min(left, 100));
            }
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
