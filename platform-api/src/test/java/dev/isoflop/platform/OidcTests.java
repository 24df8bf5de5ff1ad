package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jwt.PlainJWT;
import com.nimbusds.jwt.SignedJWT;
import dev.isoflop.platform.PlatformClient.Reply;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tokens of an issuer that the platform trusts, and of those that only look like it. */
class OidcTests {

    private static final Duration PAUSE = Duration.ofMillis(400);

    @TempDir
    private static Path home;

    private static TestIssuer issuer;
    private static OwnPlatform platform;

    @BeforeAll
    static void start() {
        issuer = new TestIssuer();
        platform = OwnPlatform.start(
                home,
                "--isoflop.oidc.issuer=" + issuer.url(),
                "--isoflop.oidc.audience=" + TestIssuer.AUDIENCE,
                "--isoflop.limits.enabled=false", // this test is an attacker all the time
                "--isoflop.oidc.skew=5s",
                "--isoflop.oidc.keys-ttl=1s",
                "--isoflop.oidc.keys-pause=" + PAUSE.toMillis() + "ms");
    }

    @AfterAll
    static void stop() {
        platform.close();
        issuer.close();
    }

    private static Reply runs(String token) {
        return platform.client.send("GET", "/api/v1/runs", token, null, Map.of());
    }

    private static String good(String subject) {
        return issuer.token(subject, claims -> claims);
    }

    private static void refused(Reply reply) {
        assertThat(reply.status()).as(reply.text()).isEqualTo(401);
        assertThat(reply.code()).isEqualTo("unauthenticated");
    }

    private static void refusedWith(UnaryOperator<com.nimbusds.jwt.JWTClaimsSet.Builder> spoiled) {
        refused(runs(issuer.token("mallory", spoiled)));
    }

    @Test
    void aTokenOfTheIssuerIsAsGoodAsItsScope() {
        String token = good("ada");
        assertThat(runs(token).status()).isEqualTo(200);
        assertThat(platform.client
                        .send("GET", "/api/v1/tokens", token, null, Map.of())
                        .status())
                .isEqualTo(403);
        // refused for what it says, not for who says it
        assertThat(platform.client
                        .send("POST", "/api/v1/datasets", token, "{}", Map.of())
                        .status())
                .isEqualTo(400);
        String reader = issuer.token("rosa", claims -> claims.claim("scope", "isoflop:read"));
        assertThat(platform.client
                        .send("POST", "/api/v1/datasets", reader, "{}", Map.of())
                        .status())
                .isEqualTo(403);
        String admin = issuer.token("root", claims -> claims.claim("scope", List.of("isoflop:admin")));
        assertThat(platform.client
                        .send("GET", "/api/v1/tokens", admin, null, Map.of())
                        .status())
                .isEqualTo(200);
    }

    @Test
    void theAuditTrailNamesTheSubject() {
        platform.client.send("POST", "/api/v1/datasets", good("grace"), "{}", Map.of());
        Reply audit = platform.client.send("GET", "/api/v1/audit", platform.client.token("admin"), null, Map.of());
        assertThat(audit.body().path("items").values()).anySatisfy(entry -> {
            assertThat(entry.path("principal").asString()).isEqualTo("user:grace");
            assertThat(entry.path("token").asString()).isEqualTo("name of grace");
            assertThat(entry.path("address").asString()).isEqualTo("127.0.0.1");
            assertThat(entry.has("tokenId")).isFalse();
        });
    }

    @Test
    void rolesAreGivenToSubjectsAndGroups() {
        String ada = good("ada");
        Reply made = platform.client.send("POST", "/api/v1/sweeps", ada, """
                {"kind":"command","name":"s","experiment":"of ada","command":["true"],"parameters":{"x":{"values":[1]}}}""", Map.of("Idempotency-Key", "of-ada"));
        assertThat(made.status()).as(made.text()).isEqualTo(201);
        String experiment = "/api/v1/experiments/" + made.at("/experimentId");
        assertThat(platform.client
                        .send("GET", experiment + "/access", ada, null, Map.of())
                        .at("/roles/0/principal"))
                .isEqualTo("user:ada");
        Reply set = platform.client.send("PUT", experiment + "/access", ada, """
                {"visibility":"private","roles":[{"principal":"user:ada","role":"owner"},{"principal":"group:theory","role":"viewer"}]}""", Map.of("If-Match", "*"));
        assertThat(set.status()).as(set.text()).isEqualTo(200);
        String theorist = issuer.token("emmy", claims -> claims.claim("groups", List.of("theory")));
        String intern = issuer.token("ida", claims -> claims.claim("groups", List.of("user:ada", "theory\n", "x")));
        String named = issuer.token("ada ", claims -> claims.subject("Ada").claim("preferred_username", "ada"));
        assertThat(platform.client
                        .send("GET", experiment, theorist, null, Map.of())
                        .status())
                .isEqualTo(200);
        assertThat(platform.client
                        .send("DELETE", experiment + "/access", theorist, null, Map.of())
                        .status())
                .isNotEqualTo(200);
        for (String other : List.of(intern, named)) {
            assertThat(platform.client
                            .send("GET", experiment, other, null, Map.of())
                            .status())
                    .isEqualTo(404);
        }
    }

    @Test
    void whatIsNotForUsOrNotNowIsRefused() {
        refusedWith(claims -> claims.audience("another"));
        refusedWith(claims -> claims.audience(List.of()));
        refusedWith(claims -> claims.issuer("https://login.example.org"));
        refusedWith(claims -> claims.issuer(issuer.url() + "/"));
        refusedWith(claims -> claims.issuer(null));
        refusedWith(claims -> claims.expirationTime(Date.from(Instant.now().minusSeconds(10))));
        refusedWith(claims -> claims.expirationTime(null));
        refusedWith(claims -> claims.notBeforeTime(Date.from(Instant.now().plusSeconds(60))));
        refusedWith(claims -> claims.subject(null));
        refusedWith(claims -> claims.subject("two\nlines"));
        // within the skew
        assertThat(runs(issuer.token(
                                "slow clock",
                                claims -> claims.subject("slow")
                                        .expirationTime(Date.from(Instant.now().minusSeconds(2)))))
                        .status())
                .isEqualTo(200);
    }

    @Test
    void aTokenThatAnybodyCouldHaveMadeIsRefused() throws JOSEException {
        var claims = issuer.claims("mallory").claim("scope", "isoflop:admin").build();
        refused(runs(new PlainJWT(claims).serialize()));

        // the public key is known to all: as the secret of a symmetric signature it would prove nothing
        byte[] published = issuer.key().toRSAPublicKey().getEncoded();
        byte[] asJson = issuer.key().toPublicJWK().toJSONString().getBytes(java.nio.charset.StandardCharsets.UTF_8);
        for (byte[] secret : List.of(published, asJson)) {
            for (JWSAlgorithm algorithm : List.of(JWSAlgorithm.HS256, JWSAlgorithm.HS384, JWSAlgorithm.HS512)) {
                SignedJWT confused = new SignedJWT(
                        new JWSHeader.Builder(algorithm)
                                .keyID(issuer.key().getKeyID())
                                .build(),
                        claims);
                confused.sign(new MACSigner(secret));
                refused(runs(confused.serialize()));
            }
        }

        RSAKey own = TestIssuer.newKey(issuer.key().getKeyID());
        refused(runs(TestIssuer.sign(own, issuer.key().getKeyID(), claims)));

        // a key that the token brings itself
        SignedJWT brought = new SignedJWT(
                new JWSHeader.Builder(JWSAlgorithm.RS256).jwk(own.toPublicJWK()).build(), claims);
        brought.sign(new com.nimbusds.jose.crypto.RSASSASigner(own));
        refused(runs(brought.serialize()));

        String[] parts = good("ada").split("\\.");
        String raised = new String(Base64.getUrlDecoder().decode(parts[1]), java.nio.charset.StandardCharsets.UTF_8)
                .replace("isoflop:submit", "isoflop:admin");
        refused(runs(parts[0] + "."
                + Base64.getUrlEncoder()
                        .withoutPadding()
                        .encodeToString(raised.getBytes(java.nio.charset.StandardCharsets.UTF_8))
                + "." + parts[2]));
        refused(runs(parts[0] + "." + parts[1] + "."));
        refused(runs("e30.e30.e30"));
    }

    @Test
    void aTokenWithoutAScopeOfOursIsKnownButAllowedNothing() {
        for (Object scope : List.of("openid profile", "isoflop:runner", "runner admin", List.of())) {
            Reply reply = runs(issuer.token("visitor", claims -> claims.claim("scope", scope)));
            assertThat(reply.status()).as(reply.text()).isEqualTo(403);
            assertThat(reply.at("/detail")).contains("'scope'");
            Reply signIn = signIn(issuer.token("visitor", claims -> claims.claim("scope", scope)));
            assertThat(signIn.status()).isEqualTo(403);
            assertThat(signIn.header("Set-Cookie")).isNull();
        }
    }

    @Test
    void aNewKeyIsFetchedAndTheOldOneIsGoodNoMore() throws InterruptedException {
        String before = good("ada");
        assertThat(runs(before).status()).isEqualTo(200);
        issuer.rotate("rotated-" + System.nanoTime());
        Thread.sleep(2 * PAUSE.toMillis());
        assertThat(runs(good("ada")).status()).isEqualTo(200);
        // one that nobody remembers, of the key that is no longer published
        String after = issuer.token("ada", claims -> claims.jwtID("fresh"));
        assertThat(runs(after).status()).isEqualTo(200);
    }

    @Test
    void aKeyNobodyHasPublishedIsRefusedAndDoesNotMakeUsAskTheIssuerEachTime() {
        RSAKey own = TestIssuer.newKey("nobody's");
        int before = issuer.fetches.get();
        long began = System.nanoTime();
        int times = 40;
        for (int i = 0; i < times; i++) {
            refused(runs(TestIssuer.sign(
                    own, "nobody's", issuer.claims("mallory").jwtID("n" + i).build())));
        }
        long pauses = Duration.ofNanos(System.nanoTime() - began).toMillis() / PAUSE.toMillis();
        // two in each pause, which is what lets the first unknown key be looked up at once
        assertThat(issuer.fetches.get() - before).isLessThanOrEqualTo((int) (2 * (pauses + 2)));
        assertThat(issuer.fetches.get() - before).isLessThan(times);
    }

    @Test
    void whileTheIssuerIsDownKnownKeysGoOnAndOurOwnTokensToo() throws InterruptedException {
        assertThat(runs(good("ada")).status()).isEqualTo(200);
        issuer.off();
        try {
            Thread.sleep(1_500); // past the time for which keys are used without a question
            assertThat(runs(issuer.token("ada", claims -> claims.jwtID("while down")))
                            .status())
                    .isEqualTo(200);
            Reply unknown = runs(TestIssuer.sign(
                    TestIssuer.newKey("other"), "other", issuer.claims("ada").build()));
            assertThat(unknown.status()).isIn(401, 503);
            assertThat(unknown.at("/detail")).isNotBlank().doesNotContain("Exception");
            assertThat(platform.client.get("/api/v1/runs").status()).isEqualTo(200);
        } finally {
            issuer.on();
        }
    }

    @Test
    void aPlatformStartsWithoutItsIssuerAndSaysSoPlainly(@TempDir Path other) {
        issuer.off();
        try (OwnPlatform lonely = OwnPlatform.start(
                other, "--isoflop.oidc.issuer=" + issuer.url(), "--isoflop.oidc.audience=" + TestIssuer.AUDIENCE)) {
            Reply reply = lonely.client.send("GET", "/api/v1/runs", good("ada"), null, Map.of());
            assertThat(reply.status()).isEqualTo(503);
            assertThat(reply.code()).isEqualTo("unavailable");
            assertThat(lonely.client.get("/api/v1/runs").status()).isEqualTo(200);
        } finally {
            issuer.on();
        }
    }

    @Test
    void signingInWithItGivesASessionThatEndsWithIt() throws InterruptedException {
        Instant end = Instant.now().plusSeconds(3);
        String token = issuer.token("ada", claims -> claims.expirationTime(Date.from(end)));
        Reply signedIn = signIn(token);
        assertThat(signedIn.status()).as(signedIn.text()).isEqualTo(204);
        String cookie = String.valueOf(signedIn.header("Set-Cookie")).split(";")[0];
        Reply who = platform.client.send("GET", "/api/v1/session", null, null, Map.of("Cookie", cookie));
        assertThat(who.at("/name")).isEqualTo("name of ada");
        assertThat(who.at("/scope")).isEqualTo("submit");
        Thread.sleep(Duration.between(Instant.now(), end).toMillis() + 1_200);
        assertThat(platform.client
                        .send("GET", "/api/v1/session", null, null, Map.of("Cookie", cookie))
                        .status())
                .isEqualTo(401);
    }

    @Test
    void anIssuerNeedsAnAudienceAndAnAddressThatCannotBeSpoofed(@TempDir Path other) {
        cannotStart(other, "audience", "--isoflop.oidc.issuer=" + issuer.url());
        cannotStart(
                other, "https", "--isoflop.oidc.issuer=http://login.example.org", "--isoflop.oidc.audience=isoflop");
    }

    private static void cannotStart(Path home, String word, String... arguments) {
        assertThatThrownBy(() -> OwnPlatform.start(home, arguments).close())
                .rootCause()
                .isInstanceOf(CannotStartException.class)
                .hasMessageContaining(word);
    }

    private static Reply signIn(@Nullable String token) {
        return platform.client.send("POST", "/api/v1/session", null, "{\"token\":\"%s\"}".formatted(token), Map.of());
    }
}
