package dev.isoflop.platform.tokens;

import dev.isoflop.db.token.TokenStore;
import dev.isoflop.db.token.TokenStore.TokenRow;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.error.ErrorCode;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.springframework.stereotype.Component;

/**
 * Finds the caller behind a credential.
 *
 * <p>Concurrency: callers found are remembered for a few seconds, so that the many small requests of runners do not each
 * cost a query. A revocation empties the memory of the platform it goes to at once, and reaches others on the same
 * database after that time.
 */
@Component
public class Credentials {

    private static final long REMEMBERED_NANOS = Duration.ofSeconds(5).toNanos();
    private static final int MOST = 10_000;

    private final TokenStore store;
    private final OidcTokens oidc;
    private final Identities identities;
    private final Map<String, Known> known = new ConcurrentHashMap<>();

    Credentials(TokenStore store, OidcTokens oidc, Identities identities) {
        this.store = store;
        this.oidc = oidc;
        this.identities = identities;
    }

    private record Known(Caller caller, long untilNanos) {}

    /**
     * @throws dev.isoflop.platform.shared.problem.ProblemException if it is a token of the issuer that is not good, with the reason
     */
    Optional<Caller> ofToken(String token) {
        if (token.startsWith(Secrets.PREFIX)) {
            return find(token, hash -> ofRow(store.findValid(hash), token));
        }
        return oidc.isOne(token)
                ? find(token, hash -> Optional.of(Caller.ofIdentity(oidc.verify(token), token)))
                : Optional.empty();
    }

    Optional<Caller> ofSession(String session) {
        return find(
                session,
                hash -> ofRow(store.findBySession(hash), session)
                        .or(() -> store.findIdentityBySession(hash)
                                .flatMap(identities::read)
                                .map(identity -> Caller.ofIdentity(identity, session))));
    }

    /** Whether the caller would still be recognised if it came now: nothing remembered counts. */
    public boolean isStillGood(Caller caller) {
        Instant expiresAt = caller.expiresAt();
        Long token = caller.tokenId();
        return (expiresAt == null || expiresAt.isAfter(Instant.now())) && (token == null || store.isValid(token));
    }

    private static Optional<Caller> ofRow(Optional<TokenRow> row, String credential) {
        return row.flatMap(token -> Scope.of(token.scope())
                .map(scope -> Caller.ofToken(token.id(), token.name(), scope, token.expiresAt(), credential)));
    }

    /** Whether it was good once, and was not refused since; whether it is now, only looking it up tells. */
    boolean wasGood(String credential) {
        return known.containsKey(Secrets.sha256(credential));
    }

    /** Looks everything up again: a token was revoked, or a session ended. */
    void forget() {
        long now = System.nanoTime();
        known.replaceAll((_, remembered) -> new Known(remembered.caller(), now));
    }

    private Optional<Caller> find(String credential, Function<String, Optional<Caller>> look) {
        String hash = Secrets.sha256(credential);
        long now = System.nanoTime();
        Known remembered = known.get(hash);
        if (remembered != null && remembered.untilNanos() - now > 0 && !hasEnded(remembered.caller())) {
            return Optional.of(remembered.caller());
        }
        Optional<Caller> found;
        try {
            found = look.apply(hash);
        } catch (ProblemException e) {
            if (e.code() == ErrorCode.UNAUTHENTICATED) {
                known.remove(hash);
            }
            throw e;
        }
        if (found.isEmpty()) {
            known.remove(hash);
            return found;
        }
        Long token = found.get().tokenId();
        if (token != null) {
            store.touch(token);
        }
        if (known.size() >= MOST) {
            known.clear();
        }
        known.put(hash, new Known(found.get(), now + REMEMBERED_NANOS));
        return found;
    }

    private static boolean hasEnded(Caller caller) {
        Instant expiresAt = caller.expiresAt();
        return expiresAt != null && !expiresAt.isAfter(Instant.now());
    }
}
