package dev.isoflop.platform.tokens;

import dev.isoflop.platform.shared.web.Questions;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.http.HttpHeaders;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Writes down every request that may change something of a known caller, and every sign-in, whether it is allowed or not; what runners
 * report is not among them, being told by attempts and events.
 *
 * <p>Crash: the entry is there before the request is served. One without a status tells that the platform ended meanwhile. A request whose
 * entry cannot be written is not served.
 */
final class AuditFilter extends OncePerRequestFilter {

    private static final Set<String> SAFE = Set.of("GET", "HEAD", "OPTIONS", "TRACE");
    private static final Pattern RUNNERS =
            Pattern.compile("/api/v1/(runners(/.*)?|runs/[^/]+/attempts/.*|artifacts/.*)");

    private static final String SESSION = "/api/v1/session";
    private static final Logger LOG = LoggerFactory.getLogger(AuditFilter.class);

    private final AuditTrail trail;

    AuditFilter(AuditTrail trail) {
        this.trail = trail;
    }

    @Override
    protected boolean shouldNotFilter(HttpServletRequest request) {
        String path = request.getRequestURI();
        return SAFE.contains(request.getMethod())
                || !path.startsWith("/api/")
                || Questions.isOne(request)
                || RUNNERS.matcher(path).matches();
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        Caller caller = Caller.currentOrNull();
        if (caller == null && !request.getRequestURI().equals(SESSION)) {
            chain.doFilter(request, response);
            return;
        }
        long entry = trail.begin(request, caller);
        int status = HttpServletResponse.SC_INTERNAL_SERVER_ERROR;
        try {
            chain.doFilter(request, response);
            status = response.getStatus();
        } finally {
            end(entry, request, status, response.getHeader(HttpHeaders.LOCATION));
        }
    }

    /** The answer is on its way already: a failure here must not spoil it. */
    private void end(long entry, HttpServletRequest request, int status, @Nullable String location) {
        try {
            trail.end(entry, request, status, location);
        } catch (DataAccessException e) {
            LOG.warn("Entry {} of the audit trail stays without its status {}", entry, status, e);
        }
    }
}
