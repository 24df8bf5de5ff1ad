package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.platform.PlatformClient.Reply;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;

/** What those see of a private experiment who have no role on it and would like to look in all the same. */
class RolesVisibilityTests extends PrivateStudy {

    private static final Pattern OF_RUNNERS =
            Pattern.compile("/api/v1/(runners/\\{runnerId}/.*|runs/\\{runId}/attempts/.*)");
    private static final Set<String> LISTS = Set.of(
            "/api/v1/experiments",
            "/api/v1/sweeps",
            "/api/v1/runs",
            "/api/v1/schedules",
            "/api/v1/predictions",
            "/api/v1/predictions/summary",
            "/api/v1/overview",
            "/api/v1/runners",
            "/api/v1/pools",
            "/api/v1/datasets");
    /** Nothing of an experiment is to be had there, or another test looks at it. */
    private static final Set<String> ELSEWHERE = Set.of(
            "/api/v1/session",
            "/api/v1/schema/sweep.json",
            "/api/v1/accounting",
            "/api/v1/plans",
            "/api/v1/tokens",
            "/api/v1/tokens/{id}",
            "/api/v1/audit",
            "/api/v1/datasets/{id}",
            "/api/v1/runners/{id}",
            "/api/v1/runners/{id}/devices/{index}/samples",
            "/api/v1/runners/{id}/set-aside",
            "/api/v1/artifacts/{sha256}",
            "/api/v1/stream");

    RolesVisibilityTests(PlatformClient client, JdbcClient jdbc) {
        super(client, jdbc);
    }

    @Test
    void toAnOutsiderNothingOfItIsThereWhateverTheEndpoint() {
        everyOperation((method, path) -> {
            Reply reply = as(outsider, method, path, "{}");
            // a budget is an admin's, whoever asks and whatever is there
            assertThat(reply.status())
                    .as(method + " " + path + reply.text())
                    .isEqualTo(path.endsWith("/budget") ? 403 : 404);
            assertThat(reply.text()).as(method + " " + path).doesNotContain(study.mark());
        });
    }

    @Test
    void everyEndpointIsLookedAtByThisTest() {
        client.send("GET", "/v3/api-docs", null, null, Map.of())
                .body()
                .path("paths")
                .properties()
                .forEach(path -> {
                    String at = path.getKey();
                    assertThat(OF_AN_EXPERIMENT.matcher(at).matches()
                                    || OF_RUNNERS.matcher(at).matches()
                                    || LISTS.contains(at)
                                    || ELSEWHERE.contains(at))
                            .as("whether an experiment's roles matter for %s must be said in this test", at)
                            .isTrue();
                    if (OF_RUNNERS.matcher(at).matches()) {
                        for (String method : path.getValue().propertyNames()) {
                            Reply reply = as(
                                    outsider,
                                    method.toUpperCase(java.util.Locale.ROOT),
                                    at.replaceAll("\\{\\w+}", "1"),
                                    "{}");
                            assertThat(reply.status()).as(at).isEqualTo(403);
                        }
                    }
                });
    }

    @Test
    void listsLeaveOutWhatOneMayNotSeeAndShowItToThoseWhoMay() {
        for (String list : LISTS) {
            for (String query :
                    List.of("", "?limit=200", "?sweep=" + study.sweep() + "&experiment=" + study.experiment())) {
                Reply reply = get(outsider, list + query);
                assertThat(reply.status()).as(list + reply.text()).isEqualTo(200);
                assertThat(reply.text())
                        .as(list)
                        .doesNotContain("\"" + study.mark())
                        .doesNotContain("=" + study.mark());
            }
        }
        for (String list : List.of(
                "/api/v1/experiments",
                "/api/v1/sweeps",
                "/api/v1/runs",
                "/api/v1/schedules",
                "/api/v1/predictions",
                "/api/v1/overview")) {
            assertThat(get(owner, list).text()).as(list).contains(study.mark());
            assertThat(client.send("GET", list, client.token("admin"), null, Map.of())
                            .text())
                    .as(list)
                    .contains(study.mark());
        }
        assertThat(get(outsider, "/api/v1/runs?q=" + study.mark()).at("/items/0/id"))
                .isEmpty();
        assertThat(get(owner, "/api/v1/predictions/summary?experiment=" + study.experiment())
                        .body()
                        .path("open")
                        .asInt())
                .isEqualTo(1);
        assertThat(get(outsider, "/api/v1/predictions/summary?experiment=" + study.experiment())
                        .body()
                        .path("open")
                        .asInt())
                .isZero();
        JsonNode there = get(owner, "/api/v1/overview").body().path("runs");
        JsonNode here = get(outsider, "/api/v1/overview").body().path("runs");
        assertThat(there.path("queued").asInt())
                .isGreaterThan(here.path("queued").asInt());
        assertThat(there.path("running").asInt())
                .isGreaterThan(here.path("running").asInt());
        String held = "[" + study.run() + "]";
        assertThat(get(owner, "/api/v1/runners").text()).contains(held);
        assertThat(get(outsider, "/api/v1/runners").text()).doesNotContain(held);
    }

    @Test
    void aLineOfItsLogThatSetARunnerAsideIsShownToThoseAloneWhoMaySeeTheRun() {
        jdbc.sql("""
                        insert into place_set_aside (place, reason, evidence, run_id, until)
                        select n.place, 'gpu-lost in run ' || l.run_id, :mark, l.run_id, now() + interval '1 hour'
                          from lease l join runner n on n.id = l.runner_id where l.run_id = :run
                        """).param("mark", study.mark()).param("run", study.run()).update();
        try {
            String shown = "gpu-lost in run " + study.run();
            assertThat(get(owner, "/api/v1/runners").text()).contains(shown + ": " + study.mark());
            assertThat(get(outsider, "/api/v1/runners").text()).contains(shown).doesNotContain(study.mark());
        } finally {
            jdbc.sql("delete from place_set_aside where run_id = ?")
                    .param(study.run())
                    .update();
        }
    }

    @Test
    void aHashOpensNoFileOfIt() {
        String path = "/api/v1/artifacts/" + study.sha256();
        assertThat(get(outsider, path).status()).isEqualTo(404);
        assertThat(get(owner, path).text()).isEqualTo("weights of " + study.mark());
        assertThat(get(owner, "/api/v1/runs/" + study.run() + "/artifacts/w.bin")
                        .status())
                .isEqualTo(200);
    }

    @Test
    void anIdWrittenOtherwiseIsTheSameId() {
        for (String id : List.of(
                "0x" + Long.toHexString(study.run()),
                "%23" + Long.toHexString(study.run()),
                "0" + study.run(),
                "+" + study.run(),
                "%20" + study.run(),
                study.run() + "%20")) {
            for (String rest : List.of("", "/logs", "/attempts", "/artifacts/w.bin")) {
                Reply reply = get(outsider, "/api/v1/runs/" + id + rest);
                assertThat(reply.status()).as(id + rest + reply.text()).isIn(400, 404);
                assertThat(reply.text()).doesNotContain(study.mark()).doesNotContain("weights");
            }
        }
        String run = "/api/v1/runs/" + study.run();
        for (String path : List.of(
                run + "/",
                "/api/v1//runs/" + study.run(),
                run + ";x=1",
                "/api/v1/x/../runs/" + study.run(),
                run + "%2Flogs")) {
            Reply reply = get(outsider, path);
            assertThat(reply.status()).as(path).isIn(400, 404);
        }
        assertThat(client.send("HEAD", run, outsider.secret(), null, Map.of()).status())
                .isEqualTo(404);
    }

    /** Events of a stream until one about that run, or until the platform ends it. */
    private CompletableFuture<List<String>> listen(Token token, String query, long until) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(client.uri("/api/v1/stream" + query))
                .header("Authorization", "Bearer " + token.secret())
                .header("Last-Event-ID", "0")
                .build();
        HttpResponse<InputStream> response = client.http().send(request, HttpResponse.BodyHandlers.ofInputStream());
        assertThat(response.statusCode()).isEqualTo(200);
        return CompletableFuture.supplyAsync(() -> {
            List<String> lines = new ArrayList<>();
            try (BufferedReader reader =
                    new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
                for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                    lines.add(line);
                    if (line.contains("\"runId\":" + until + ",") && line.contains("\"to\":\"cancelled\"")) {
                        break;
                    }
                }
            } catch (IOException e) {
                lines.add("broken");
            }
            return lines;
        });
    }

    private long openRun() {
        String mark = "open" + UUID.randomUUID().toString().substring(0, 8);
        Reply made = as(outsider, "POST", "/api/v1/sweeps", sweep(mark, mark, mark, mark));
        return get(outsider, "/api/v1/runs?sweep=" + made.at("/id"))
                .body()
                .at("/items/0/id")
                .asLong();
    }

    @Test
    void theLiveStreamTellsNothingOfItNeitherNewNorReplayed() throws Exception {
        assertThat(get(outsider, "/api/v1/stream?topics=run:" + study.run()).status())
                .isEqualTo(404);
        assertThat(get(outsider, "/api/v1/stream?topics=runs,sweep:" + study.sweep())
                        .status())
                .isEqualTo(404);
        long open = openRun();
        var heard = listen(outsider, "?topics=runs", open);
        var heardByOwner = listen(owner, "?topics=runs", open);
        client.post("/api/v1/runs/%d/attempts/1/metrics".formatted(study.run()), "runner", """
                {"seq":1,"series":[{"metric":"train/loss","steps":[3],"values":[3.0],"timesMillis":[3]}]}""");
        Thread.sleep(600); // progress goes out four times a second
        assertThat(as(owner, "POST", "/api/v1/runs/" + study.queued() + "/cancellation", "{}")
                        .status())
                .isEqualTo(200);
        as(outsider, "POST", "/api/v1/runs/" + open + "/cancellation", "{}");
        String mine = String.join("\n", heardByOwner.get(20, TimeUnit.SECONDS));
        assertThat(mine).contains("\"runId\":" + study.queued() + ",").contains("\"runId\":" + study.run() + ",");
        String theirs = String.join("\n", heard.get(20, TimeUnit.SECONDS));
        assertThat(theirs)
                .contains("\"runId\":" + open + ",")
                .doesNotContain("\"runId\":" + study.queued() + ",")
                .doesNotContain("\"runId\":" + study.run() + ",");
    }

    @Test
    void aStreamEndsWithItsToken() throws Exception {
        Token gone = newToken("read");
        long open = openRun();
        var heard = listen(gone, "?topics=runs", open);
        client.send("DELETE", "/api/v1/tokens/" + gone.id(), client.token("admin"), null, Map.of());
        Thread.sleep(Duration.ofMillis(1_300));
        as(outsider, "POST", "/api/v1/runs/" + open + "/cancellation", "{}");
        assertThat(String.join("\n", heard.get(20, TimeUnit.SECONDS)))
                .doesNotContain("\"to\":\"cancelled\",\"attempt\":0,\"runId\":" + open);
        assertThat(heard.get().getLast()).doesNotContain("\"runId\":" + open + ",");
    }
}
