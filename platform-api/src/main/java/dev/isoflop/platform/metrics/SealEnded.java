package dev.isoflop.platform.metrics;

import dev.isoflop.db.metric.MetricStore;
import dev.isoflop.db.run.RunTransitioned;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;

/**
 * Folds what a run left in the tail into chunks once it has ended. Only a matter of space and speed: where the event is
 * lost, the points stay readable where they are.
 */
@Component
class SealEnded {

    private final MetricStore store;

    SealEnded(MetricStore store) {
        this.store = store;
    }

    @EventListener
    void onTransition(RunTransitioned event) {
        if (event.to().isTerminal()) {
            store.seal(event.runId());
        }
    }
}
