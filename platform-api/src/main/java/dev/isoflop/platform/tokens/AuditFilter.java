package dev.isoflop.platform.tokens;

import dev.isoflop.db.audit.AuditStore;
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
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Writes down every request of a known caller that may change something, whether it is allowed or not; what runners report is not among
 * them, being told by attempts and events.
 *
 * <p>Crash: the entry is there before the request is served. One without a status tells that the platform ended meanwhile. A request whose
 * entry cannot be written is not served.
 */
final class AuditFilter extends OncePerRequestFilter {

    private static final Set<String> SAFE = Set.of("GET", "HEAD", "OPTIONS", "TRACE");
    private static final Pattern RUNNERS =
            Pattern.compile("/api/v1/(runners(/.*)?|runs/[^/]+/attempts/.*|artifacts/.*)");
    private static final int LONGEST_PATH = 500;
    private static final Logger LOG = LoggerFactory.getLogger(AuditFilter.class);

    private final AuditStore store;

    AuditFilter(AuditStore store) {
        this.store = store;
    }

    @Override
    protected boolean shouldNotFilter(HttpServletRequest request) {
        String path = request.getRequestURI();
        return SAFE.contains(request.getMethod())
                || !path.startsWith("/api/")
                || RUNNERS.matcher(path).matches();
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        if (!(SecurityContextHolder.getContext().getAuthentication() instanceof Caller caller)) {
            chain.doFilter(request, response);
            return;
        }
        String path = request.getRequestURI();
        long entry = store.begin(
                caller.tokenId(),
                caller.tokenName(),
                request.getMethod(),
                path.length() > LONGEST_PATH ? path.substring(0, LONGEST_PATH) : path);
        int status = HttpServletResponse.SC_INTERNAL_SERVER_ERROR;
        try {
            chain.doFilter(request, response);
            status = response.getStatus();
        } finally {
            end(entry, status, response.getHeader(HttpHeaders.LOCATION));
        }
    }

    /** The answer is on its way already: a failure here must not spoil it. */
    private void end(long entry, int status, @Nullable String location) {
        try {
            store.end(entry, status, location);
        } catch (DataAccessException e) {
            LOG.warn("Entry {} of the audit trail stays without its status {}", entry, status, e);
        }
    }
}
