package dev.isoflop.platform.metrics;

import dev.isoflop.db.metric.MetricReader;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.MetricViews;
import dev.isoflop.protocol.error.ErrorCode;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/api/v1/runs/{id}/metrics")
class MetricController {

    private static final int MAX_POINTS = 10_000;

    private final MetricReader reader;
    private final JdbcClient jdbc;

    MetricController(MetricReader reader, JdbcClient jdbc) {
        this.reader = reader;
        this.jdbc = jdbc;
    }

    /** Heads of the run's series, by name. */
    @GetMapping
    List<MetricViews.Head> heads(@PathVariable("id") long runId) {
        List<MetricViews.Head> heads = reader.heads(runId);
        if (heads.isEmpty()
                && jdbc.sql("select 1 from run where id = ?")
                        .param(runId)
                        .query(Integer.class)
                        .optional()
                        .isEmpty()) {
            throw new ProblemException(ErrorCode.NOT_FOUND, "There is no run " + runId + ".");
        }
        return heads;
    }

    /**
     * A series cut to {@code from <= step <= to}, then reduced to at most {@code maxPoints} buckets.
     */
    @GetMapping("/series")
    MetricViews.Series series(
            @PathVariable("id") long runId,
            @RequestParam("name") String name,
            @RequestParam(name = "from", required = false) @Nullable Long from,
            @RequestParam(name = "to", required = false) @Nullable Long to,
            @RequestParam(name = "maxPoints", defaultValue = "1000") int maxPoints) {
        if (maxPoints < 2 || maxPoints > MAX_POINTS) {
            throw invalid("maxPoints", "is 2 to " + MAX_POINTS + ", was " + maxPoints);
        }
        long first = from == null ? 0 : from;
        long last = to == null ? Long.MAX_VALUE : to;
        if (first > last) {
            throw invalid("from", "is not after to, was " + first + " > " + last);
        }
        return reader.series(runId, name, first, last, maxPoints)
                .orElseThrow(() ->
                        new ProblemException(ErrorCode.NOT_FOUND, "Run " + runId + " has no series '" + name + "'."));
    }

    private static ProblemException invalid(String parameter, String message) {
        return ProblemException.field("/" + parameter, message);
    }
}
