package dev.isoflop.platform.runs;

import dev.isoflop.platform.artifacts.ArtifactFiles;
import dev.isoflop.platform.orchestration.CancelRuns;
import dev.isoflop.platform.orchestration.ReleaseRuns;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.platform.shared.web.Cursor;
import dev.isoflop.platform.shared.web.IfMatch;
import dev.isoflop.protocol.api.Page;
import dev.isoflop.protocol.api.Views;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.job.FileRef;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.headers.Header;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.FileSystemResource;
import org.springframework.core.io.Resource;
import org.springframework.http.ContentDisposition;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/api/v1/runs")
class RunController {

    private final RunQueries queries;
    private final CancelRuns cancel;
    private final ReleaseRuns release;
    private final ArtifactFiles artifacts;

    RunController(RunQueries queries, CancelRuns cancel, ReleaseRuns release, ArtifactFiles artifacts) {
        this.queries = queries;
        this.cancel = cancel;
        this.release = release;
        this.artifacts = artifacts;
    }

    /** Runs that match, a page at a time. */
    @GetMapping
    Page<Views.Run> list(
            @RequestParam(name = "sweep", required = false) @Nullable Long sweep,
            @RequestParam(name = "state", required = false) @Nullable List<String> state,
            @RequestParam(name = "kind", required = false) @Nullable String kind,
            @RequestParam(name = "model", required = false) @Nullable String model,
            @RequestParam(name = "q", required = false) @Nullable String q,
            @RequestParam(name = "sort", required = false) @Nullable String sort,
            @RequestParam(name = "limit", required = false) @Nullable Integer limit,
            @RequestParam(name = "after", required = false) @Nullable String after) {
        return queries.list(
                new RunQueries.Filter(sweep, state == null ? List.of() : state, kind, model, q),
                RunSort.parse(sort),
                Cursor.limit(limit, 50),
                after);
    }

    @GetMapping("/{id}")
    @ApiResponse(
            responseCode = "200",
            headers =
                    @Header(
                            name = "ETag",
                            description = "Version and progress, for If-Match and If-None-Match",
                            schema = @Schema(type = "string")))
    @ApiResponse(responseCode = "304", description = "As the ETag in If-None-Match says", content = @Content)
    ResponseEntity<Views.RunDetail> get(@PathVariable("id") long id) {
        Views.RunDetail detail = queries.detail(id);
        // progress moves without a new version: the tag carries both
        return ResponseEntity.ok()
                .eTag(detail.run().version() + "-" + detail.run().step())
                .body(detail);
    }

    @PostMapping("/{id}/cancellation")
    Views.Run cancel(
            @PathVariable("id") long id,
            @Parameter(required = true) @RequestHeader(name = "If-Match", required = false) @Nullable String ifMatch) {
        cancel.cancel(id, IfMatch.version(ifMatch));
        return queries.run(id);
    }

    /** Queues a run that failed for good again, a quarantined one above all, with its retries as those of a new run. */
    @PostMapping("/{id}/release")
    Views.Run release(
            @PathVariable("id") long id,
            @Parameter(required = true) @RequestHeader(name = "If-Match", required = false) @Nullable String ifMatch) {
        release.release(id, IfMatch.version(ifMatch));
        return queries.run(id);
    }

    @GetMapping("/{id}/attempts")
    List<Views.Attempt> attempts(@PathVariable("id") long id) {
        return queries.attempts(id);
    }

    @GetMapping("/{id}/events")
    List<Views.RunEvent> events(@PathVariable("id") long id) {
        return queries.events(id);
    }

    @GetMapping("/{id}/checkpoints")
    List<Views.Checkpoint> checkpoints(@PathVariable("id") long id) {
        return queries.checkpoints(id);
    }

    /** Where the time and the memory of the run's newest attempt go; not found until one has told. */
    @GetMapping("/{id}/profile")
    Views.Profile profile(@PathVariable("id") long id) {
        return queries.profile(id);
    }

    /** Lines after the cursor; {@code next} is there even on the last page, to ask for what is written later. */
    @GetMapping("/{id}/logs")
    Page<Views.LogLine> logs(
            @PathVariable("id") long id,
            @RequestParam(name = "limit", required = false) @Nullable Integer limit,
            @RequestParam(name = "after", required = false) @Nullable String after) {
        return queries.logs(id, Cursor.limit(limit, Cursor.MAX_LIMIT), after);
    }

    /** A file of a checkpoint, the newest one unless another is named; of a command also an output, unless a checkpoint is named. */
    @GetMapping(path = "/{id}/artifacts/{*name}", produces = MediaType.APPLICATION_OCTET_STREAM_VALUE)
    ResponseEntity<Resource> artifact(
            @PathVariable("id") long id,
            @PathVariable("name") String path,
            @RequestParam(name = "checkpoint", required = false) @Nullable Long checkpoint) {
        String name = path.startsWith("/") ? path.substring(1) : path;
        FileRef file = (checkpoint == null ? queries.output(id, name) : Optional.<FileRef>empty())
                .or(() -> queries.checkpoints(id).stream()
                        .filter(c -> checkpoint == null || c.id() == checkpoint)
                        .findFirst()
                        .flatMap(c -> c.files().stream()
                                .filter(f -> f.name().equals(name))
                                .findFirst()))
                .orElseThrow(
                        () -> new ProblemException(ErrorCode.NOT_FOUND, "Run " + id + " has no file " + name + "."));
        ArtifactFiles.Stored stored = artifacts
                .find(file.sha256())
                .orElseThrow(() -> new ProblemException(
                        ErrorCode.NOT_FOUND,
                        name + " of that checkpoint has been pruned; newer checkpoints are kept."));
        return ResponseEntity.ok()
                .contentType(MediaType.APPLICATION_OCTET_STREAM)
                .header(
                        HttpHeaders.CONTENT_DISPOSITION,
                        ContentDisposition.attachment()
                                .filename(name.substring(name.lastIndexOf('/') + 1))
                                .build()
                                .toString())
                .body(new FileSystemResource(stored.path()));
    }
}
