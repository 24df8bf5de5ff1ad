package dev.isoflop.platform.orchestration;

import dev.isoflop.db.run.AttemptStore;
import dev.isoflop.db.run.RunEntity;
import dev.isoflop.db.run.RunTransitions;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import org.springframework.stereotype.Component;

/** Carries out what {@link EndOfAttempt} decides, in the caller's transaction. */
@Component
class Verdicts {

    private final RunTransitions transitions;
    private final AttemptStore attempts;
    private final LeaseSettings settings;

    Verdicts(RunTransitions transitions, AttemptStore attempts, LeaseSettings settings) {
        this.transitions = transitions;
        this.attempts = attempts;
        this.settings = settings;
    }

    /** @param run whose attempt has been ended already */
    void carryOut(RunEntity run, EndOfAttempt end) {
        switch (end) {
            case EndOfAttempt.Failed failed -> transitions.fail(run, failed.failure());
            case EndOfAttempt.Cancelled cancelled -> transitions.cancel(run, cancelled.cause());
            case EndOfAttempt.Retried retried -> {
                if (retried.preempted()) {
                    transitions.preempt(run, retried.cause());
                }
                Duration delay = retried.backOff()
                        ? backoff(
                                settings,
                                attempts.timesLost(run.id()),
                                ThreadLocalRandom.current().nextDouble())
                        : Duration.ZERO;
                transitions.requeue(run, retried.charged(), delay, retried.cause());
            }
        }
    }

    /**
     * Exponential with jitter of half either way, so that runs lost together do not come back together.
     *
     * @param times how often it has been lost, this time included
     * @param random uniform in [0, 1)
     */
    static Duration backoff(LeaseSettings settings, int times, double random) {
        double base = settings.backoff().toMillis() * Math.pow(2, Math.clamp(times - 1L, 0, 30));
        double capped = Math.min(base, settings.backoffMax().toMillis());
        return Duration.ofMillis(Math.round(capped * (0.5 + random)));
    }
}
