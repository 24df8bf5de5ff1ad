package dev.isoflop.platform.schedules;

import dev.isoflop.db.schedule.FireStore;
import dev.isoflop.db.schedule.ScheduleStore;
import dev.isoflop.platform.access.ExperimentAccess;
import dev.isoflop.platform.access.Submitter;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.platform.sweeps.Sweeps;
import dev.isoflop.protocol.api.ScheduleViews;
import dev.isoflop.protocol.api.ScheduleViews.CatchUp;
import dev.isoflop.protocol.api.ScheduleViews.FireState;
import dev.isoflop.protocol.api.ScheduleViews.Origin;
import dev.isoflop.protocol.api.ScheduleViews.Overlap;
import dev.isoflop.protocol.api.SweepSpec;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.error.Problem;
import java.time.Instant;
import java.time.temporal.ChronoField;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.DuplicateKeyException;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Schedules as people make, change and look at them. Quartz's triggers follow, see {@link Triggers}. */
@Component
class Schedules {

    /** So that the time of a fire still fits into a sweep's name. */
    private static final int LONGEST_NAME = 160;

    private static final int DEFAULT_CATCH_UP_LIMIT = 10;
    private static final int MOST_CATCH_UP = 100;
    private static final int UPCOMING = 5;
    private static final int RECENT = 3;
    private static final Instant END_OF_TIME = Instant.parse("9999-12-31T00:00:00Z");

    private final ScheduleStore store;
    private final FireStore fires;
    private final Sweeps sweeps;
    private final ExperimentAccess access;
    private final JsonMapper json;

    Schedules(ScheduleStore store, FireStore fires, Sweeps sweeps, ExperimentAccess access, JsonMapper json) {
        this.access = access;
        this.store = store;
        this.fires = fires;
        this.sweeps = sweeps;
        this.json = json;
    }

    /** @throws ProblemException invalid-request, or what a sweep of that template is refused with; schedule-exists */
    @Transactional
    ScheduleViews.Schedule create(ScheduleViews.CreateSchedule wanted) {
        ScheduleStore.Definition definition = definition(wanted, null);
        OptionalLong made = store.create(definition, Boolean.TRUE.equals(wanted.paused()));
        long id = made.orElseThrow(() -> exists(definition.name()));
        access.writtenByCaller(id);
        return get(id);
    }

    /**
     * Replaces what the schedule says. Whether it is paused stays as it is where the request does not say.
     *
     * @param expectedVersion version the caller has seen; not checked when absent
     * @throws ProblemException as {@link #create}; not-found, etag-mismatch
     */
    @Transactional
    ScheduleViews.Schedule update(long id, ScheduleViews.CreateSchedule wanted, @Nullable Long expectedVersion) {
        ScheduleStore.Row row = locked(id, expectedVersion);
        ScheduleStore.Definition definition = definition(wanted, template(row));
        boolean timing = !definition.cron().equals(row.definition().cron())
                || !definition.zone().equals(row.definition().zone());
        try {
            store.update(id, definition, timing);
        } catch (DuplicateKeyException e) {
            ProblemException exists = exists(definition.name());
            exists.initCause(e);
            throw exists;
        }
        access.writtenByCaller(id);
        if (wanted.paused() != null) {
            store.pause(id, wanted.paused());
        }
        return get(id);
    }

    /** Pausing a schedule that is paused changes nothing. */
    @Transactional
    ScheduleViews.Schedule pause(long id, boolean paused) {
        locked(id, null);
        store.pause(id, paused);
        return get(id);
    }

    /** Takes it away with its fires; the sweeps it has submitted stay. */
    @Transactional
    void delete(long id, @Nullable Long expectedVersion) {
        locked(id, expectedVersion);
        store.delete(id);
    }

    /** A fire now, paused or not, under the schedule's overlap policy. */
    @Transactional
    ScheduleViews.Fire runNow(long id) {
        ScheduleStore.Row row = locked(id, null);
        Instant at = store.now().truncatedTo(ChronoUnit.MILLIS);
        // never a whole second: those are the cron expression's
        if (at.get(ChronoField.MILLI_OF_SECOND) == 0) {
            at = at.plusMillis(1);
        }
        OptionalLong made = fires.enter(id, at, Origin.MANUAL, FireState.PENDING, null);
        while (made.isEmpty()) {
            at = at.plusMillis(at.get(ChronoField.MILLI_OF_SECOND) == 999 ? 2 : 1);
            made = fires.enter(id, at, Origin.MANUAL, FireState.PENDING, null);
        }
        return view(fires.find(made.getAsLong()).orElseThrow(), times(row));
    }

    @Transactional(readOnly = true)
    ScheduleViews.Schedule get(long id) {
        return view(store.find(id).orElseThrow(() -> notFound(id)), store.now());
    }

    /** Newest first, without what the caller may not see. */
    @Transactional(readOnly = true)
    List<ScheduleViews.Schedule> list(long before, int limit) {
        Instant now = store.now();
        return store.list(before, limit, access.hidden()).stream()
                .map(row -> view(row, now))
                .toList();
    }

    /** Newest first. */
    @Transactional(readOnly = true)
    List<ScheduleViews.Fire> fires(long id, @Nullable Instant before, int limit) {
        FireTimes times = times(store.find(id).orElseThrow(() -> notFound(id)));
        return fires.list(id, before == null ? END_OF_TIME : before, limit).stream()
                .map(fire -> view(fire, times))
                .toList();
    }

    private ScheduleStore.Row locked(long id, @Nullable Long expectedVersion) {
        ScheduleStore.Row row = store.lock(id).orElseThrow(() -> notFound(id));
        if (expectedVersion != null && expectedVersion != row.version()) {
            throw new ProblemException(
                    ErrorCode.ETAG_MISMATCH,
                    "The schedule has changed since (version " + row.version() + "). Look at it again.");
        }
        return row;
    }

    /**
     * A field absent from the JSON is null here, whatever its type.
     *
     * @param before what the schedule has submitted until now
     */
    private ScheduleStore.Definition definition(ScheduleViews.CreateSchedule wanted, @Nullable SweepSpec before) {
        List<Problem.FieldError> errors = new ArrayList<>();
        String name = wanted.name();
        if (name == null || name.isBlank() || name.length() > LONGEST_NAME) {
            errors.add(new Problem.FieldError("/name", "A name is needed here.", "1 to 160 characters", null));
        }
        String zone = wanted.zone() == null ? "UTC" : wanted.zone();
        if (wanted.cron() == null) {
            errors.add(new Problem.FieldError(
                    "/cron",
                    "A cron expression is needed.",
                    "minute hour day month weekday, such as 30 2 * * *",
                    null));
        } else {
            try {
                FireTimes.parse(wanted.cron(), zone, store.now());
            } catch (FireTimes.InvalidTimingException e) {
                errors.add(new Problem.FieldError(e.pointer(), String.valueOf(e.getMessage()), e.expected(), null));
            }
        }
        int limit = wanted.catchUpLimit() == null ? DEFAULT_CATCH_UP_LIMIT : wanted.catchUpLimit();
        if (limit < 1 || limit > MOST_CATCH_UP) {
            errors.add(new Problem.FieldError("/catchUpLimit", limit + " fires.", "1 to " + MOST_CATCH_UP, null));
        }
        if (wanted.spec() == null) {
            errors.add(new Problem.FieldError("/spec", "A schedule needs the sweep it submits.", null, null));
        }
        if (!errors.isEmpty()) {
            throw new ProblemException(ErrorCode.INVALID_REQUEST, "The schedule cannot be kept as it is.", errors);
        }
        access.maySubmitTo(wanted.spec().experiment(), Submitter.current());
        return new ScheduleStore.Definition(
                name,
                spec(wanted.spec(), name, before),
                wanted.cron().trim(),
                zone,
                wanted.catchUp() == null ? CatchUp.SKIP : wanted.catchUp(),
                limit,
                wanted.overlap() == null ? Overlap.SKIP : wanted.overlap());
    }

    /** The template under the schedule's name, which stands for those of the fires; checked as a sweep of today would be. */
    private String spec(SweepSpec spec, String name, @Nullable SweepSpec before) {
        SweepSpec whole = spec instanceof SweepSpec.Command now && before instanceof SweepSpec.Command then
                ? now.unmasked(then)
                : spec;
        ObjectNode tree =
                (ObjectNode) json.readTree(json.writerFor(SweepSpec.class).writeValueAsString(whole));
        SweepSpec named = json.treeToValue(tree.put("name", name), SweepSpec.class);
        try {
            sweeps.check(named);
        } catch (ProblemException e) {
            ProblemException within = new ProblemException(
                    e.code(),
                    e.detail(),
                    e.errors().stream()
                            .map(error -> new Problem.FieldError(
                                    "/spec" + error.pointer(), error.message(), error.expected(), error.nearest()))
                            .toList());
            within.initCause(e);
            throw within;
        }
        return tree.toString();
    }

    private ScheduleViews.Schedule view(ScheduleStore.Row row, Instant now) {
        FireTimes times = times(row);
        ScheduleStore.Definition definition = row.definition();
        return new ScheduleViews.Schedule(
                row.id(),
                definition.name(),
                template(row).masked(),
                definition.cron(),
                definition.zone(),
                definition.catchUp(),
                definition.catchUpLimit(),
                definition.overlap(),
                row.paused(),
                times.upcoming(now, UPCOMING),
                fires(row.id(), null, RECENT),
                row.createdAt(),
                row.updatedAt(),
                row.version());
    }

    /** What it submits, secrets included. */
    private SweepSpec template(ScheduleStore.Row row) {
        return json.readValue(row.definition().specJson(), SweepSpec.class);
    }

    private static ScheduleViews.Fire view(FireStore.Row fire, FireTimes times) {
        return new ScheduleViews.Fire(
                fire.id(),
                fire.scheduleId(),
                fire.fireTime(),
                times.local(fire.fireTime()),
                fire.origin(),
                fire.state(),
                fire.reason(),
                fire.sweepId(),
                fire.sweep(),
                fire.createdAt(),
                fire.settledAt());
    }

    private static FireTimes times(ScheduleStore.Row row) {
        try {
            return FireTimes.of(row.definition().cron(), row.definition().zone());
        } catch (FireTimes.InvalidTimingException e) {
            throw new IllegalStateException("schedule " + row.id() + " cannot be read", e);
        }
    }

    private static ProblemException notFound(long id) {
        return new ProblemException(ErrorCode.NOT_FOUND, "There is no schedule " + id + ".");
    }

    private static ProblemException exists(String name) {
        return new ProblemException(
                ErrorCode.SCHEDULE_EXISTS,
                "There is a schedule named " + name + " already: change that one, or give this another name.");
    }
}
