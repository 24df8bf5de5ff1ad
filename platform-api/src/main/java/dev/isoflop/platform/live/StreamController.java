package dev.isoflop.platform.live;

import dev.isoflop.platform.access.ExperimentAccess;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.error.ErrorCode;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

@RestController
class StreamController {

    private static final Pattern TOPIC = Pattern.compile("runs|runners|(run|sweep):\\d{1,18}");

    private final LiveStream stream;
    private final ExperimentAccess access;

    StreamController(LiveStream stream, ExperimentAccess access) {
        this.access = access;
        this.stream = stream;
    }

    /** Server-sent events: {@code transition}, {@code progress}, {@code fit}. */
    @GetMapping(path = "/api/v1/stream", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    SseEmitter open(
            @RequestParam(name = "topics", defaultValue = "runs") Set<String> topics,
            @RequestHeader(name = "Last-Event-ID", required = false) @Nullable String lastEventId) {
        for (String topic : topics) {
            if (!TOPIC.matcher(topic).matches()) {
                throw new ProblemException(
                        ErrorCode.INVALID_REQUEST,
                        "'" + topic + "' is no topic; topics are runs, runners, run:ID and sweep:ID.");
            }
            if (topic.startsWith("run:")) {
                access.maySeeRun(Long.parseLong(topic.substring("run:".length())));
            } else if (topic.startsWith("sweep:")) {
                access.maySeeSweep(Long.parseLong(topic.substring("sweep:".length())));
            }
        }
        return stream.open(topics, parse(lastEventId), access.watcher());
    }

    private static @Nullable Long parse(@Nullable String id) {
        if (id == null || id.isBlank()) {
            return null;
        }
        try {
            return Long.parseLong(id.trim());
        } catch (NumberFormatException e) {
            ProblemException problem = new ProblemException(
                    ErrorCode.INVALID_REQUEST, "Last-Event-ID = " + id + " is no id of this stream.");
            problem.initCause(e);
            throw problem;
        }
    }
}
