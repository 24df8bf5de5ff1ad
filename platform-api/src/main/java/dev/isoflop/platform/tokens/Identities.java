package dev.isoflop.platform.tokens;

import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/** Who signed in with a token of the issuer, as a session keeps it. Another issuer than today's is nobody's. */
@Component
class Identities {

    private final OidcSettings settings;
    private final JsonMapper json;

    Identities(OidcSettings settings, JsonMapper json) {
        this.settings = settings;
        this.json = json;
    }

    private record Kept(
            @Nullable String issuer,
            String subject,
            String name,
            String scope,
            Set<String> groups,
            Instant expiresAt) {}

    String write(Caller caller, Instant expiresAt) {
        return json.writeValueAsString(new Kept(
                settings.issuer(),
                caller.principal().substring("user:".length()),
                caller.shownName(),
                caller.scope().wireName(),
                caller.groups(),
                expiresAt));
    }

    /** Nothing where the platform's issuer is another now, or there is none. */
    Optional<OidcTokens.Identity> read(String text) {
        Kept kept = json.readValue(text, Kept.class);
        if (!settings.enabled() || !String.valueOf(settings.issuer()).equals(kept.issuer())) {
            return Optional.empty();
        }
        return Scope.of(kept.scope())
                .map(scope ->
                        new OidcTokens.Identity(kept.subject(), kept.name(), scope, kept.groups(), kept.expiresAt()));
    }
}
