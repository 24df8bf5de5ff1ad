package dev.isoflop.platform.shared.problem;

import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.error.Problem;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/** Makes and sends problems; the one place that knows their shape on the wire. */
@Component
public class Problems {

    /** Long enough for an outage not to be hammered at, short enough not to be noticed after it. */
    private static final int RETRY_AFTER_SECONDS = 5;

    private final JsonMapper json;

    Problems(JsonMapper json) {
        this.json = json;
    }

    static Problem of(ErrorCode code, String detail, List<Problem.FieldError> errors, @Nullable Long expectedSeq) {
        return new Problem(
                "/problems/" + code.slug(),
                title(code),
                code.status(),
                detail,
                code.slug(),
                errors.isEmpty() ? null : errors,
                expectedSeq);
    }

    static ResponseEntity<Problem> answer(ErrorCode code, String detail, List<Problem.FieldError> errors) {
        return answer(of(code, detail, errors, null), null);
    }

    static ResponseEntity<Problem> answer(Problem problem, @Nullable URI location) {
        var response = ResponseEntity.status(problem.status()).contentType(MediaType.APPLICATION_PROBLEM_JSON);
        if (location != null) {
            response = response.location(location);
        }
        if (isShortage(problem.status())) {
            response = response.header(HttpHeaders.RETRY_AFTER, Integer.toString(RETRY_AFTER_SECONDS));
        }
        return response.body(problem);
    }

    /** Sends a problem from a filter, where no controller advice is near. */
    public void send(HttpServletResponse response, ErrorCode code, String detail) throws IOException {
        if (response.isCommitted()) {
            return;
        }
        response.resetBuffer();
        response.setStatus(code.status());
        response.setContentType(MediaType.APPLICATION_PROBLEM_JSON_VALUE);
        if (isShortage(code.status())) {
            response.setHeader(HttpHeaders.RETRY_AFTER, Integer.toString(RETRY_AFTER_SECONDS));
        }
        byte[] body = json.writeValueAsBytes(of(code, detail, List.of(), null));
        response.setContentLength(body.length);
        response.getOutputStream().write(body);
        response.flushBuffer();
    }

    /** What passes by itself or once somebody has made room: nothing is wrong with the request. */
    private static boolean isShortage(int status) {
        return status == ErrorCode.UNAVAILABLE.status() || status == ErrorCode.STORAGE_FULL.status();
    }

    /** Such as "Invalid sweep" for {@code INVALID_SWEEP}. */
    private static String title(ErrorCode code) {
        String words = code.slug().replace('-', ' ');
        return words.substring(0, 1).toUpperCase(Locale.ROOT) + words.substring(1);
    }
}
