package dev.isoflop.platform.shared.web;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.MDC;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Says in every line that is logged for a request which one it was, and which run and attempt it is about. The caller may name
 * the request; the name goes back with the answer.
 */
@Component
@Order(Ordered.HIGHEST_PRECEDENCE)
class LogContextFilter extends OncePerRequestFilter {

    private static final String HEADER = "X-Request-Id";

    /** What cannot break a line or a header. */
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1,64}");

    private static final Pattern RUN = Pattern.compile("/api/v1/runs/(\\d{1,18})(?:/attempts/(\\d{1,9}))?(?:/.*)?");

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        String given = request.getHeader(HEADER);
        String name = given != null && NAME.matcher(given).matches()
                ? given
                : UUID.randomUUID().toString();
        response.setHeader(HEADER, name);
        MDC.put("request", name);
        Matcher run = RUN.matcher(request.getRequestURI());
        if (run.matches()) {
            MDC.put("run", run.group(1));
            if (run.group(2) != null) {
                MDC.put("attempt", run.group(2));
            }
        }
        try {
            chain.doFilter(request, response);
        } finally {
            MDC.remove("request");
            MDC.remove("run");
            MDC.remove("attempt");
        }
    }
}
