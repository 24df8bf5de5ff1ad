package dev.isoflop.platform.orchestration;

import dev.isoflop.db.runner.PlaceStore;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.error.ErrorCode;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/**
 * Keeps runs away from hosts and devices that failed them, and sets aside those that fail again and again. A place is a host with the
 * GPUs that a runner has there, whatever the runner is called.
 */
@Component
public class Places {

    private static final Logger log = LoggerFactory.getLogger(Places.class);

    private final PlaceStore places;
    private final FailureSettings settings;
    private final LeaseSettings leases;

    Places(PlaceStore places, FailureSettings settings, LeaseSettings leases) {
        this.places = places;
        this.settings = settings;
        this.leases = leases;
    }

    /** Draws the consequences of a failure for the place it happened at, in the caller's transaction. */
    @Transactional(propagation = Propagation.MANDATORY)
    public void failed(long runId, int attempt, long runnerId, FailureRules.Judgement judgement) {
        if (judgement.place() == FailureRule.Place.KEEP) {
            return;
        }
        String place = places.of(runnerId);
        String reason = "attempt %d failed there (%s: %s)".formatted(attempt, judgement.rule(), judgement.evidence());
        boolean device = judgement.verdict() == FailureClass.DEVICE;
        // Where there is nowhere else to go, it may come back soon: a lost context goes with its process.
        boolean elsewhere = device && places.hasOther(runnerId, leases.ttl());
        places.avoid(runId, place, elsewhere ? settings.avoidFor() : settings.avoidBrieflyFor(), reason);
        if (device) {
            places.noteError(place, runId, attempt, judgement.rule(), judgement.evidence());
        }
        int errors = device ? places.errorsWithin(place, settings.deviceErrorWindow()) : 0;
        if (judgement.place() == FailureRule.Place.SET_ASIDE || errors >= settings.deviceErrors()) {
            String why = judgement.place() == FailureRule.Place.SET_ASIDE
                    ? "%s in run %d".formatted(judgement.rule(), runId)
                    : "%d device errors within %s, the last one %s in run %d"
                            .formatted(errors, words(settings.deviceErrorWindow()), judgement.rule(), runId);
            places.setAside(place, why, judgement.evidence(), runId, settings.setAsideFor());
            log.warn("{} is set aside: {}: {}", place, why, judgement.evidence());
        }
    }

    /**
     * Takes a runner's place into service again and forgets its errors.
     *
     * @throws ProblemException not-found, if there is no such runner or it is not set aside
     */
    @Transactional
    public void clear(long runnerId) {
        if (!places.clear(runnerId)) {
            throw new ProblemException(
                    ErrorCode.NOT_FOUND, "There is no runner %d that is set aside.".formatted(runnerId));
        }
    }

    private static String words(Duration time) {
        return time.toMinutes() % 60 == 0 ? time.toHours() + " h" : time.toMinutes() + " min";
    }
}
