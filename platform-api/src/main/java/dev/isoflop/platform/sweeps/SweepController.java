package dev.isoflop.platform.sweeps;

import dev.isoflop.platform.access.ExperimentAccess;
import dev.isoflop.platform.access.Submitter;
import dev.isoflop.platform.predictions.Predictions;
import dev.isoflop.platform.shared.idempotency.Idempotency;
import dev.isoflop.platform.shared.web.Cursor;
import dev.isoflop.platform.shared.web.IfMatch;
import dev.isoflop.protocol.api.Page;
import dev.isoflop.protocol.api.SweepAddition;
import dev.isoflop.protocol.api.SweepSpec;
import dev.isoflop.protocol.api.Views;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.headers.Header;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import java.security.Principal;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.ClassPathResource;
import org.springframework.core.io.Resource;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.json.JsonMapper;

@RestController
@RequestMapping("/api/v1")
class SweepController {

    private final Sweeps sweeps;
    private final SweepGrowth growth;
    private final Idempotency idempotency;
    private final ExperimentAccess access;
    private final Predictions predictions;
    private final JsonMapper json;

    SweepController(
            Sweeps sweeps,
            SweepGrowth growth,
            Idempotency idempotency,
            ExperimentAccess access,
            Predictions predictions,
            JsonMapper json) {
        this.growth = growth;
        this.access = access;
        this.predictions = predictions;
        this.sweeps = sweeps;
        this.idempotency = idempotency;
        this.json = json;
    }

    /**
     * Queues a sweep's runs; with {@code validateOnly} answers the plan and stores nothing. {@code predictFrom} is a fit that predicts
     * each of them before any can begin; a run that it says nothing of has the whole submission refused.
     */
    @PostMapping("/sweeps")
    @ApiResponse(responseCode = "201", content = @Content(schema = @Schema(implementation = Views.Sweep.class)))
    @ApiResponse(responseCode = "200", content = @Content(schema = @Schema(implementation = Views.Plan.class)))
    ResponseEntity<Object> submit(
            @RequestHeader(name = "Idempotency-Key", required = false) @Nullable String key,
            @RequestParam(name = "validateOnly", defaultValue = "false") boolean validateOnly,
            @RequestParam(name = "predictFrom", required = false) @Nullable Long predictFrom,
            @RequestBody SweepSpec spec,
            Principal principal) {
        // before anything stored is answered again: roles may have been taken away since
        access.maySubmitTo(spec.experiment(), Submitter.current());
        if (validateOnly) {
            return ResponseEntity.ok(sweeps.validate(spec));
        }
        String given = Idempotency.required(key);
        // the law is made before the transaction of the submission, not in it
        LongConsumer predict = predictFrom == null ? null : predictions.ofSweep(predictFrom);
        String operation = spec.getClass().getName() + (predictFrom == null ? "" : "?predictFrom=" + predictFrom);
        return idempotency.once(principal.getName(), given, operation, spec, () -> {
            Views.Sweep sweep = sweeps.submit(spec, Submitter.current());
            if (predict != null) {
                predict.accept(sweep.id());
            }
            return new Idempotency.Made<>("/api/v1/sweeps/" + sweep.id(), sweep);
        });
    }

    /**
     * Queues more runs in a sweep, such as those that a fit of it proposes next. {@code predictFrom} is a fit that predicts each of them
     * before any can begin; a run that it says nothing of has the whole addition refused.
     */
    @PostMapping("/sweeps/{id}/runs")
    @ApiResponse(responseCode = "201", content = @Content(schema = @Schema(implementation = Views.Sweep.class)))
    ResponseEntity<Object> add(
            @PathVariable("id") long id,
            @RequestHeader(name = "Idempotency-Key", required = false) @Nullable String key,
            @RequestParam(name = "predictFrom", required = false) @Nullable Long predictFrom,
            @RequestBody SweepAddition addition,
            Principal principal) {
        String given = Idempotency.required(key);
        Consumer<List<Long>> predict = predictFrom == null ? null : predictions.ofRuns(predictFrom);
        String operation = "/sweeps/" + id + "/runs" + (predictFrom == null ? "" : "?predictFrom=" + predictFrom);
        return idempotency.once(principal.getName(), given, operation, addition, () -> {
            List<Long> added = growth.add(id, addition, Submitter.current());
            if (predict != null) {
                predict.accept(added);
            }
            return new Idempotency.Made<>("/api/v1/sweeps/" + id, sweeps.get(id));
        });
    }

    @GetMapping("/sweeps")
    Page<Views.Sweep> list(
            @RequestParam(name = "experiment", required = false) @Nullable Long experiment,
            @RequestParam(name = "limit", required = false) @Nullable Integer limit,
            @RequestParam(name = "after", required = false) @Nullable String after) {
        int size = Cursor.limit(limit, 50);
        List<Views.Sweep> found = sweeps.list(experiment, Cursor.id(after, Long.MAX_VALUE), size + 1);
        return Cursor.page(found, size, view -> Long.toString(view.id()));
    }

    @GetMapping("/sweeps/{id}")
    @ApiResponse(
            responseCode = "200",
            headers =
                    @Header(
                            name = "ETag",
                            description = "Version and content, for If-Match and If-None-Match",
                            schema = @Schema(type = "string")))
    @ApiResponse(responseCode = "304", description = "As the ETag in If-None-Match says", content = @Content)
    ResponseEntity<Views.Sweep> get(@PathVariable("id") long id) {
        Views.Sweep sweep = sweeps.get(id);
        // only a cancellation and an addition raise the version; what its runs do shows in the hash, which a
        // cancellation does
        // not compare
        return ResponseEntity.ok()
                .eTag(sweep.version() + "-"
                        + Idempotency.hash(json.writeValueAsString(sweep)).substring(0, 16))
                .body(sweep);
    }

    @GetMapping("/sweeps/{id}/plan")
    Views.Plan plan(@PathVariable("id") long id) {
        return sweeps.planOf(id);
    }

    @PostMapping("/sweeps/{id}/cancellation")
    Views.Sweep cancel(
            @PathVariable("id") long id,
            @Parameter(required = true) @RequestHeader(name = "If-Match", required = false) @Nullable String ifMatch) {
        return sweeps.cancel(id, IfMatch.version(ifMatch));
    }

    /** The JSON Schema of sweep files. */
    @GetMapping(path = "/schema/sweep.json", produces = "application/schema+json")
    Resource schema() {
        return new ClassPathResource("schema/sweep.schema.json");
    }
}
