package dev.isoflop.platform.orchestration;

import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;

/**
 * Whether this process has been told to end. It is heard before the web server stops, so between the two there are requests
 * that are still answered and begin nothing new.
 */
@Component
class Ending {

    private volatile boolean told;

    @EventListener
    void closing(ContextClosedEvent event) {
        told = true;
    }

    boolean isTold() {
        return told;
    }
}
