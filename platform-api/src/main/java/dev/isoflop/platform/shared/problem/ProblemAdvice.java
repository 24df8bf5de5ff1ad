package dev.isoflop.platform.shared.problem;

import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.error.Problem;
import jakarta.servlet.http.HttpServletRequest;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.security.access.AccessDeniedException;
import org.springframework.security.core.AuthenticationException;
import org.springframework.web.HttpMediaTypeNotAcceptableException;
import org.springframework.web.HttpMediaTypeNotSupportedException;
import org.springframework.web.HttpRequestMethodNotSupportedException;
import org.springframework.web.bind.MissingRequestHeaderException;
import org.springframework.web.bind.MissingServletRequestParameterException;
import org.springframework.web.bind.ServletRequestBindingException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.context.request.async.AsyncRequestNotUsableException;
import org.springframework.web.method.annotation.MethodArgumentTypeMismatchException;
import org.springframework.web.servlet.resource.NoResourceFoundException;
import tools.jackson.core.JacksonException;

/** Turns whatever a request ends in into a problem. */
@RestControllerAdvice
@Order(Ordered.HIGHEST_PRECEDENCE)
class ProblemAdvice {

    private static final Logger log = LoggerFactory.getLogger(ProblemAdvice.class);

    /** What PostgreSQL says of text that is none, as such and within JSON. */
    private static final Set<String> NO_TEXT = Set.of("22021", "22P05");

    @ExceptionHandler
    ResponseEntity<Problem> refused(ProblemException e) {
        ResponseEntity<Problem> answer =
                Problems.answer(Problems.of(e.code(), e.detail(), e.errors(), e.expectedSeq()), e.location());
        Duration retryAfter = e.retryAfter();
        return retryAfter == null
                ? answer
                : ResponseEntity.status(answer.getStatusCode())
                        .headers(answer.getHeaders())
                        .header(HttpHeaders.RETRY_AFTER, Long.toString(Math.max(1, retryAfter.toSeconds())))
                        .body(answer.getBody());
    }

    @ExceptionHandler
    ResponseEntity<Problem> unreadable(HttpMessageNotReadableException e) {
        // Looked for first: Jackson wraps whatever reading the body threw in an exception of its own.
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof BodyTooLargeException tooLarge) {
                return tooLarge(tooLarge);
            }
        }
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof JacksonException json) {
                JsonFaults.Fault fault = JsonFaults.describe(json);
                Problem.FieldError error = fault.error();
                return Problems.answer(
                        ErrorCode.INVALID_REQUEST, fault.detail(), error == null ? List.of() : List.of(error));
            }
        }
        return Problems.answer(ErrorCode.INVALID_REQUEST, "A JSON body is needed.", List.of());
    }

    @ExceptionHandler
    ResponseEntity<Problem> tooLarge(BodyTooLargeException e) {
        return Problems.answer(ErrorCode.PAYLOAD_TOO_LARGE, e.getMessage(), List.of());
    }

    @ExceptionHandler
    ResponseEntity<Problem> noSuchPath(NoResourceFoundException e) {
        return Problems.answer(ErrorCode.NOT_FOUND, "There is nothing at /" + e.getResourcePath() + ".", List.of());
    }

    @ExceptionHandler
    ResponseEntity<Problem> wrongMethod(HttpRequestMethodNotSupportedException e) {
        var supported = e.getSupportedHttpMethods();
        String allowed = supported == null
                ? ""
                : supported.stream().map(HttpMethod::name).sorted().collect(Collectors.joining(", "));
        Problem problem = Problems.of(
                ErrorCode.METHOD_NOT_ALLOWED,
                "%s is not possible here%s.".formatted(e.getMethod(), allowed.isEmpty() ? "" : "; allowed: " + allowed),
                List.of(),
                null);
        var response = ResponseEntity.status(405).contentType(MediaType.APPLICATION_PROBLEM_JSON);
        return allowed.isEmpty()
                ? response.body(problem)
                : response.header(HttpHeaders.ALLOW, allowed).body(problem);
    }

    @ExceptionHandler
    ResponseEntity<Problem> wrongType(HttpMediaTypeNotSupportedException e) {
        return Problems.answer(
                ErrorCode.UNSUPPORTED_MEDIA_TYPE,
                "The body is %s; send %s."
                        .formatted(
                                e.getContentType() == null ? "of no stated type" : e.getContentType(),
                                e.getSupportedMediaTypes().stream()
                                        .filter(type -> !type.isWildcardSubtype())
                                        .map(MediaType::toString)
                                        .filter(type -> !type.contains("yaml") && !type.contains("cbor"))
                                        .distinct()
                                        .sorted()
                                        .collect(Collectors.joining(" or "))),
                List.of());
    }

    @ExceptionHandler
    ResponseEntity<Problem> notAcceptable(HttpMediaTypeNotAcceptableException e) {
        return Problems.answer(
                ErrorCode.UNSUPPORTED_MEDIA_TYPE,
                "This answers with %s only.".formatted(e.getSupportedMediaTypes()),
                List.of());
    }

    @ExceptionHandler
    ResponseEntity<Problem> badParameter(MethodArgumentTypeMismatchException e) {
        Class<?> wanted = e.getRequiredType();
        String expected = wanted == null ? "another type" : expected(wanted);
        return Problems.answer(
                ErrorCode.INVALID_REQUEST,
                "%s is \"%s\"; expected %s.".formatted(e.getName(), e.getValue(), expected),
                List.of(new Problem.FieldError("?" + e.getName(), "Not a valid value.", expected, null)));
    }

    private static String expected(Class<?> wanted) {
        return wanted == long.class || wanted == Long.class || wanted == int.class || wanted == Integer.class
                ? "a whole number"
                : wanted == boolean.class || wanted == Boolean.class ? "true or false" : wanted.getSimpleName();
    }

    @ExceptionHandler
    ResponseEntity<Problem> noKey(MissingRequestHeaderException e) {
        String name = e.getHeaderName();
        if (name.equalsIgnoreCase("Idempotency-Key")) {
            return Problems.answer(
                    ErrorCode.IDEMPOTENCY_KEY_MISSING,
                    "Send an Idempotency-Key, such as a random UUID, so that a repeat after a lost answer does no harm.",
                    List.of());
        }
        if (name.equalsIgnoreCase(HttpHeaders.IF_MATCH)) {
            return Problems.answer(
                    ErrorCode.IF_MATCH_MISSING, "Send If-Match with the ETag of what you are looking at.", List.of());
        }
        return Problems.answer(ErrorCode.INVALID_REQUEST, "The header %s is missing.".formatted(name), List.of());
    }

    @ExceptionHandler
    ResponseEntity<Problem> noParameter(MissingServletRequestParameterException e) {
        return Problems.answer(
                ErrorCode.INVALID_REQUEST,
                "The parameter %s is missing.".formatted(e.getParameterName()),
                List.of(new Problem.FieldError("?" + e.getParameterName(), "Missing.", null, null)));
    }

    @ExceptionHandler
    ResponseEntity<Problem> notBound(ServletRequestBindingException e) {
        return Problems.answer(ErrorCode.INVALID_REQUEST, e.getBody().getDetail() + ".", List.of());
    }

    /** The client has gone: nobody to answer. */
    @ExceptionHandler
    @Nullable
    ResponseEntity<Problem> gone(AsyncRequestNotUsableException e) {
        return null;
    }

    @ExceptionHandler
    @Nullable
    ResponseEntity<Problem> unexpected(Exception e, HttpServletRequest request) throws Exception {
        if (e instanceof AccessDeniedException || e instanceof AuthenticationException) {
            throw e; // The security chain's to answer.
        }
        if (isBrokenPipe(e)) {
            log.debug("{} {}: the client has gone", request.getMethod(), request.getRequestURI());
            return null;
        }
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof BodyTooLargeException tooLarge) {
                return tooLarge(tooLarge);
            }
            if (cause instanceof SQLException sql && NO_TEXT.contains(String.valueOf(sql.getSQLState()))) {
                return Problems.answer(
                        ErrorCode.INVALID_REQUEST,
                        "A text in this request has a NUL, which is no character.",
                        List.of());
            }
        }
        log.error("{} {} failed", request.getMethod(), request.getRequestURI(), e);
        return Problems.answer(
                ErrorCode.INTERNAL, "The platform failed on this request; its log says more.", List.of());
    }

    private static boolean isBrokenPipe(Throwable e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause.getClass().getName().equals("org.apache.catalina.connector.ClientAbortException")) {
                return true;
            }
        }
        return false;
    }
}
