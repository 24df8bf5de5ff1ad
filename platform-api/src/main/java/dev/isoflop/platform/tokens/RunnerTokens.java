package dev.isoflop.platform.tokens;

import dev.isoflop.db.token.TokenStore;
import org.springframework.stereotype.Component;

/** Tokens of scope runner that the platform makes for the runners it starts itself, and takes back when they have ended. */
@Component
public class RunnerTokens {

    private final TokenStore store;
    private final Credentials credentials;

    RunnerTokens(TokenStore store, Credentials credentials) {
        this.store = store;
        this.credentials = credentials;
    }

    /** @param secret nowhere stored */
    public record Issued(long id, String secret) {

        /** Not the secret. */
        @Override
        public String toString() {
            return "Issued[" + id + "]";
        }
    }

    /** A token for one runner. */
    public Issued issue(String name) {
        String secret = Secrets.token();
        long id = store.create(new TokenStore.NewToken(
                        name, Secrets.shown(secret), Secrets.sha256(secret), Scope.RUNNER.wireName(), null))
                .id();
        return new Issued(id, secret);
    }

    /** Takes it back; one that is gone is no error. */
    public void revoke(long id) {
        store.delete(id);
        credentials.forget();
    }
}
