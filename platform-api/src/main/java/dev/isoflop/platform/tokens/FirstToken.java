package dev.isoflop.platform.tokens;

import dev.isoflop.db.token.TokenStore;
import dev.isoflop.platform.IsoflopSettings;
import java.io.PrintStream;
import java.util.Optional;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * What the platform tells whoever started it, on standard output: the first admin token, once, and that it is ready. The token goes to a
 * file instead if one is set, so that it does not stay in a log.
 *
 * <p>Crash: the token is committed before it is told; a platform that dies in between has made a token nobody knows.
 * {@code --isoflop.admin-token.reset=true} makes another and revokes that one.
 */
@Component
class FirstToken {

    private final TokenStore store;
    private final Credentials credentials;
    private final TransactionTemplate transactions;
    private final IsoflopSettings settings;
    private final TokenFiles files;
    private final PrintStream out;

    FirstToken(
            TokenStore store,
            Credentials credentials,
            TransactionTemplate transactions,
            IsoflopSettings settings,
            TokenFiles files) {
        this.store = store;
        this.credentials = credentials;
        this.transactions = transactions;
        this.settings = settings;
        this.files = files;
        this.out = System.out;
    }

    @EventListener
    void onReady(ApplicationReadyEvent event) {
        makeIfNeeded(settings.adminToken().reset()).ifPresent(this::tell);
        if (event.getApplicationContext() instanceof WebServerApplicationContext context
                && context.getWebServer() != null) {
            out.println("ISOFLOP_READY url=http://127.0.0.1:"
                    + context.getWebServer().getPort());
        }
        out.flush();
    }

    private void tell(String token) {
        files.adminFile()
                .ifPresentOrElse(
                        file -> {
                            file.write(token);
                            out.println("The admin token is in " + file + ".");
                        },
                        () -> out.println("ISOFLOP_ADMIN_TOKEN=" + token));
    }

    /** The new admin token; absent when there is one already. */
    Optional<String> makeIfNeeded(boolean reset) {
        Optional<String> made = transactions.execute(status -> {
            store.lockAdminTokens();
            if (reset) {
                store.deleteAdmins();
            } else if (store.hasAdmin()) {
                return Optional.<String>empty();
            }
            String token = Secrets.token();
            store.create(new TokenStore.NewToken(
                    "admin", Secrets.shown(token), Secrets.sha256(token), Scope.ADMIN.wireName(), null));
            return Optional.of(token);
        });
        credentials.forget();
        return made == null ? Optional.empty() : made;
    }
}
