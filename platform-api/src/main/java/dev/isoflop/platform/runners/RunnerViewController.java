package dev.isoflop.platform.runners;

import dev.isoflop.db.runner.DeviceSampleStore;
import dev.isoflop.platform.orchestration.LeaseSettings;
import dev.isoflop.platform.orchestration.Places;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.MetricViews;
import dev.isoflop.protocol.api.Views;
import dev.isoflop.protocol.error.ErrorCode;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/api/v1/runners")
class RunnerViewController {

    private static final int MAX_POINTS = 10_000;
    private static final Duration SHOWN = Duration.ofHours(1);

    private final RunnerQueries runners;
    private final Places places;
    private final DeviceSampleStore samples;
    private final LeaseSettings settings;

    RunnerViewController(RunnerQueries runners, Places places, DeviceSampleStore samples, LeaseSettings settings) {
        this.runners = runners;
        this.places = places;
        this.samples = samples;
        this.settings = settings;
    }

    /** Last heard of first. */
    @GetMapping
    List<Views.Runner> list() {
        return runners.all();
    }

    @GetMapping("/{id}")
    Views.Runner find(@PathVariable("id") long id) {
        return runners.find(id)
                .orElseThrow(() -> new ProblemException(ErrorCode.NOT_FOUND, "There is no runner " + id + "."));
    }

    /** Takes a runner that was set aside, and all others on its host and devices, into service again. */
    @DeleteMapping("/{id}/set-aside")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void clear(@PathVariable("id") long id) {
        places.clear(id);
    }

    /**
     * What a device did: kept for a day, a sample a heartbeat. {@code from} (by default an hour before {@code to}) is
     * included, {@code to} (by default now) is not.
     */
    @GetMapping("/{id}/devices/{index}/samples")
    MetricViews.DeviceSeries samples(
            @PathVariable("id") long id,
            @PathVariable("index") int index,
            @RequestParam(name = "from", required = false) @Nullable Instant from,
            @RequestParam(name = "to", required = false) @Nullable Instant to,
            @RequestParam(name = "maxPoints", defaultValue = "1000") int maxPoints) {
        if (maxPoints < 2 || maxPoints > MAX_POINTS) {
            throw invalid("maxPoints", "is 2 to " + MAX_POINTS + ", was " + maxPoints);
        }
        // a sample's time is the database's, whose clock may be a little ahead of this one
        Instant end = to == null ? Instant.now().plus(settings.ttl()) : to;
        Instant start = from == null ? end.minus(SHOWN) : from;
        if (!start.isBefore(end)) {
            throw invalid("from", "is before to, was " + start + " and " + end);
        }
        if (find(id).devices().stream().noneMatch(device -> device.index() == index)) {
            throw new ProblemException(ErrorCode.NOT_FOUND, "Runner " + id + " has no device " + index + ".");
        }
        return samples.series(id, index, start, end, maxPoints, settings.heartbeat());
    }

    private static ProblemException invalid(String parameter, String message) {
        return ProblemException.field("/" + parameter, message);
    }
}
