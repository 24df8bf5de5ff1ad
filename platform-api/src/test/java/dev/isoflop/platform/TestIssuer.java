package dev.isoflop.platform;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;

/** An OpenID issuer of a test: discovery and keys over HTTP, on the loopback. It may be switched off and on at its address. */
final class TestIssuer implements AutoCloseable {

    static final String AUDIENCE = "isoflop";

    final AtomicInteger fetches = new AtomicInteger();
    private HttpServer server;
    private final int port;
    private volatile RSAKey key;

    TestIssuer() {
        server = listen(0);
        port = server.getAddress().getPort();
        key = newKey("first");
    }

    String url() {
        return "http://127.0.0.1:" + port;
    }

    RSAKey key() {
        return key;
    }

    /** Signs with another key from now on; the old one is no longer published. */
    void rotate(String id) {
        key = newKey(id);
    }

    void off() {
        server.stop(0);
    }

    void on() {
        server = listen(port);
    }

    /** Claims of a token that is good, for somebody who may submit. */
    JWTClaimsSet.Builder claims(String subject) {
        Instant now = Instant.now();
        return new JWTClaimsSet.Builder()
                .issuer(url())
                .audience(List.of("another", AUDIENCE))
                .subject(subject)
                .claim("preferred_username", "name of " + subject)
                .claim("scope", "openid isoflop:submit")
                .claim("groups", List.of("scaling", "interns"))
                .issueTime(Date.from(now))
                .notBeforeTime(Date.from(now))
                .expirationTime(Date.from(now.plus(Duration.ofMinutes(10))));
    }

    /** A token of the issuer, with claims that the test may spoil. */
    String token(String subject, UnaryOperator<JWTClaimsSet.Builder> claims) {
        return sign(key, key.getKeyID(), claims.apply(claims(subject)).build());
    }

    static String sign(RSAKey key, String id, JWTClaimsSet claims) {
        try {
            SignedJWT jwt = new SignedJWT(
                    new JWSHeader.Builder(JWSAlgorithm.RS256)
                            .keyID(id)
                            .type(JOSEObjectType.JWT)
                            .build(),
                    claims);
            jwt.sign(new RSASSASigner(key));
            return jwt.serialize();
        } catch (JOSEException e) {
            throw new AssertionError(e);
        }
    }

    static RSAKey newKey(String id) {
        try {
            return new RSAKeyGenerator(2048).keyID(id).generate();
        } catch (JOSEException e) {
            throw new AssertionError(e);
        }
    }

    private HttpServer listen(int at) {
        try {
            HttpServer made = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), at), 16);
            made.createContext(
                    "/.well-known/openid-configuration",
                    exchange ->
                            answer(exchange, "{\"issuer\":\"%s\",\"jwks_uri\":\"%s/keys\"}".formatted(url(), url())));
            made.createContext("/keys", exchange -> {
                fetches.incrementAndGet();
                answer(exchange, new JWKSet(key.toPublicJWK()).toString());
            });
            made.start();
            return made;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static void answer(HttpExchange exchange, String text) throws IOException {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(200, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
