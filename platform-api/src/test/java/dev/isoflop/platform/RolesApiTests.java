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
import java.util.function.BiConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;

/** Roles on experiments, as those see them who have none and would like to look in all the same. */
@PlatformTest
class RolesApiTests {

    private static final Pattern OF_AN_EXPERIMENT =
            Pattern.compile("/api/v1/(experiments|sweeps|runs|fits|schedules)/\\{id}(/.*)?");
    private static final Pattern OF_RUNNERS =
            Pattern.compile("/api/v1/(runners/\\{runnerId}/.*|runs/\\{runId}/attempts/.*)");
    private static final Set<String> LISTS = Set.of(
            "/api/v1/experiments",
            "/api/v1/sweeps",
            "/api/v1/runs",
            "/api/v1/schedules",
            "/api/v1/overview",
            "/api/v1/runners",
            "/api/v1/pools",
            "/api/v1/datasets");
    /** Nothing of an experiment is to be had there, or another test looks at it. */
    private static final Set<String> ELSEWHERE = Set.of(
            "/api/v1/session",
            "/api/v1/schema/sweep.json",
            "/api/v1/tokens",
            "/api/v1/tokens/{id}",
            "/api/v1/audit",
            "/api/v1/datasets/{id}",
            "/api/v1/runners/{id}",
            "/api/v1/runners/{id}/devices/{index}/samples",
            "/api/v1/artifacts/{sha256}",
            "/api/v1/stream");

    private final PlatformClient client;
    private final JdbcClient jdbc;

    private record Token(long id, String secret) {}

    /** Everything that an experiment may have, each part with the word {@code mark} in its name. */
    private record Study(
            String mark, long experiment, long sweep, long run, long queued, long fit, long schedule, String sha256) {}

    private Token owner;
    private Token outsider;
    private Study study;

    RolesApiTests(PlatformClient client, JdbcClient jdbc) {
        this.client = client;
        this.jdbc = jdbc;
    }

    @BeforeEach
    void aPrivateStudy() {
        owner = newToken("submit");
        outsider = newToken("submit");
        study = study();
        restrict("owner", owner);
    }

    /** Other tests of this platform count what there is. */
    @AfterEach
    void nothingStaysHidden() {
        open();
    }

    private Token newToken(String scope) {
        Reply made = client.post("/api/v1/tokens", "admin", "{\"name\":\"t\",\"scope\":\"%s\"}".formatted(scope));
        assertThat(made.status()).as(made.text()).isEqualTo(201);
        return new Token(made.body().at("/token/id").asLong(), made.at("/secret"));
    }

    private Reply as(Token token, String method, String path, String body) {
        return client.send(
                method,
                path,
                token.secret(),
                method.equals("GET") ? null : body,
                Map.of("Idempotency-Key", UUID.randomUUID().toString(), "If-Match", "*"));
    }

    private Reply get(Token token, String path) {
        return as(token, "GET", path, "");
    }

    private static String sweep(String experiment, String name, String pool, String value) {
        return """
                {"kind":"command","name":"%s","experiment":"%s","pool":"%s","command":["python3","{x}"],
                 "parameters":{"x":{"values":["%s","%s2"]}}}""".formatted(name, experiment, pool, value, value);
    }

    private Study study() {
        String mark = "hush" + UUID.randomUUID().toString().replace("-", "").substring(0, 12);
        String pool = "p" + UUID.randomUUID().toString().substring(0, 8); // the lab's, so everybody sees its name
        Reply made = as(owner, "POST", "/api/v1/sweeps", sweep(mark, mark, pool, mark));
        assertThat(made.status()).as(made.text()).isEqualTo(201);
        long sweep = made.body().path("id").asLong();
        long runner = Long.parseLong(
                client.post("/api/v1/runners", "runner", """
                {"name":"r-%s","instance":"1","pool":"%s","host":"h","pid":1,"version":"0","slots":1,"cores":2,
                 "memoryBytes":%d,"devices":[],"kinds":["command"]}""".formatted(UUID.randomUUID(), pool, 1L << 40))
                        .at("/runnerId"));
        JsonNode assignment = client.claim(runner, 1, "command").getFirst();
        long run = assignment.path("runId").asLong();
        String attempt = "/api/v1/runs/%d/attempts/1".formatted(run);
        String content = "weights of " + mark;
        String sha256 = PlatformClient.sha256(content);
        ok(client.send(
                "PUT",
                "/api/v1/artifacts/" + sha256,
                client.token("runner"),
                content,
                Map.of("Content-Type", "application/octet-stream")));
        ok(client.post(attempt + "/start", "runner", "{}"));
        ok(client.post(attempt + "/logs", "runner", """
                {"firstSeq":0,"lines":[{"timeMillis":1000,"level":"INFO","text":"%s"}]}""".formatted(mark)));
        ok(client.post(attempt + "/metrics", "runner", """
                {"seq":0,"series":[{"metric":"train/loss","steps":[1,2],"values":[3.5,3.25],"timesMillis":[1,2]}]}"""));
        ok(client.post(attempt + "/checkpoints", "runner", """
                {"step":2,"tokens":2,"trainSeconds":1,"files":[{"name":"w.bin","sha256":"%s","bytes":%d}]}""".formatted(sha256, content.length())));
        long fit = jdbc.sql("insert into fit (sweep_id, method, status, input_hash, body) values (?, 'm', 's', ?, '{}')"
                        + " returning id")
                .param(sweep)
                .param(mark)
                .query(Long.class)
                .single();
        Reply schedule = as(owner, "POST", "/api/v1/schedules", """
                {"name":"%s","cron":"0 0 1 1 *","spec":%s}""".formatted(mark, sweep(mark, mark, mark, mark)));
        assertThat(schedule.status()).as(schedule.text()).isEqualTo(201);
        long experiment = Long.parseLong(made.at("/experimentId"));
        long queued = jdbc.sql("select max(id) from run where sweep_id = ?")
                .param(sweep)
                .query(Long.class)
                .single();
        return new Study(
                mark,
                experiment,
                sweep,
                run,
                queued,
                fit,
                schedule.body().path("id").asLong(),
                sha256);
    }

    private static void ok(Reply reply) {
        assertThat(reply.status() / 100).as(reply.text()).isEqualTo(2);
    }

    private String access() {
        return "/api/v1/experiments/" + study.experiment() + "/access";
    }

    /** Private, for its owner and one more. */
    private void restrict(String role, Token token) {
        String second =
                token == owner ? "" : ",{\"principal\":\"token:%d\",\"role\":\"%s\"}".formatted(token.id(), role);
        Reply set = as(owner, "PUT", access(), """
                {"visibility":"private","roles":[{"principal":"token:%d","role":"owner"}%s]}""".formatted(owner.id(), second));
        assertThat(set.status()).as(set.text()).isEqualTo(200);
    }

    /** Every operation of the API about one thing of the study, with its address. */
    private void everyOperation(BiConsumer<String, String> method) {
        JsonNode paths =
                client.send("GET", "/v3/api-docs", null, null, Map.of()).body().path("paths");
        int seen = 0;
        for (var path : paths.properties()) {
            Matcher of = OF_AN_EXPERIMENT.matcher(path.getKey());
            if (!of.matches()) {
                continue;
            }
            long id = switch (of.group(1)) {
                case "experiments" -> study.experiment();
                case "sweeps" -> study.sweep();
                case "runs" -> study.run();
                case "fits" -> study.fit();
                default -> study.schedule();
            };
            String at = path.getKey().replace("{id}", Long.toString(id)).replace("{name}", "w.bin");
            assertThat(at)
                    .as("say in this test what stands for the variables of")
                    .doesNotContain("{");
            String query = at.endsWith("/series") ? "?name=train/loss" : "";
            for (String name : path.getValue().propertyNames()) {
                method.accept(name.toUpperCase(java.util.Locale.ROOT), at + query);
                seen++;
            }
        }
        assertThat(seen).isGreaterThan(25);
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
                "/api/v1/experiments", "/api/v1/sweeps", "/api/v1/runs", "/api/v1/schedules", "/api/v1/overview")) {
            assertThat(get(owner, list).text()).as(list).contains(study.mark());
            assertThat(client.send("GET", list, client.token("admin"), null, Map.of())
                            .text())
                    .as(list)
                    .contains(study.mark());
        }
        assertThat(get(outsider, "/api/v1/runs?q=" + study.mark()).at("/items/0/id"))
                .isEmpty();
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

    @Test
    void aViewerSeesEverythingAndChangesNothing() {
        Token viewer = newToken("submit");
        restrict("viewer", viewer);
        everyOperation((method, path) -> {
            Reply reply = as(viewer, method, path, "{}");
            if (method.equals("GET")) {
                if (path.contains("/fits")) { // the one there is a row without content
                    assertThat(reply.status()).as(path).isNotIn(403, 404);
                } else if (!path.endsWith("/profile")) {
                    assertThat(reply.status()).as(path + reply.text()).isEqualTo(200);
                }
            } else {
                assertThat(reply.status())
                        .as(method + " " + path + reply.text())
                        .isEqualTo(403);
                if (!path.endsWith("/budget")) {
                    assertThat(reply.at("/detail")).contains("you have viewer");
                }
            }
        });
        Reply submitted = as(viewer, "POST", "/api/v1/sweeps", sweep(study.mark(), "another", "p", "v"));
        assertThat(submitted.status()).isEqualTo(403);
        assertThat(get(viewer, access()).at("/yours")).isEqualTo("viewer");
    }

    @Test
    void anEditorUsesItAndDoesNotRuleIt() {
        Token editor = newToken("submit");
        restrict("editor", editor);
        assertThat(as(editor, "POST", "/api/v1/sweeps", sweep(study.mark(), "another", "p", "v"))
                        .status())
                .isEqualTo(201);
        assertThat(as(editor, "POST", "/api/v1/runs/" + study.queued() + "/cancellation", "{}")
                        .status())
                .isEqualTo(200);
        assertThat(as(editor, "POST", "/api/v1/schedules/" + study.schedule() + "/pause", "{}")
                        .status())
                .isEqualTo(200);
        Reply took = as(editor, "PUT", access(), """
                {"visibility":"private","roles":[{"principal":"token:%d","role":"owner"}]}""".formatted(editor.id()));
        assertThat(took.status()).as(took.text()).isEqualTo(403);
        // the scope still counts: a role gives a reader nothing that a reader may not do
        Token reader = newToken("read");
        restrict("owner", reader);
        assertThat(as(reader, "POST", "/api/v1/runs/" + study.queued() + "/cancellation", "{}")
                        .status())
                .isEqualTo(403);
    }

    @Test
    void anOutsiderCannotEnterBySubmittingOrScheduling() {
        Reply submitted = as(outsider, "POST", "/api/v1/sweeps", sweep(study.mark(), "another", "p", "v"));
        assertThat(submitted.status()).isEqualTo(404);
        // not even to learn which sweeps there are
        assertThat(as(outsider, "POST", "/api/v1/sweeps", sweep(study.mark(), study.mark(), "p", "v"))
                        .text())
                .doesNotContain("already");
        assertThat(as(outsider, "POST", "/api/v1/sweeps?validateOnly=true", sweep(study.mark(), "another", "p", "v"))
                        .status())
                .isEqualTo(404);
        String spec = sweep(study.mark(), "another", "p", "v");
        assertThat(as(
                                outsider,
                                "POST",
                                "/api/v1/schedules",
                                "{\"name\":\"into %s\",\"cron\":\"0 0 1 1 *\",\"spec\":%s}"
                                        .formatted(study.mark(), spec))
                        .status())
                .isEqualTo(404);
        Reply own = as(
                outsider,
                "POST",
                "/api/v1/schedules",
                "{\"name\":\"own %s\",\"cron\":\"0 0 1 1 *\",\"spec\":%s}"
                        .formatted(study.mark(), sweep("own" + study.mark(), "n", "p", "v")));
        assertThat(own.status()).as(own.text()).isEqualTo(201);
        assertThat(as(
                                outsider,
                                "PUT",
                                "/api/v1/schedules/" + own.at("/id"),
                                "{\"name\":\"own %s\",\"cron\":\"0 0 1 1 *\",\"spec\":%s}"
                                        .formatted(study.mark(), spec))
                        .status())
                .isEqualTo(404);
    }

    @Test
    void aScheduleDoesNotDoWhatItsWriterMayNoLongerDo() throws InterruptedException {
        open();
        Reply made = as(
                outsider,
                "POST",
                "/api/v1/schedules",
                "{\"name\":\"early %s\",\"cron\":\"0 0 1 1 *\",\"spec\":%s}"
                        .formatted(study.mark(), sweep(study.mark(), "n", study.mark(), "v")));
        assertThat(made.status()).as(made.text()).isEqualTo(201);
        restrict("owner", owner);
        String fires = "/api/v1/schedules/" + made.at("/id") + "/fires";
        assertThat(get(outsider, fires).status()).isEqualTo(404);
        assertThat(as(owner, "POST", fires, "{}").status()).isEqualTo(201);
        Reply fired = get(owner, fires);
        for (int i = 0; i < 100 && fired.at("/items/0/state").equals("pending"); i++) {
            Thread.sleep(100);
            fired = get(owner, fires);
        }
        assertThat(fired.at("/items/0/state")).as(fired.text()).isEqualTo("failed");
        assertThat(fired.at("/items/0/reason")).contains("that you may use");
    }

    private void open() {
        Reply opened = as(
                owner,
                "PUT",
                access(),
                "{\"visibility\":\"open\",\"roles\":[{\"principal\":\"token:%d\",\"role\":\"owner\"}]}"
                        .formatted(owner.id()));
        assertThat(opened.status()).as(opened.text()).isEqualTo(200);
    }

    @Test
    void anOpenExperimentIsEverybodysButItsRolesAreNot() {
        open();
        assertThat(get(outsider, "/api/v1/sweeps/" + study.sweep()).status()).isEqualTo(200);
        assertThat(as(outsider, "POST", "/api/v1/sweeps", sweep(study.mark(), "another", "p", "v"))
                        .status())
                .isEqualTo(201);
        Reply took = as(outsider, "PUT", access(), """
                {"visibility":"private","roles":[{"principal":"token:%d","role":"owner"}]}""".formatted(outsider.id()));
        assertThat(took.status()).isEqualTo(403);
        assertThat(get(outsider, access()).at("/yours")).isEqualTo("editor");
    }

    @Test
    void whoLosesTheRoleLosesTheSightOfItAtOnceAndARevokedTokenItsRoles() {
        Token viewer = newToken("read");
        restrict("viewer", viewer);
        String run = "/api/v1/runs/" + study.run();
        assertThat(get(viewer, run).status()).isEqualTo(200);
        restrict("owner", owner);
        assertThat(get(viewer, run).status()).isEqualTo(404);
        restrict("viewer", viewer);
        client.send("DELETE", "/api/v1/tokens/" + viewer.id(), client.token("admin"), null, Map.of());
        assertThat(get(owner, access()).text()).doesNotContain("token:" + viewer.id() + "\"");
    }

    @Test
    void rolesThatMakeNoSenseAreRefusedFieldByField() {
        String me = "{\"principal\":\"token:%d\",\"role\":\"owner\"}".formatted(owner.id());
        Map.of(
                        "{\"visibility\":\"privat\",\"roles\":[" + me + "]}",
                        "/visibility",
                        "{\"visibility\":\"private\",\"roles\":[]}",
                        "/roles",
                        "{\"visibility\":\"private\"}",
                        "/roles",
                        "{\"visibility\":\"open\",\"roles\":[null]}",
                        "/roles/0/principal",
                        "{\"visibility\":\"open\",\"roles\":[{\"principal\":\"mallory\",\"role\":\"owner\"}]}",
                        "/roles/0/principal",
                        "{\"visibility\":\"open\",\"roles\":[{\"principal\":\"user:a\",\"role\":\"boss\"}]}",
                        "/roles/0/role",
                        "{\"visibility\":\"open\",\"roles\":[{\"principal\":\"token:999999999\",\"role\":\"owner\"}]}",
                        "/roles/0/principal",
                        "{\"visibility\":\"open\",\"roles\":[" + me + "," + me + "]}",
                        "/roles/1/principal")
                .forEach((body, pointer) -> {
                    Reply reply = as(owner, "PUT", access(), body);
                    assertThat(reply.status()).as(body + reply.text()).isEqualTo(400);
                    assertThat(reply.at("/errors/0/pointer")).as(body).isEqualTo(pointer);
                });
        Reply stale = client.send("PUT", access(), owner.secret(), "{}", Map.of("If-Match", "\"99\""));
        assertThat(stale.status()).isEqualTo(412);
        assertThat(client.send("PUT", access(), owner.secret(), "{}", Map.of()).status())
                .isEqualTo(428);
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
