package dev.isoflop.platform.tokens;

import dev.isoflop.db.token.TokenStore;
import dev.isoflop.platform.shared.idempotency.Idempotency;
import dev.isoflop.platform.shared.problem.Names;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.Views;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.error.Problem;
import jakarta.servlet.http.HttpServletRequest;
import java.net.URI;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/api/v1/tokens")
class TokenController {

    private static final int LONGEST_NAME = 100;

    private final TokenStore store;
    private final Credentials credentials;
    private final Idempotency idempotency;
    private final Clock clock = Clock.systemUTC();

    TokenController(TokenStore store, Credentials credentials, Idempotency idempotency) {
        this.store = store;
        this.credentials = credentials;
        this.idempotency = idempotency;
    }

    /** What is stored of a new token's answer: with the creator's own credential it gives the secret again. */
    record Made(Views.Token token, String salt) {}

    /** A repeat comes with another credential than the first: a new sign-in, or a new token of the issuer. */
    private void mustBeSame(Made made, String secret) {
        if (!store.isSecretOf(made.token().id(), Secrets.sha256(secret))) {
            throw new ProblemException(
                    ErrorCode.IDEMPOTENCY_KEY_REUSED,
                    "Token %d was made with another sign-in, so its secret cannot be shown again; revoke it and make another."
                            .formatted(made.token().id()));
        }
    }

    @GetMapping
    List<Views.Token> list() {
        return store.list().stream().map(TokenController::view).toList();
    }

    /** Makes a token. Its secret is in this answer, and in answers to repeats of this very request, and nowhere else. */
    @PostMapping
    @ResponseStatus(HttpStatus.CREATED)
    ResponseEntity<Views.NewToken> create(
            @RequestHeader("Idempotency-Key") String key,
            @RequestBody Views.CreateToken request,
            HttpServletRequest http) {
        Scope scope = check(request);
        Caller caller = Caller.current();
        Idempotency.Answer<Made> answer =
                idempotency.once(caller.principal(), key, "POST /tokens", request, Made.class, () -> {
                    byte[] salt = Secrets.random();
                    String secret = Secrets.derived(caller.credential(), salt);
                    var row = store.create(new TokenStore.NewToken(
                            request.name().strip(),
                            Secrets.shown(secret),
                            Secrets.sha256(secret),
                            scope.wireName(),
                            request.expiresAt()));
                    return Idempotency.Answer.created(
                            URI.create("/api/v1/tokens/" + row.id()), new Made(view(row), Secrets.base64(salt)));
                });
        Made made = answer.body();
        String secret =
                Secrets.derived(caller.credential(), Base64.getUrlDecoder().decode(made.salt()));
        mustBeSame(made, secret);
        AuditTrail.detail(
                http,
                "token %d, scope %s".formatted(made.token().id(), made.token().scope()));
        return ResponseEntity.status(answer.status())
                .location(URI.create("/api/v1/tokens/" + made.token().id()))
                .body(new Views.NewToken(made.token(), secret));
    }

    /** Revokes a token and ends its sessions. */
    @DeleteMapping("/{id}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void delete(@PathVariable("id") long id) {
        boolean there = store.delete(id);
        credentials.forget();
        if (!there) {
            throw new ProblemException(ErrorCode.NOT_FOUND, "There is no token " + id + ".");
        }
    }

    private Scope check(Views.CreateToken request) {
        List<Problem.FieldError> errors = new ArrayList<>();
        // A field absent from the JSON arrives as null whatever its declared type.
        @Nullable String name = request.name();
        @Nullable String scope = request.scope();
        if (name == null || name.isBlank() || name.length() > LONGEST_NAME) {
            errors.add(new Problem.FieldError(
                    "/name", "A name is needed to tell tokens apart.", "1 to " + LONGEST_NAME + " characters", null));
        }
        if (scope == null || Scope.of(scope).isEmpty()) {
            errors.add(new Problem.FieldError(
                    "/scope",
                    "Not a scope.",
                    "one of " + String.join(", ", Scope.wireNames()),
                    scope == null
                            ? null
                            : Names.nearest(scope, Scope.wireNames()).orElse(null)));
        }
        Instant expiresAt = request.expiresAt();
        if (expiresAt != null && !expiresAt.isAfter(clock.instant())) {
            errors.add(new Problem.FieldError("/expiresAt", "Lies in the past.", "a time to come", null));
        }
        if (!errors.isEmpty()) {
            throw new ProblemException(ErrorCode.INVALID_REQUEST, "The token's options are wrong.", errors);
        }
        return Scope.of(String.valueOf(scope)).orElseThrow();
    }

    private static Views.Token view(TokenStore.TokenRow row) {
        return new Views.Token(
                row.id(), row.name(), row.prefix(), row.scope(), row.createdAt(), row.lastUsedAt(), row.expiresAt());
    }
}
