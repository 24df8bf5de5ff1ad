package dev.isoflop.platform.predictions;

import dev.isoflop.platform.shared.web.Cursor;
import dev.isoflop.protocol.api.Page;
import dev.isoflop.protocol.api.PredictionViews;
import java.net.URI;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/api/v1")
class PredictionController {

    private final Predictions predictions;
    private final PredictionQueries queries;
    private final PredictionSummaries summaries;

    PredictionController(Predictions predictions, PredictionQueries queries, PredictionSummaries summaries) {
        this.predictions = predictions;
        this.queries = queries;
        this.summaries = summaries;
    }

    /** 201; 200 if the fit has predicted the run before. */
    @PostMapping("/fits/{id}/predictions")
    ResponseEntity<PredictionViews.Prediction> predict(
            @PathVariable("id") long fitId, @RequestBody PredictionViews.CreatePrediction request) {
        Predictions.Made made = predictions.predict(fitId, request);
        URI location = URI.create("/api/v1/predictions/" + made.prediction().id());
        return made.created()
                ? ResponseEntity.created(location).body(made.prediction())
                : ResponseEntity.ok().location(location).body(made.prediction());
    }

    /** The ledger, a page at a time. */
    @GetMapping("/predictions")
    Page<PredictionViews.Prediction> list(
            @RequestParam(name = "experiment", required = false) @Nullable Long experiment,
            @RequestParam(name = "fit", required = false) @Nullable Long fit,
            @RequestParam(name = "run", required = false) @Nullable Long run,
            @RequestParam(name = "state", required = false) @Nullable String state,
            @RequestParam(name = "covered", required = false) @Nullable Boolean covered,
            @RequestParam(name = "sort", required = false) @Nullable String sort,
            @RequestParam(name = "limit", required = false) @Nullable Integer limit,
            @RequestParam(name = "after", required = false) @Nullable String after) {
        return queries.list(
                new PredictionQueries.Filter(experiment, fit, run, state, covered),
                PredictionSort.parse(sort),
                Cursor.limit(limit, 50),
                after);
    }

    /** Coverage and error by extrapolation ratio. */
    @GetMapping("/predictions/summary")
    PredictionViews.PredictionSummary summary(
            @RequestParam(name = "experiment", required = false) @Nullable Long experiment,
            @RequestParam(name = "fit", required = false) @Nullable Long fit) {
        return summaries.summary(new PredictionQueries.Filter(experiment, fit, null, null, null));
    }

    @GetMapping("/predictions/{id}")
    PredictionViews.Prediction get(@PathVariable("id") long id) {
        return queries.get(id);
    }

    /** Ties a prediction of an N and D to a run of that size that has not begun; for good. */
    @PutMapping("/predictions/{id}/run")
    PredictionViews.Prediction link(@PathVariable("id") long id, @RequestBody PredictionViews.LinkPrediction request) {
        return predictions.link(id, request);
    }
}
