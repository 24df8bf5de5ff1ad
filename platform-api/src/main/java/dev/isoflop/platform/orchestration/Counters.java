package dev.isoflop.platform.orchestration;

import dev.isoflop.protocol.runner.ClaimGrant;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.Supplier;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/** Counts of what this process has done since it started. */
@Component
class Counters {

    private final MeterRegistry registry;
    private final Counter heartbeats;
    private final Counter refusedHeartbeats;
    private final Counter granted;

    Counters(MeterRegistry registry) {
        this.registry = registry;
        this.heartbeats = heartbeats("answered");
        this.refusedHeartbeats = heartbeats("refused");
        this.granted = Counter.builder("isoflop.runs.granted")
                .description("Runs granted by claims; an answer that is repeated counts again")
                .register(registry);
    }

    private Counter heartbeats(String outcome) {
        return Counter.builder("isoflop.heartbeats")
                .description("Heartbeats of runners")
                .tag("outcome", outcome)
                .register(registry);
    }

    <T> T heartbeat(Supplier<T> work) {
        try {
            T answer = work.get();
            heartbeats.increment();
            return answer;
        } catch (RuntimeException e) {
            refusedHeartbeats.increment();
            throw e;
        }
    }

    ClaimGrant claim(Supplier<ClaimGrant> work) {
        String outcome = "refused";
        try {
            ClaimGrant answer = work.get();
            outcome = answer.assignments().isEmpty() ? "empty" : "granted";
            granted.increment(answer.assignments().size());
            return answer;
        } finally {
            Counter.builder("isoflop.claims")
                    .description("Claims of runners")
                    .tag("outcome", outcome)
                    .register(registry)
                    .increment();
        }
    }

    /**
     * An attempt ends if the surrounding transaction commits.
     *
     * @param outcome as the table has it
     * @param failure class of the failure, {@code none} if there was none
     */
    void attemptEnded(String kind, String outcome, String failure) {
        TransactionSynchronizationManager.registerSynchronization(new TransactionSynchronization() {
            @Override
            public void afterCommit() {
                Counter.builder("isoflop.attempts.ended")
                        .description("Attempts by how they ended")
                        .tags("kind", kind, "outcome", outcome, "failure", failure)
                        .register(registry)
                        .increment();
            }
        });
    }
}
