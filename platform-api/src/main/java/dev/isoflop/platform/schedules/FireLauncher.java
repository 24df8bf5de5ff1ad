package dev.isoflop.platform.schedules;

import dev.isoflop.db.schedule.FireStore;
import dev.isoflop.db.schedule.ScheduleStore;
import dev.isoflop.platform.access.ExperimentAccess;
import dev.isoflop.platform.access.Submitter;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.platform.sweeps.Sweeps;
import dev.isoflop.platform.tracing.Traces;
import dev.isoflop.protocol.api.ScheduleViews.FireState;
import dev.isoflop.protocol.api.SweepSpec;
import dev.isoflop.protocol.api.Views;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.error.Problem;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.dao.DataIntegrityViolationException;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;
import org.springframework.transaction.support.TransactionTemplate;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Turns pending fires into sweeps, by their schedule's overlap policy, once their dataset is ready.
 *
 * <p>Concurrency: the schedule's row is locked meanwhile, so of several platforms one does it; the others leave the
 * schedule alone. Different schedules are independent.
 *
 * <p>Crash: the sweep, its runs and the word that the fire has submitted it are one transaction. A fire is pending until
 * then and is found again by whoever looks next.
 */
@Component
class FireLauncher {

    private static final Logger log = LoggerFactory.getLogger(FireLauncher.class);
    /** Fires of a schedule that wait for each other; as many as can be caught up with at once. */
    static final int MOST_QUEUED = 100;

    private final ScheduleStore schedules;
    private final FireStore fires;
    private final Sweeps sweeps;
    private final ExperimentAccess access;
    private final TransactionTemplate transactions;
    private final Traces traces;
    private final JsonMapper json;

    FireLauncher(
            ScheduleStore schedules,
            FireStore fires,
            Sweeps sweeps,
            ExperimentAccess access,
            TransactionTemplate transactions,
            Traces traces,
            JsonMapper json) {
        this.access = access;
        this.schedules = schedules;
        this.fires = fires;
        this.sweeps = sweeps;
        this.transactions = transactions;
        this.traces = traces;
        this.json = json;
    }

    /** A fire whose sweep cannot be submitted; carried out of the transaction, which is rolled back. */
    private static final class RefusedException extends RuntimeException {

        private static final long serialVersionUID = 1L;

        private final long fireId;

        RefusedException(long fireId, RuntimeException cause) {
            super(cause);
            this.fireId = fireId;
        }
    }

    /** One round over all schedules with pending fires. */
    void launch() {
        for (long schedule : fires.schedulesWithPending()) {
            try {
                while (settleOne(schedule)) {
                    log.debug("A fire of schedule {} is settled", schedule);
                }
            } catch (RuntimeException e) {
                log.warn("Could not launch the fires of schedule {}; trying again", schedule, e);
            }
        }
    }

    /** @return whether a fire was settled, so that there may be another */
    private boolean settleOne(long scheduleId) {
        try {
            return Boolean.TRUE.equals(transactions.execute(status -> schedules
                    .tryLock(scheduleId)
                    .map(schedule -> attempt(schedule, fires.pending(scheduleId)))
                    .orElse(false)));
        } catch (RefusedException refused) {
            String reason = reason(refused.getCause());
            log.warn("Fire {} of schedule {} has failed: {}", refused.fireId, scheduleId, reason);
            transactions.executeWithoutResult(status -> fires.settled(refused.fireId, FireState.FAILED, reason));
            return true;
        }
    }

    private boolean attempt(ScheduleStore.Row schedule, List<FireStore.Row> pending) {
        if (pending.isEmpty()) {
            return false;
        }
        FireTimes times = times(schedule, pending.getFirst());
        List<Long> atWork = fires.sweepsAtWork(schedule.id());
        return switch (schedule.definition().overlap()) {
            case SKIP -> {
                FireStore.Row first = pending.getFirst();
                if (!atWork.isEmpty()) {
                    fires.settled(
                            first.id(),
                            FireState.SKIPPED,
                            "Sweep %d of an earlier fire is still at work.".formatted(atWork.getLast()));
                    yield true;
                }
                if (submit(schedule, first, times, List.of())) {
                    yield true;
                }
                // it waits for its dataset: it is the one at work
                for (FireStore.Row later : pending.subList(1, pending.size())) {
                    fires.settled(
                            later.id(),
                            FireState.SKIPPED,
                            "The fire of %s still waits for its dataset.".formatted(times.local(first.fireTime())));
                }
                yield false;
            }
            case QUEUE -> {
                List<FireStore.Row> queued = pending.subList(0, Math.min(MOST_QUEUED, pending.size()));
                for (FireStore.Row newer : pending.subList(queued.size(), pending.size())) {
                    fires.settled(newer.id(), FireState.SKIPPED, MOST_QUEUED + " earlier fires are waiting already.");
                }
                if (!atWork.isEmpty()) {
                    String wait = "Waits for sweep %d of an earlier fire.".formatted(atWork.getLast());
                    queued.stream()
                            .filter(fire -> !wait.equals(fire.reason()))
                            .forEach(fire -> fires.waits(fire.id(), wait, null));
                    yield false;
                }
                yield submit(schedule, queued.getFirst(), times, List.of());
            }
            case CANCEL_PREVIOUS -> {
                FireStore.Row newest = pending.getLast();
                for (FireStore.Row earlier : pending.subList(0, pending.size() - 1)) {
                    fires.settled(
                            earlier.id(),
                            FireState.SKIPPED,
                            "The fire of %s took its place.".formatted(times.local(newest.fireTime())));
                }
                yield submit(schedule, newest, times, atWork);
            }
        };
    }

    private static FireTimes times(ScheduleStore.Row schedule, FireStore.Row fire) {
        try {
            return FireTimes.of(
                    schedule.definition().cron(), schedule.definition().zone());
        } catch (FireTimes.InvalidTimingException e) {
            throw new RefusedException(fire.id(), new IllegalStateException(e.getMessage(), e));
        }
    }

    /**
     * @param instead sweeps that are cancelled for this one
     * @return whether it was submitted; otherwise its dataset is waited for
     */
    private boolean submit(ScheduleStore.Row schedule, FireStore.Row fire, FireTimes times, List<Long> instead) {
        try {
            SweepSpec spec = named(
                    schedule.definition().specJson(),
                    schedule.definition().name() + "-" + times.suffix(fire.fireTime()));
            if (!datasetReady(spec, fire)) {
                return false;
            }
            instead.forEach(sweep -> sweeps.cancel(sweep, null));
            // in the name of whoever wrote it: what they may no longer do, their schedule does not do for them
            Submitter submitter = access.submitterOf(schedule.id());
            fires.submitted(
                    fire.id(),
                    traces.root("fire of a schedule", () -> sweeps.submit(spec, submitter))
                            .id());
            return true;
        } catch (DataIntegrityViolationException e) {
            // the sweep's fault: the database would refuse it again and again
            throw new RefusedException(fire.id(), e);
        } catch (DataAccessException | TransactionException e) {
            // the database's fault and not the sweep's: it stays pending
            throw e;
        } catch (RuntimeException e) {
            throw new RefusedException(fire.id(), e);
        }
    }

    /** The template under the name of this fire. */
    private SweepSpec named(String specJson, String name) {
        ObjectNode tree = (ObjectNode) json.readTree(specJson);
        return json.treeToValue(tree.put("name", name), SweepSpec.class);
    }

    /** A dataset that cannot be prepared is asked for once per fire, and not again and again. */
    private boolean datasetReady(SweepSpec spec, FireStore.Row fire) {
        if (!Sweeps.needsDataset(spec)) {
            return true;
        }
        Views.@Nullable Dataset dataset = sweeps.datasetOf(spec).orElse(null);
        if (dataset == null) {
            return waits(fire, sweeps.prepareDataset(spec));
        }
        if (dataset.detail() != null) {
            return true;
        }
        if (!dataset.state().equals("failed")) {
            return waits(fire, dataset);
        }
        Long asked = fire.dataRunId();
        if (asked != null && asked == dataset.runId()) {
            throw new ProblemException(
                    ErrorCode.DATASET_NOT_READY,
                    "The dataset could not be prepared; run %d says why.".formatted(asked));
        }
        return waits(fire, sweeps.prepareDataset(spec));
    }

    /** @return that the dataset is not ready */
    private boolean waits(FireStore.Row fire, Views.Dataset dataset) {
        fires.waits(
                fire.id(), "Waits for its dataset, which run %d prepares.".formatted(dataset.runId()), dataset.runId());
        return false;
    }

    private static String reason(@Nullable Throwable cause) {
        if (cause instanceof ProblemException problem) {
            String fields = problem.errors().stream().map(FireLauncher::field).collect(Collectors.joining(" "));
            return fields.isEmpty() ? problem.detail() : problem.detail() + " " + fields;
        }
        if (cause instanceof DataIntegrityViolationException refused) {
            return "The database refuses it: " + refused.getMostSpecificCause().getMessage();
        }
        return String.valueOf(cause);
    }

    private static String field(Problem.FieldError error) {
        return error.pointer() + ": " + error.message();
    }
}
