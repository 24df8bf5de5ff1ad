package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.platform.PlatformClient.Reply;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.jdbc.core.simple.JdbcClient;

@PlatformTest
class SecurityApiTests {

    private final PlatformClient client;
    private final JdbcClient jdbc;

    SecurityApiTests(PlatformClient client, JdbcClient jdbc) {
        this.client = client;
        this.jdbc = jdbc;
    }

    @ParameterizedTest
    @CsvSource({
        "GET, /api/v1/runs, read, 200",
        "GET, /api/v1/runs, submit, 200",
        "GET, /api/v1/runs, admin, 200",
        "GET, /api/v1/runs, runner, 403",
        "GET, /api/v1/tokens, submit, 403",
        "GET, /api/v1/tokens, admin, 200",
        "POST, /api/v1/datasets, read, 403",
        "POST, /api/v1/datasets, runner, 403",
        "POST, /api/v1/runners, submit, 403",
        "POST, /api/v1/runs/1/attempts/1/start, submit, 403",
        "POST, /api/v1/runs/999999/attempts/1/start, runner, 404",
        "POST, /api/v1/runs/999999/attempts/1/start, admin, 404",
        "GET, /actuator/metrics, submit, 403",
    })
    void aScopeAllowsWhatItSaysAndNoMore(String method, String path, String scope, int status) {
        Reply reply = client.send(
                method,
                path,
                client.token(scope),
                method.equals("POST") ? "{}" : null,
                Map.of("Idempotency-Key", UUID.randomUUID().toString()));
        assertThat(reply.status()).as(reply.text()).isEqualTo(status);
        if (status == 403) {
            assertThat(reply.code()).isEqualTo("forbidden");
            assertThat(reply.header("Content-Type")).isEqualTo("application/problem+json");
        }
    }

    @Test
    void withoutATokenNothingOfTheApiIsAnswered() {
        Reply reply = client.send("GET", "/api/v1/runs", null, null, Map.of());
        assertThat(reply.status()).isEqualTo(401);
        assertThat(reply.code()).isEqualTo("unauthenticated");
        assertThat(reply.header("Content-Type")).isEqualTo("application/problem+json");
        assertThat(reply.header("WWW-Authenticate")).startsWith("Bearer");
    }

    @Test
    void aTokenThatIsNotOursIsRefused() {
        assertThat(client.send("GET", "/api/v1/runs", "isf_wrong", null, Map.of())
                        .status())
                .isEqualTo(401);
        assertThat(client.send("GET", "/api/v1/runs", "nonsense", null, Map.of())
                        .status())
                .isEqualTo(401);
    }

    @Test
    void theSchemaAndTheApiDescriptionAreOpen() {
        assertThat(client.send("GET", "/api/v1/schema/sweep.json", null, null, Map.of())
                        .status())
                .isEqualTo(200);
        assertThat(client.send("GET", "/v3/api-docs", null, null, Map.of()).status())
                .isEqualTo(200);
    }

    @Test
    void onlyTheHashOfATokenIsStoredAndARepeatGivesTheSameSecret() {
        String key = UUID.randomUUID().toString();
        String body = "{\"name\":\"laptop\",\"scope\":\"read\"}";
        Reply made = client.send("POST", "/api/v1/tokens", client.token("admin"), body, Map.of("Idempotency-Key", key));
        assertThat(made.status()).as(made.text()).isEqualTo(201);
        String secret = made.at("/secret");
        assertThat(secret).startsWith("isf_").hasSizeGreaterThanOrEqualTo(47);
        assertThat(client.send("GET", "/api/v1/runs", secret, null, Map.of()).status())
                .isEqualTo(200);

        Reply again =
                client.send("POST", "/api/v1/tokens", client.token("admin"), body, Map.of("Idempotency-Key", key));
        assertThat(again.status()).isEqualTo(201);
        assertThat(again.body()).isEqualTo(made.body());
        assertThat(again.header("Location")).isEqualTo(made.header("Location"));

        String everything = jdbc.sql("select string_agg(t::text, ' ') from api_token t")
                        .query(String.class)
                        .single()
                + jdbc.sql("select coalesce(string_agg(i::text, ' '), '') from idempotency i")
                        .query(String.class)
                        .single();
        assertThat(everything).contains(PlatformClient.sha256(secret)).doesNotContain(secret);
    }

    @Test
    void aRevokedTokenIsRefusedAtOnceAndItsSessionEnds() {
        Reply made = client.post("/api/v1/tokens", "admin", "{\"name\":\"gone soon\",\"scope\":\"read\"}");
        String secret = made.at("/secret");
        String cookie = signIn(secret);
        assertThat(withCookie("GET", "/api/v1/session", cookie, Map.of()).status())
                .isEqualTo(200);
        Reply deleted =
                client.send("DELETE", "/api/v1/tokens/" + made.at("/token/id"), client.token("admin"), null, Map.of());
        assertThat(deleted.status()).isEqualTo(204);
        assertThat(client.send("GET", "/api/v1/runs", secret, null, Map.of()).status())
                .isEqualTo(401);
        assertThat(withCookie("GET", "/api/v1/session", cookie, Map.of()).status())
                .isEqualTo(401);
    }

    @Test
    void anExpiredTokenIsRefused() {
        Reply made = client.post("/api/v1/tokens", "admin", "{\"name\":\"short\",\"scope\":\"read\"}");
        jdbc.sql("update api_token set expires_at = now() - interval '1 second' where id = ?")
                .param(made.body().at("/token/id").asLong())
                .update();
        assertThat(client.send("GET", "/api/v1/runs", made.at("/secret"), null, Map.of())
                        .status())
                .isEqualTo(401);
    }

    @Test
    void aTokenOfNoKnownScopeIsRefusedWithTheNearest() {
        Reply reply = client.post("/api/v1/tokens", "admin", "{\"name\":\"x\",\"scope\":\"submitt\"}");
        assertThat(reply.status()).isEqualTo(400);
        assertThat(reply.at("/errors/0/pointer")).isEqualTo("/scope");
        assertThat(reply.at("/errors/0/nearest")).isEqualTo("submit");
    }

    @Test
    void aSessionIsAnHttpOnlyCookieThatOtherSitesCannotUse() {
        Reply signedIn = client.send(
                "POST", "/api/v1/session", null, "{\"token\":\"%s\"}".formatted(client.token("submit")), Map.of());
        assertThat(signedIn.status()).as(signedIn.text()).isEqualTo(204);
        assertThat(signedIn.header("Set-Cookie")).contains("HttpOnly", "SameSite=Strict", "Path=/");
        String cookie = String.valueOf(signedIn.header("Set-Cookie")).split(";")[0];

        Reply who = withCookie("GET", "/api/v1/session", cookie, Map.of());
        assertThat(who.at("/scope")).isEqualTo("submit");
        assertThat(who.at("/name")).isEqualTo("test submit");

        Map<String, String> foreign = Map.of("Sec-Fetch-Site", "cross-site", "Content-Type", "application/json");
        assertThat(withCookie("POST", "/api/v1/datasets", cookie, foreign).status())
                .isEqualTo(403);
        assertThat(withCookie("POST", "/api/v1/datasets", cookie, Map.of("Content-Type", "text/plain"))
                        .status())
                .isEqualTo(403);
        assertThat(withCookie("POST", "/api/v1/datasets", cookie, Map.of("Content-Type", "application/json"))
                        .status())
                .isEqualTo(400);

        assertThat(withCookie("DELETE", "/api/v1/session", cookie, Map.of()).status())
                .isEqualTo(204);
        assertThat(withCookie("GET", "/api/v1/session", cookie, Map.of()).status())
                .isEqualTo(401);
    }

    @Test
    void aRunnersTokenOpensNoDashboard() {
        Reply reply = client.send(
                "POST", "/api/v1/session", null, "{\"token\":\"%s\"}".formatted(client.token("runner")), Map.of());
        assertThat(reply.status()).isEqualTo(403);
    }

    private String signIn(String token) {
        Reply reply = client.send("POST", "/api/v1/session", null, "{\"token\":\"%s\"}".formatted(token), Map.of());
        return String.valueOf(reply.header("Set-Cookie")).split(";")[0];
    }

    private Reply withCookie(String method, String path, String cookie, Map<String, String> headers) {
        var all = new java.util.HashMap<>(headers);
        all.put("Cookie", cookie);
        return client.send(method, path, null, method.equals("POST") ? "{}" : null, all);
    }
}
