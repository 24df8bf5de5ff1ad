package dev.isoflop.platform.tokens;

import java.io.Serial;
import java.time.Instant;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.AbstractAuthenticationToken;
import org.springframework.security.core.context.SecurityContextHolder;

/**
 * Who makes the request: a token of the platform or somebody whom an issuer's token names, presented itself or through a session made
 * from it.
 */
public final class Caller extends AbstractAuthenticationToken {

    @Serial
    private static final long serialVersionUID = 1L;

    private final @Nullable Long tokenId;
    private final String principal;
    private final String name;
    private final Scope scope;
    private final transient Set<String> groups;
    private final transient @Nullable Instant expiresAt;
    private final transient String credential;

    private Caller(
            @Nullable Long tokenId,
            String principal,
            String name,
            Scope scope,
            Set<String> groups,
            @Nullable Instant expiresAt,
            String credential) {
        super(scope.authorities());
        this.tokenId = tokenId;
        this.principal = principal;
        this.name = name;
        this.scope = scope;
        this.groups = Set.copyOf(groups);
        this.expiresAt = expiresAt;
        this.credential = credential;
        setAuthenticated(true);
    }

    static Caller ofToken(long tokenId, String name, Scope scope, @Nullable Instant expiresAt, String credential) {
        return new Caller(tokenId, "token:" + tokenId, name, scope, Set.of(), expiresAt, credential);
    }

    static Caller ofIdentity(OidcTokens.Identity identity, String credential) {
        return new Caller(
                null,
                "user:" + identity.subject(),
                identity.name(),
                identity.scope(),
                identity.groups(),
                identity.expiresAt(),
                credential);
    }

    /** The caller of the request this thread serves. */
    public static Caller current() {
        Caller caller = currentOrNull();
        if (caller == null) {
            throw new IllegalStateException("no caller on this thread");
        }
        return caller;
    }

    /** The caller of the request this thread serves; null outside of any. */
    public static @Nullable Caller currentOrNull() {
        return SecurityContextHolder.getContext().getAuthentication() instanceof Caller caller ? caller : null;
    }

    /** The token's id of the request this thread serves; null outside of any, where nobody has to be told apart. */
    public static @Nullable Long currentTokenId() {
        Caller caller = currentOrNull();
        return caller == null ? null : caller.tokenId;
    }

    /** Names the caller in the tables, {@code token:ID} or {@code user:SUBJECT}; stable for a token and a person. */
    public String principal() {
        return principal;
    }

    /** All that roles may be given to: the caller itself and its groups, {@code group:NAME}. */
    public Set<String> principals() {
        return Stream.concat(Stream.of(principal), groups.stream().map(group -> "group:" + group))
                .collect(Collectors.toUnmodifiableSet());
    }

    /** Id of the token; null for somebody whom an issuer's token names. */
    public @Nullable Long tokenId() {
        return tokenId;
    }

    /** Whether it is a runner, which speaks for itself alone; an admin may speak for any. */
    public boolean isRunner() {
        return scope == Scope.RUNNER;
    }

    /** Whether it may do everything. */
    public boolean isAdmin() {
        return scope == Scope.ADMIN;
    }

    /** For people to read: the token's name, or the user's. */
    public String shownName() {
        return name;
    }

    Scope scope() {
        return scope;
    }

    /** When the credential ends to be good; null for never. */
    @Nullable
    Instant expiresAt() {
        return expiresAt;
    }

    Set<String> groups() {
        return groups;
    }

    /** The secret presented: the token, or the session's id. */
    String credential() {
        return credential;
    }

    @Override
    public Object getCredentials() {
        return "";
    }

    @Override
    public Object getPrincipal() {
        return principal;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Caller caller && caller.principal.equals(principal) && caller.scope == scope;
    }

    @Override
    public int hashCode() {
        return Objects.hash(principal, scope);
    }
}
