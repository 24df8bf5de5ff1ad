package dev.isoflop.platform.access;

import dev.isoflop.db.access.AccessStore;
import dev.isoflop.platform.tokens.Caller;
import dev.isoflop.platform.tokens.Credentials;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What somebody who watches for long may see. Roles and tokens may be taken away meanwhile: what is known is a second old at most.
 *
 * <p>Concurrency: used by one thread.
 */
public final class Watcher {

    private static final long FRESH_NANOS = Duration.ofSeconds(1).toNanos();
    private static final int MOST_SWEEPS = 10_000;

    private final @Nullable Caller caller;
    private final ExperimentAccess access;
    private final AccessStore store;
    private final Credentials credentials;
    private final Map<Long, Long> experiments = new HashMap<>();
    private Set<Long> hidden = Set.of();
    private boolean good = true;
    private long asked;
    private boolean everAsked;

    Watcher(@Nullable Caller caller, ExperimentAccess access, AccessStore store, Credentials credentials) {
        this.caller = caller;
        this.access = access;
        this.store = store;
        this.credentials = credentials;
    }

    /** Who watches; empty for the platform itself. */
    public String principal() {
        return caller == null ? "" : caller.principal();
    }

    /** Whether the token it watches with is still valid. */
    public boolean isGood() {
        refresh();
        return good;
    }

    /** @param sweepId 0 for what belongs to no sweep */
    public boolean maySee(long sweepId) {
        refresh();
        if (hidden.isEmpty() || sweepId == 0) {
            return true;
        }
        if (experiments.size() > MOST_SWEEPS) {
            experiments.clear();
        }
        // a sweep never moves to another experiment
        return !hidden.contains(experiments.computeIfAbsent(
                sweepId, id -> store.experimentOfSweep(id).orElse(0)));
    }

    private void refresh() {
        long now = System.nanoTime();
        if (caller == null || (everAsked && now - asked < FRESH_NANOS)) {
            return;
        }
        good = credentials.isStillGood(caller);
        hidden = access.hidden(caller);
        asked = now;
        everAsked = true;
    }
}
