package dev.isoflop.platform.tokens;

import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.source.JWKSetCacheRefreshEvaluator;
import com.nimbusds.jose.jwk.source.JWKSetRetrievalException;
import com.nimbusds.jose.jwk.source.JWKSetSource;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.DefaultResourceRetriever;
import com.nimbusds.jose.util.JSONObjectUtils;
import java.io.IOException;
import java.net.URI;
import java.text.ParseException;
import org.jspecify.annotations.Nullable;

/**
 * The keys that an issuer signs with, found by its discovery document each time they are fetched, so that an issuer which moves them
 * is followed. Not cached here.
 */
final class OidcKeys implements JWKSetSource<SecurityContext> {

    private static final int TIMEOUT_MILLIS = 3_000;
    private static final int MOST_BYTES = 512 * 1024;
    private static final String DISCOVERY = "/.well-known/openid-configuration";

    private final String issuer;
    private final DefaultResourceRetriever http =
            new DefaultResourceRetriever(TIMEOUT_MILLIS, TIMEOUT_MILLIS, MOST_BYTES);

    OidcKeys(String issuer) {
        this.issuer = issuer;
    }

    @Override
    public JWKSet getJWKSet(JWKSetCacheRefreshEvaluator refresh, long currentTime, @Nullable SecurityContext context)
            throws JWKSetRetrievalException {
        try {
            String base = issuer.endsWith("/") ? issuer.substring(0, issuer.length() - 1) : issuer;
            var discovery = JSONObjectUtils.parse(fetch(base + DISCOVERY));
            String named = JSONObjectUtils.getString(discovery, "issuer");
            if (!issuer.equals(named)) {
                throw new IOException("the discovery document of " + issuer + " is that of " + named
                        + ": isoflop.oidc.issuer must be the same");
            }
            String keys = JSONObjectUtils.getString(discovery, "jwks_uri");
            if (keys == null || !OidcSettings.isSafe(keys)) {
                throw new IOException("the discovery document of " + issuer + " names no jwks_uri with https");
            }
            return JWKSet.parse(fetch(keys));
        } catch (IOException | ParseException e) {
            throw new JWKSetRetrievalException(String.valueOf(e.getMessage()), e);
        }
    }

    private String fetch(String address) throws IOException {
        return http.retrieveResource(URI.create(address).toURL()).getContent();
    }

    @Override
    public void close() {
        // nothing is held open
    }
}
