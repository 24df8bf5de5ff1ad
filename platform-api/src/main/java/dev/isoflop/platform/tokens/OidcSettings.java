package dev.isoflop.platform.tokens;

import dev.isoflop.platform.CannotStartException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Whose tokens are accepted beside the platform's own.
 *
 * @param issuer as the {@code iss} claim has it; https, or http on the loopback. Without one there are only the platform's own tokens
 * @param audience that a token must be made for
 * @param usernameClaim shown to people and in the audit trail; the subject where it is missing
 * @param scopeClaim whose values are mapped to scopes: a list, or words in one string; {@code a.b} looks into an object
 * @param groupsClaim whose values are groups, for roles on experiments
 * @param read values of the scope claim that give scope read
 * @param submit values that give scope submit
 * @param admin values that give scope admin
 * @param skew by which the issuer's clock may differ
 * @param keysTtl how long the issuer's keys are used before they are fetched again
 * @param keysPause least time between two fetches because of a key that is not known
 * @param outage how long keys that were fetched are used while the issuer cannot be reached
 */
@ConfigurationProperties("isoflop.oidc")
record OidcSettings(
        @Nullable String issuer,
        @Nullable String audience,
        @DefaultValue("preferred_username") String usernameClaim,
        @DefaultValue("scope") String scopeClaim,
        @DefaultValue("groups") String groupsClaim,
        @DefaultValue("isoflop:read") List<String> read,
        @DefaultValue("isoflop:submit") List<String> submit,
        @DefaultValue("isoflop:admin") List<String> admin,
        @DefaultValue("30s") Duration skew,
        @DefaultValue("5m") Duration keysTtl,
        @DefaultValue("30s") Duration keysPause,
        @DefaultValue("12h") Duration outage) {

    private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");
    private static final Duration MOST_SKEW = Duration.ofMinutes(2);

    OidcSettings {
        if (issuer != null && !issuer.isBlank()) {
            require(isSafe(issuer), "isoflop.oidc.issuer must be an https address, was " + issuer + ".");
            require(
                    audience != null && !audience.isBlank(),
                    "isoflop.oidc.audience is needed with an issuer: without it tokens made for other services would be good here.");
            require(
                    !skew.isNegative() && skew.compareTo(MOST_SKEW) <= 0,
                    "isoflop.oidc.skew is 0 to 2 minutes, was " + skew + ".");
            require(
                    keysTtl.compareTo(Duration.ofSeconds(1)) >= 0 && keysPause.isPositive() && !outage.isNegative(),
                    "isoflop.oidc.keys-ttl is at least 1s, keys-pause positive and outage not negative.");
        }
    }

    /** Whether tokens of an issuer are accepted at all. */
    boolean enabled() {
        return issuer != null && !issuer.isBlank();
    }

    /** The widest scope that one of the values gives. A runner's scope is not among them: runners have tokens of their own. */
    Optional<Scope> scope(List<String> values) {
        if (values.stream().anyMatch(admin::contains)) {
            return Optional.of(Scope.ADMIN);
        }
        if (values.stream().anyMatch(submit::contains)) {
            return Optional.of(Scope.SUBMIT);
        }
        return values.stream().anyMatch(read::contains) ? Optional.of(Scope.READ) : Optional.empty();
    }

    /** What is fetched from such an address cannot be changed on its way. */
    static boolean isSafe(String address) {
        try {
            URI uri = URI.create(address);
            String host = uri.getHost();
            return host != null
                    && ("https".equals(uri.getScheme()) || ("http".equals(uri.getScheme()) && LOOPBACK.contains(host)));
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private static void require(boolean condition, String otherwise) {
        if (!condition) {
            throw new CannotStartException(otherwise);
        }
    }
}
