package dev.isoflop.platform.tokens;

import dev.isoflop.db.token.TokenStore;
import dev.isoflop.platform.IsoflopSettings;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.error.Problem;
import jakarta.servlet.http.HttpServletRequest;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ResponseCookie;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** Sign-ins of the dashboard: a token becomes a cookie that scripts on the page cannot read. */
@RestController
@RequestMapping("/api/v1/session")
class SessionController {

    static final String COOKIE = "isoflop_session";

    private final Credentials credentials;
    private final TokenStore store;
    private final Identities identities;
    private final Limits limits;
    private final IsoflopSettings settings;

    SessionController(
            Credentials credentials, TokenStore store, Identities identities, Limits limits, IsoflopSettings settings) {
        this.limits = limits;
        this.identities = identities;
        this.credentials = credentials;
        this.store = store;
        this.settings = settings;
    }

    record SignIn(@Nullable String token) {}

    /** @param name of the token behind the session, or of who signed in */
    record SessionView(String scope, String name) {}

    @PostMapping
    ResponseEntity<Void> signIn(@RequestBody SignIn request, HttpServletRequest http) {
        String token = request.token();
        if (token == null || token.isBlank()) {
            throw new ProblemException(
                    ErrorCode.INVALID_REQUEST,
                    "A token is needed.",
                    List.of(new Problem.FieldError("/token", "Missing.", "a token such as isf_…", null)));
        }
        AuditTrail.detail(http, "sign-in refused");
        Caller caller = signIn(token.strip(), http);
        AuditTrail.caller(http, caller);
        if (caller.scope() == Scope.RUNNER) {
            throw new ProblemException(
                    ErrorCode.FORBIDDEN,
                    "A runner's token opens no dashboard; use one of scope read, submit or admin.");
        }
        AuditTrail.detail(http, "signed in, scope " + caller.scope().wireName());
        String session = Secrets.base64(Secrets.random());
        Duration ttl = settings.session().ttl();
        Long tokenId = caller.tokenId();
        Instant expiresAt = caller.expiresAt();
        if (tokenId != null) {
            store.createSession(Secrets.sha256(session), tokenId, ttl);
        } else {
            Instant until = expiresAt == null ? Instant.now() : expiresAt;
            store.createIdentitySession(Secrets.sha256(session), identities.write(caller, until), ttl, until);
        }
        return ResponseEntity.noContent()
                .header(HttpHeaders.SET_COOKIE, cookie(session, ttl, http.isSecure()))
                .build();
    }

    private Caller signIn(String token, HttpServletRequest http) {
        if (limits.isGuessing(http) && !credentials.wasGood(token)) {
            long seconds = Math.max(1, limits.failure(http).toSeconds() + 1);
            throw new ProblemException(
                    ErrorCode.TOO_MANY_REQUESTS,
                    "Too many tokens from this address were not valid. Try again in %d s.".formatted(seconds),
                    Duration.ofSeconds(seconds));
        }
        try {
            return credentials
                    .ofToken(token)
                    .orElseThrow(() -> new ProblemException(ErrorCode.UNAUTHENTICATED, "This token is not valid."));
        } catch (ProblemException e) {
            if (e.code() == ErrorCode.UNAUTHENTICATED) {
                limits.failure(http);
            }
            throw e;
        }
    }

    @GetMapping
    SessionView session() {
        Caller caller = Caller.current();
        return new SessionView(caller.scope().wireName(), caller.shownName());
    }

    @DeleteMapping
    ResponseEntity<Void> signOut(HttpServletRequest http) {
        AuditTrail.detail(http, "signed out");
        String session = CallerFilter.cookie(http);
        if (session != null) {
            store.deleteSession(Secrets.sha256(session));
            credentials.forget();
        }
        return ResponseEntity.noContent()
                .header(HttpHeaders.SET_COOKIE, cookie("", Duration.ZERO, http.isSecure()))
                .build();
    }

    private static String cookie(String value, Duration age, boolean secure) {
        return ResponseCookie.from(COOKIE, value)
                .httpOnly(true)
                .secure(secure)
                .sameSite("Strict")
                .path("/")
                .maxAge(age)
                .build()
                .toString();
    }
}
