package dev.isoflop.platform.tokens;

import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.platform.shared.problem.Problems;
import dev.isoflop.protocol.error.ErrorCode;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.Cookie;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.http.HttpHeaders;
import org.springframework.security.core.context.SecurityContext;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.transaction.TransactionException;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Recognises the caller by a bearer token or by the session cookie. A credential that is presented and not valid is
 * refused even where none is needed: its owner should know.
 *
 * <p>A browser sends the cookie by itself, so what a cookie may change is guarded three times: SameSite=Strict, the
 * browser's own word on where the request comes from, and JSON as the only type of body, which no plain form sends.
 */
final class CallerFilter extends OncePerRequestFilter {

    private static final Logger log = LoggerFactory.getLogger(CallerFilter.class);
    private static final String BEARER = "Bearer ";
    private static final Set<String> SAFE = Set.of("GET", "HEAD", "OPTIONS");
    private static final Set<String> OWN_SITE = Set.of("same-origin", "none");

    private final Credentials credentials;
    private final Limits limits;
    private final AuditTrail trail;
    private final Problems problems;

    CallerFilter(Credentials credentials, Limits limits, AuditTrail trail, Problems problems) {
        this.credentials = credentials;
        this.limits = limits;
        this.trail = trail;
        this.problems = problems;
    }

    @Override
    protected boolean shouldNotFilter(HttpServletRequest request) {
        String path = request.getRequestURI();
        return !path.startsWith("/api/") && !path.startsWith("/actuator");
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        String authorization = request.getHeader(HttpHeaders.AUTHORIZATION);
        if (authorization != null && limits.isGuessing(request) && !credentials.wasGood(token(authorization))) {
            LimitFilter.refuse(
                    response, problems, limits.failure(request), "Too many tokens from this address were not valid.");
            return;
        }
        Optional<Caller> caller;
        try {
            caller = authorization == null ? session(request) : bearer(authorization);
        } catch (DataAccessException | TransactionException e) {
            log.warn("Could not look a token up", e);
            problems.send(response, ErrorCode.INTERNAL, "The platform cannot reach its database; try again later.");
            return;
        } catch (ProblemException e) {
            if (e.code() == ErrorCode.UNAUTHENTICATED) {
                limits.failure(request);
                trail.refused(request, e.code().status(), e.detail());
            }
            problems.send(response, e.code(), e.detail());
            return;
        }
        if (authorization != null && caller.isEmpty()) {
            limits.failure(request);
            trail.refused(request, ErrorCode.UNAUTHENTICATED.status(), "no valid token");
            problems.send(
                    response,
                    ErrorCode.UNAUTHENTICATED,
                    "The bearer token is not valid; tokens begin with %s and may have been revoked."
                            .formatted(Secrets.PREFIX));
            return;
        }
        if (authorization == null && caller.isPresent() && isForged(request)) {
            trail.refused(request, ErrorCode.FORBIDDEN.status(), "a session used from another site");
            problems.send(response, ErrorCode.FORBIDDEN, "A session is only good for requests of its own pages.");
            return;
        }
        caller.ifPresent(found -> {
            SecurityContext context = SecurityContextHolder.createEmptyContext();
            context.setAuthentication(found);
            SecurityContextHolder.setContext(context);
        });
        chain.doFilter(request, response);
    }

    private Optional<Caller> session(HttpServletRequest request) {
        String session = cookie(request);
        return session == null ? Optional.empty() : credentials.ofSession(session);
    }

    private Optional<Caller> bearer(String authorization) {
        return authorization.regionMatches(true, 0, BEARER, 0, BEARER.length())
                ? credentials.ofToken(token(authorization))
                : Optional.empty();
    }

    private static String token(String authorization) {
        return authorization
                .substring(Math.min(BEARER.length(), authorization.length()))
                .strip();
    }

    static @Nullable String cookie(HttpServletRequest request) {
        Cookie[] cookies = request.getCookies();
        if (cookies != null) {
            for (Cookie cookie : cookies) {
                if (cookie.getName().equals(SessionController.COOKIE)) {
                    return cookie.getValue();
                }
            }
        }
        return null;
    }

    private static boolean isForged(HttpServletRequest request) {
        if (SAFE.contains(request.getMethod())) {
            return false;
        }
        String site = request.getHeader("Sec-Fetch-Site");
        // browsers that do not say it name the page's origin, whose host must be the one that is asked
        String origin = request.getHeader(HttpHeaders.ORIGIN);
        if (site == null
                ? origin != null && !origin.replaceFirst("^https?://", "").equals(request.getHeader(HttpHeaders.HOST))
                : !OWN_SITE.contains(site)) {
            return true;
        }
        String type = request.getContentType();
        boolean hasBody = request.getContentLengthLong() > 0 || request.getHeader("Transfer-Encoding") != null;
        return hasBody && (type == null || !type.startsWith("application/json"));
    }
}
