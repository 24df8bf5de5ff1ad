package dev.isoflop.platform.tokens;

import dev.isoflop.db.token.TokenStore;
import dev.isoflop.db.token.TokenStore.TokenRow;
import java.time.Duration;
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
class Credentials {

    private static final long REMEMBERED_NANOS = Duration.ofSeconds(5).toNanos();
    private static final int MOST = 10_000;

    private final TokenStore store;
    private final Map<String, Known> known = new ConcurrentHashMap<>();

    Credentials(TokenStore store) {
        this.store = store;
    }

    private record Known(Caller caller, long untilNanos) {}

    Optional<Caller> ofToken(String token) {
        return token.startsWith(Secrets.PREFIX) ? find(token, store::findValid) : Optional.empty();
    }

    Optional<Caller> ofSession(String session) {
        return find(session, store::findBySession);
    }

    /** Forgets everything: a token was revoked, or a session ended. */
    void forget() {
        known.clear();
    }

    private Optional<Caller> find(String credential, Function<String, Optional<TokenRow>> look) {
        String hash = Secrets.sha256(credential);
        long now = System.nanoTime();
        Known remembered = known.get(hash);
        if (remembered != null && remembered.untilNanos() - now > 0) {
            return Optional.of(remembered.caller());
        }
        Optional<Caller> found = look.apply(hash)
                .flatMap(
                        row -> Scope.of(row.scope()).map(scope -> new Caller(row.id(), row.name(), scope, credential)));
        if (found.isEmpty()) {
            known.remove(hash);
            return found;
        }
        store.touch(found.get().tokenId());
        if (known.size() >= MOST) {
            known.clear();
        }
        known.put(hash, new Known(found.get(), now + REMEMBERED_NANOS));
        return found;
    }
}
