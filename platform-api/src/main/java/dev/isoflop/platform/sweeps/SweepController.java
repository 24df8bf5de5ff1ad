package dev.isoflop.platform.sweeps;

import dev.isoflop.platform.shared.idempotency.Idempotency;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.platform.shared.web.Cursor;
import dev.isoflop.platform.shared.web.IfMatch;
import dev.isoflop.protocol.api.Page;
import dev.isoflop.protocol.api.SweepSpec;
import dev.isoflop.protocol.api.Views;
import dev.isoflop.protocol.error.ErrorCode;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import java.security.Principal;
import java.util.List;
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

@RestController
@RequestMapping("/api/v1")
class SweepController {

    private final Sweeps sweeps;
    private final Idempotency idempotency;

    SweepController(Sweeps sweeps, Idempotency idempotency) {
        this.sweeps = sweeps;
        this.idempotency = idempotency;
    }

    /** Queues a sweep's runs; with {@code validateOnly} answers the plan and stores nothing. */
    @PostMapping("/sweeps")
    @ApiResponse(responseCode = "201", content = @Content(schema = @Schema(implementation = Views.Sweep.class)))
    @ApiResponse(responseCode = "200", content = @Content(schema = @Schema(implementation = Views.Plan.class)))
    ResponseEntity<Object> submit(
            @RequestHeader(name = "Idempotency-Key", required = false) @Nullable String key,
            @RequestParam(name = "validateOnly", defaultValue = "false") boolean validateOnly,
            @RequestBody SweepSpec spec,
            Principal principal) {
        if (validateOnly) {
            return ResponseEntity.ok(sweeps.plan(spec));
        }
        if (key == null) {
            throw new ProblemException(
                    ErrorCode.IDEMPOTENCY_KEY_MISSING,
                    "Send an Idempotency-Key (any unique text), so that the submission can be repeated safely.");
        }
        return idempotency.once(principal.getName(), key, spec, () -> {
            Views.Sweep sweep = sweeps.submit(spec);
            return new Idempotency.Made<>("/api/v1/sweeps/" + sweep.id(), sweep);
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
    Views.Sweep get(@PathVariable("id") long id) {
        return sweeps.get(id);
    }

    @GetMapping("/sweeps/{id}/plan")
    Views.Plan plan(@PathVariable("id") long id) {
        return sweeps.planOf(id);
    }

    @PostMapping("/sweeps/{id}/cancellation")
    Views.Sweep cancel(
            @PathVariable("id") long id, @RequestHeader(name = "If-Match", required = false) @Nullable String ifMatch) {
        return sweeps.cancel(id, IfMatch.version(ifMatch));
    }

    /** The JSON Schema of sweep files. */
    @GetMapping(path = "/schema/sweep.json", produces = "application/schema+json")
    Resource schema() {
        return new ClassPathResource("schema/sweep.schema.json");
    }
}
