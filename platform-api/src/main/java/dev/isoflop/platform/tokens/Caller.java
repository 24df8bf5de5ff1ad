package dev.isoflop.platform.tokens;

import java.io.Serial;
import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.AbstractAuthenticationToken;
import org.springframework.security.core.context.SecurityContextHolder;

/** Who makes the request: a token, presented itself or through a session made from it. */
public final class Caller extends AbstractAuthenticationToken {

    @Serial
    private static final long serialVersionUID = 1L;

    private final long tokenId;
    private final String tokenName;
    private final Scope scope;
    private final transient String credential;

    Caller(long tokenId, String tokenName, Scope scope, String credential) {
        super(scope.authorities());
        this.tokenId = tokenId;
        this.tokenName = tokenName;
        this.scope = scope;
        this.credential = credential;
        setAuthenticated(true);
    }

    /** The caller of the request this thread serves. */
    public static Caller current() {
        if (SecurityContextHolder.getContext().getAuthentication() instanceof Caller caller) {
            return caller;
        }
        throw new IllegalStateException("no caller on this thread");
    }

    /** The token's id of the request this thread serves; null outside of any, where nobody has to be told apart. */
    public static @Nullable Long currentTokenId() {
        return SecurityContextHolder.getContext().getAuthentication() instanceof Caller caller ? caller.tokenId : null;
    }

    /** Names the caller in the tables; stable for a token. */
    public String principal() {
        return "token:" + tokenId;
    }

    /** Id of the token. */
    public long tokenId() {
        return tokenId;
    }

    /** Whether it is a runner, which speaks for itself alone; an admin may speak for any. */
    public boolean isRunner() {
        return scope == Scope.RUNNER;
    }

    String tokenName() {
        return tokenName;
    }

    Scope scope() {
        return scope;
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
        return principal();
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Caller caller && caller.tokenId == tokenId && caller.scope == scope;
    }

    @Override
    public int hashCode() {
        return Long.hashCode(tokenId);
    }
}
