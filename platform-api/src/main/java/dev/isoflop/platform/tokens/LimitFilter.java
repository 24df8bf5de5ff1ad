package dev.isoflop.platform.tokens;

import dev.isoflop.platform.shared.problem.Problems;
import dev.isoflop.protocol.error.ErrorCode;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Duration;
import org.springframework.http.HttpHeaders;
import org.springframework.web.filter.OncePerRequestFilter;

/** Turns away who asks too much, before anything is done for them. */
final class LimitFilter extends OncePerRequestFilter {

    private final Limits limits;
    private final Problems problems;

    LimitFilter(Limits limits, Problems problems) {
        this.limits = limits;
        this.problems = problems;
    }

    @Override
    protected boolean shouldNotFilter(HttpServletRequest request) {
        String path = request.getRequestURI();
        return !path.startsWith("/api/") && !path.startsWith("/v3/") && !path.equals("/actuator/prometheus");
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        Caller caller = Caller.currentOrNull();
        Duration wait = caller == null ? limits.anonymous(request) : limits.request(caller, request);
        if (wait.isZero()) {
            chain.doFilter(request, response);
        } else {
            refuse(response, problems, wait, "Too many requests; isoflop.limits says how many.");
        }
    }

    static void refuse(HttpServletResponse response, Problems problems, Duration wait, String why) throws IOException {
        long seconds = Math.max(1, wait.plusNanos(999_999_999).toSeconds());
        response.setHeader(HttpHeaders.RETRY_AFTER, Long.toString(seconds));
        problems.send(response, ErrorCode.TOO_MANY_REQUESTS, why + " Try again in " + seconds + " s.");
    }
}
