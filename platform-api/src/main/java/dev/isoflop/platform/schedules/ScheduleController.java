package dev.isoflop.platform.schedules;

import dev.isoflop.platform.shared.idempotency.Idempotency;
import dev.isoflop.platform.shared.web.Cursor;
import dev.isoflop.platform.shared.web.IfMatch;
import dev.isoflop.protocol.api.Page;
import dev.isoflop.protocol.api.ScheduleViews;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.headers.Header;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import java.security.Principal;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.json.JsonMapper;

@RestController
@RequestMapping("/api/v1/schedules")
class ScheduleController {

    private final Schedules schedules;
    private final Triggers triggers;
    private final Idempotency idempotency;
    private final JsonMapper json;

    ScheduleController(Schedules schedules, Triggers triggers, Idempotency idempotency, JsonMapper json) {
        this.schedules = schedules;
        this.triggers = triggers;
        this.idempotency = idempotency;
        this.json = json;
    }

    @GetMapping
    Page<ScheduleViews.Schedule> list(
            @RequestParam(name = "limit", required = false) @Nullable Integer limit,
            @RequestParam(name = "after", required = false) @Nullable String after) {
        int size = Cursor.limit(limit, 50);
        List<ScheduleViews.Schedule> found = schedules.list(Cursor.id(after, Long.MAX_VALUE), size + 1);
        return Cursor.page(found, size, view -> Long.toString(view.id()));
    }

    @PostMapping
    @ApiResponse(
            responseCode = "201",
            content = @Content(schema = @Schema(implementation = ScheduleViews.Schedule.class)))
    ResponseEntity<Object> create(
            @RequestHeader(name = "Idempotency-Key", required = false) @Nullable String key,
            @RequestBody ScheduleViews.CreateSchedule schedule,
            Principal principal) {
        ResponseEntity<Object> made = idempotency.once(principal.getName(), Idempotency.required(key), schedule, () -> {
            ScheduleViews.Schedule view = schedules.create(schedule);
            return new Idempotency.Made<>("/api/v1/schedules/" + view.id(), view);
        });
        triggers.syncSafely();
        return made;
    }

    @GetMapping("/{id}")
    @ApiResponse(
            responseCode = "200",
            headers =
                    @Header(
                            name = "ETag",
                            description = "Version and content, for If-Match and If-None-Match",
                            schema = @Schema(type = "string")))
    @ApiResponse(responseCode = "304", description = "As the ETag in If-None-Match says", content = @Content)
    ResponseEntity<ScheduleViews.Schedule> get(@PathVariable("id") long id) {
        return tagged(schedules.get(id));
    }

    /** Replaces what the schedule says; it stays paused or not where the body does not say. */
    @PutMapping("/{id}")
    @ApiResponse(
            responseCode = "200",
            headers =
                    @Header(
                            name = "ETag",
                            description = "Version and content, for If-Match and If-None-Match",
                            schema = @Schema(type = "string")))
    ResponseEntity<ScheduleViews.Schedule> update(
            @PathVariable("id") long id,
            @Parameter(required = true) @RequestHeader(name = "If-Match", required = false) @Nullable String ifMatch,
            @RequestBody ScheduleViews.CreateSchedule schedule) {
        ScheduleViews.Schedule updated = schedules.update(id, schedule, IfMatch.version(ifMatch));
        triggers.syncSafely();
        return tagged(updated);
    }

    /** Takes the schedule and its fires away; the sweeps it has submitted stay. */
    @DeleteMapping("/{id}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void delete(
            @PathVariable("id") long id,
            @Parameter(required = true) @RequestHeader(name = "If-Match", required = false) @Nullable String ifMatch) {
        schedules.delete(id, IfMatch.version(ifMatch));
        triggers.syncSafely();
    }

    /** Times that come due while it is paused do not fire, and are not caught up with either. */
    @PostMapping("/{id}/pause")
    ScheduleViews.Schedule pause(@PathVariable("id") long id) {
        ScheduleViews.Schedule paused = schedules.pause(id, true);
        triggers.syncSafely();
        return paused;
    }

    @PostMapping("/{id}/resume")
    ScheduleViews.Schedule resume(@PathVariable("id") long id) {
        ScheduleViews.Schedule resumed = schedules.pause(id, false);
        triggers.syncSafely();
        return resumed;
    }

    /** What each fire has done, newest first. */
    @GetMapping("/{id}/fires")
    Page<ScheduleViews.Fire> fires(
            @PathVariable("id") long id,
            @RequestParam(name = "limit", required = false) @Nullable Integer limit,
            @RequestParam(name = "after", required = false) @Nullable String after) {
        int size = Cursor.limit(limit, 50);
        long before = Cursor.id(after, Long.MAX_VALUE);
        List<ScheduleViews.Fire> found =
                schedules.fires(id, before == Long.MAX_VALUE ? null : Instant.ofEpochMilli(before), size + 1);
        return Cursor.page(found, size, fire -> Long.toString(fire.at().toEpochMilli()));
    }

    /** Runs it now, paused or not; the overlap policy holds. */
    @PostMapping("/{id}/fires")
    @ApiResponse(responseCode = "201", content = @Content(schema = @Schema(implementation = ScheduleViews.Fire.class)))
    ResponseEntity<Object> run(
            @PathVariable("id") long id,
            @RequestHeader(name = "Idempotency-Key", required = false) @Nullable String key,
            Principal principal) {
        return idempotency.once(principal.getName(), Idempotency.required(key), new RunNow(id), () -> {
            ScheduleViews.Fire fire = schedules.runNow(id);
            return new Idempotency.Made<>("/api/v1/schedules/" + id + "/fires", fire);
        });
    }

    /** What a request to run now says, for telling it from others of the same key. */
    private record RunNow(long schedule) {}

    /** The next fire times and the last fires move without a new version: the tag has both, and If-Match compares the version. */
    private ResponseEntity<ScheduleViews.Schedule> tagged(ScheduleViews.Schedule schedule) {
        return ResponseEntity.ok()
                .eTag(schedule.version() + "-"
                        + Idempotency.hash(json.writeValueAsString(schedule)).substring(0, 16))
                .body(schedule);
    }
}
