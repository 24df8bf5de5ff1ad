package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.platform.PlatformClient.Reply;
import java.io.InputStream;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Somebody who asks too much, on a platform with small limits and a proxy before it that is trusted. */
class LimitTests {

    @TempDir
    private static Path home;

    private static OwnPlatform platform;
    private static PlatformClient client;

    @BeforeAll
    static void start() {
        platform = OwnPlatform.start(
                home,
                "--server.forward-headers-strategy=native",
                "--isoflop.limits.people.per-second=1",
                "--isoflop.limits.people.burst=10",
                "--isoflop.limits.anonymous.per-second=1",
                "--isoflop.limits.anonymous.burst=10",
                "--isoflop.limits.failures.per-second=0.05",
                "--isoflop.limits.failures.burst=5",
                "--isoflop.limits.streams=2");
        client = platform.client;
    }

    @AfterAll
    static void stop() {
        platform.close();
    }

    private static String newToken(String scope) {
        String name = UUID.randomUUID().toString();
        String token = "isf_" + name;
        platform.context
                .getBean(dev.isoflop.db.token.TokenStore.class)
                .create(new dev.isoflop.db.token.TokenStore.NewToken(
                        name, "isf_x", PlatformClient.sha256(token), scope, null));
        return token;
    }

    private static Reply from(String address, String method, String path, String token, String body) {
        return client.send(method, path, token, body, Map.of("X-Forwarded-For", address));
    }

    private static void tooMany(Reply reply) {
        assertThat(reply.status()).as(reply.text()).isEqualTo(429);
        assertThat(reply.code()).isEqualTo("too-many-requests");
        assertThat(reply.header("Content-Type")).isEqualTo("application/problem+json");
        assertThat(Long.parseLong(String.valueOf(reply.header("Retry-After")))).isPositive();
    }

    @Test
    void eachTokenHasItsOwnLimitAndIsServedAgainAfterTheTimeItWasTold() throws InterruptedException {
        String greedy = newToken("read");
        List<Integer> statuses = new ArrayList<>();
        Reply last = null;
        for (int i = 0; i < 30; i++) {
            last = from("10.1.0.1", "GET", "/api/v1/runs", greedy, null);
            statuses.add(last.status());
        }
        assertThat(statuses.subList(0, 10)).containsOnly(200);
        assertThat(statuses).contains(429);
        tooMany(last);
        assertThat(from("10.1.0.1", "GET", "/api/v1/runs", newToken("read"), null)
                        .status())
                .isEqualTo(200);
        Thread.sleep(1_000 * Long.parseLong(String.valueOf(last.header("Retry-After"))));
        assertThat(from("10.1.0.1", "GET", "/api/v1/runs", greedy, null).status())
                .isEqualTo(200);
    }

    @Test
    void runnersAreNotHinderedByTheLimitsOfPeople() {
        String runner = newToken("runner");
        String name = UUID.randomUUID().toString();
        Reply registered = from("10.2.0.1", "POST", "/api/v1/runners", runner, """
                {"name":"%s","instance":"1","pool":"p","host":"h","pid":1,"version":"0","slots":4,"cores":2,
                 "memoryBytes":1,"devices":[],"kinds":["data"]}""".formatted(name));
        assertThat(registered.status()).as(registered.text()).isEqualTo(200);
        String path = "/api/v1/runners/" + registered.at("/runnerId") + "/heartbeats";
        for (int i = 0; i < 200; i++) {
            Reply reply = from(
                    "10.2.0.1", "POST", path, runner, "{\"instance\":\"1\",\"freeMemoryBytes\":1,\"observed\":[]}");
            assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        }
    }

    @Test
    void aReaderIsNoRunnerForAskingItsAddresses() {
        String greedy = newToken("read");
        Reply last = null;
        for (int i = 0; i < 30; i++) {
            last = from("10.3.0.1", "GET", "/api/v1/artifacts/" + "0".repeat(64), greedy, null);
        }
        tooMany(last);
    }

    @Test
    void guessingIsSlowedForOneAddressAndNotForThoseWhoWereKnownThere() {
        String colleague = newToken("read");
        assertThat(from("10.4.0.1", "GET", "/api/v1/session", colleague, null).status())
                .isEqualTo(200);
        Reply last = null;
        for (int i = 0; i < 8; i++) {
            last = from("10.4.0.1", "GET", "/api/v1/runs", "isf_guess" + i, null);
        }
        tooMany(last);
        tooMany(from("10.4.0.1", "POST", "/api/v1/session", null, "{\"token\":\"isf_guess\"}"));
        // even a good one is not told from the others now
        tooMany(from("10.4.0.1", "GET", "/api/v1/session", newToken("read"), null));
        assertThat(from("10.4.0.1", "GET", "/api/v1/session", colleague, null).status())
                .isEqualTo(200);
        assertThat(from("10.4.0.2", "GET", "/api/v1/session", newToken("read"), null)
                        .status())
                .isEqualTo(200);
    }

    @Test
    void signingInWithTokensThatAreNotGoodCountsToo() {
        Reply last = null;
        for (int i = 0; i < 7; i++) {
            last = from("10.5.0.1", "POST", "/api/v1/session", null, "{\"token\":\"isf_guess%d\"}".formatted(i));
        }
        tooMany(last);
        JsonNode entries = client.send("GET", "/api/v1/audit?refused=true", newToken("admin"), null, Map.of())
                .body()
                .path("items");
        assertThat(entries.values())
                .filteredOn(entry -> entry.path("address").asString().equals("10.5.0.1"))
                .hasSizeGreaterThanOrEqualTo(5)
                .allSatisfy(entry -> {
                    assertThat(entry.path("path").asString()).isEqualTo("/api/v1/session");
                    assertThat(entry.path("status").asInt()).isIn(401, 429);
                    assertThat(entry.has("principal")).isFalse();
                    assertThat(entry.toString()).doesNotContain("isf_guess");
                });
    }

    @Test
    void aFloodOfRefusalsIsNotAFloodOfEntries() {
        for (int i = 0; i < 60; i++) {
            from("10.6.0.1", "GET", "/api/v1/runs", "isf_flood" + i, null);
        }
        JsonNode entries = client.send("GET", "/api/v1/audit?refused=true&limit=200", newToken("admin"), null, Map.of())
                .body()
                .path("items");
        assertThat(entries.values())
                .filteredOn(entry -> entry.path("address").asString().equals("10.6.0.1"))
                .hasSizeBetween(1, 25);
    }

    @Test
    void whoeverComesWithoutATokenIsLimitedByAddressAndProbesOfHealthAreNot() {
        Reply last = null;
        for (int i = 0; i < 30; i++) {
            last = from("10.7.0.1", "GET", "/api/v1/schema/sweep.json", null, null);
        }
        tooMany(last);
        for (int i = 0; i < 30; i++) {
            assertThat(from("10.7.0.1", "GET", "/actuator/health/liveness", null, null)
                            .status())
                    .isEqualTo(200);
        }
    }

    @Test
    void liveStreamsOfOneTokenAreCountedAndCountedOffAgain() throws Exception {
        String watcher = newToken("read");
        List<HttpResponse<InputStream>> open = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            open.add(stream(watcher));
            assertThat(open.getLast().statusCode()).isEqualTo(200);
        }
        assertThat(stream(watcher).statusCode()).isEqualTo(429);
        for (HttpResponse<InputStream> stream : open) {
            stream.body().close();
        }
        // the platform notices when it next writes
        String admin = newToken("admin");
        int status = 429;
        for (int i = 0; i < 9 && status == 429; i++) {
            Reply made =
                    client.send("POST", "/api/v1/sweeps", admin, """
                    {"kind":"command","name":"s%d","experiment":"e","command":["true"],"parameters":{"x":{"values":[1]}}}""".formatted(i), Map.of("Idempotency-Key", "s" + i));
            assertThat(made.status()).as(made.text()).isEqualTo(201);
            Thread.sleep(1_000);
            status = stream(watcher).statusCode();
        }
        assertThat(status).isEqualTo(200);
    }

    private static HttpResponse<InputStream> stream(String token) throws Exception {
        return client.http()
                .send(
                        HttpRequest.newBuilder(client.uri("/api/v1/stream"))
                                .header("Authorization", "Bearer " + token)
                                .build(),
                        HttpResponse.BodyHandlers.ofInputStream());
    }
}
