package dev.isoflop.platform.access;

import dev.isoflop.db.access.AccessStore;
import dev.isoflop.db.access.AccessStore.Kind;
import dev.isoflop.db.access.AccessStore.Standing;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.platform.tokens.Caller;
import dev.isoflop.platform.tokens.Credentials;
import dev.isoflop.protocol.error.ErrorCode;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/**
 * Who may do what with which experiment. Scopes say what kinds of requests a caller may make at all; this says of what.
 *
 * <p>An open experiment is everybody's: to see, and with scope submit to use. A private one is there for those with a role alone; for
 * all others it is as if it were not. Admins may do everything, and so may the platform itself, outside of any request. Runners are
 * not asked: what they may touch, their attempts say.
 */
@Component
@Transactional(readOnly = true)
public class ExperimentAccess {

    private final AccessStore store;
    private final Credentials credentials;

    ExperimentAccess(AccessStore store, Credentials credentials) {
        this.store = store;
        this.credentials = credentials;
    }

    /** Experiments that the caller may not see, for lists to leave out. */
    public Set<Long> hidden() {
        return hidden(Caller.currentOrNull());
    }

    Set<Long> hidden(@Nullable Caller caller) {
        return caller == null || caller.isAdmin() || caller.isRunner() ? Set.of() : store.hidden(caller.principals());
    }

    /** @throws ProblemException not-found, as if there were no such sweep */
    public void maySeeSweep(long id) {
        require(Kind.SWEEP, id, Level.VIEWER);
    }

    /** @throws ProblemException not-found, as if there were no such run */
    public void maySeeRun(long id) {
        require(Kind.RUN, id, Level.VIEWER);
    }

    /** @throws ProblemException not-found, as if there were no such fit */
    public void maySeeFit(long id) {
        require(Kind.FIT, id, Level.VIEWER);
    }

    /** Whether the file is for others alone: it belongs to an experiment that the caller may not see. */
    public boolean isHiddenFile(String sha256) {
        Set<Long> hidden = hidden();
        return !hidden.isEmpty() && store.isFileOf(sha256, hidden);
    }

    /** What somebody who watches for long may see, as it is at any time. */
    public Watcher watcher() {
        return new Watcher(Caller.currentOrNull(), this, store, credentials);
    }

    /**
     * Before a sweep or a schedule is made under that name; an experiment that is not there yet is made by its first sweep.
     *
     * @throws ProblemException forbidden, not-found
     */
    public void maySubmitTo(@Nullable String experiment, Submitter submitter) {
        List<String> principals = submitter.principals();
        if (experiment == null || principals == null) {
            return;
        }
        Optional<Standing> standing = store.standingByName(experiment, principals);
        if (standing.isEmpty()) {
            return;
        }
        Level level = level(standing.get());
        if (level == null) {
            throw new ProblemException(
                    ErrorCode.NOT_FOUND,
                    "There is no experiment %s that you may use; choose another name.".formatted(experiment));
        }
        demand(level, Level.EDITOR, experiment);
    }

    /** In whose name a schedule submits. */
    public Submitter submitterOf(long scheduleId) {
        return store.submitters(scheduleId).map(Submitter::of).orElse(Submitter.PLATFORM);
    }

    /** From now on the schedule submits in the name of whoever makes this request. */
    @Transactional
    public void writtenByCaller(long scheduleId) {
        store.submitters(scheduleId, Submitter.current().principals());
    }

    /** What does not exist, or belongs to no experiment, is left to whoever serves the request. */
    void require(Kind kind, long id, Level needed) {
        Caller caller = Caller.currentOrNull();
        if (caller == null || caller.isAdmin() || caller.isRunner()) {
            return;
        }
        Optional<Standing> standing = store.standing(kind, id, caller.principals());
        if (standing.isEmpty()) {
            return;
        }
        Level level = level(standing.get());
        if (level == null) {
            throw new ProblemException(
                    ErrorCode.NOT_FOUND,
                    "There is no %s %d.".formatted(kind.name().toLowerCase(Locale.ROOT), id));
        }
        demand(level, needed, standing.get().name());
    }

    /** The caller's level on an experiment; null where it may not see it. */
    @Nullable
    Level ofCaller(long experimentId) {
        Caller caller = Caller.currentOrNull();
        if (caller == null || caller.isAdmin()) {
            return Level.OWNER;
        }
        return store.standing(Kind.EXPERIMENT, experimentId, caller.principals())
                .map(ExperimentAccess::level)
                .orElse(null);
    }

    private static @Nullable Level level(Standing standing) {
        @Nullable Level best = standing.isPrivate() ? null : Level.EDITOR;
        for (String role : standing.roles()) {
            Level level = Level.of(role).orElseThrow();
            best = best == null || level.compareTo(best) > 0 ? level : best;
        }
        return best;
    }

    private static void demand(Level level, Level needed, String experiment) {
        if (level.compareTo(needed) < 0) {
            throw new ProblemException(
                    ErrorCode.FORBIDDEN,
                    "This needs the role %s on experiment %s; you have %s. An owner of it, or an admin, can give it."
                            .formatted(needed.wireName(), experiment, level.wireName()));
        }
    }
}
