package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.platform.PlatformClient.Reply;
import java.util.Map;
import java.util.UUID;
import java.util.function.BiConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;

/** A private experiment with one of everything, its owner, and somebody who has no role on it. */
@PlatformTest
abstract class PrivateStudy {

    static final Pattern OF_AN_EXPERIMENT =
            Pattern.compile("/api/v1/(experiments|sweeps|runs|fits|predictions|schedules)/\\{id}(/.*)?");

    final PlatformClient client;
    final JdbcClient jdbc;

    record Token(long id, String secret) {}

    /** Everything that an experiment may have, each part with the word {@code mark} in its name. */
    record Study(
            String mark,
            long experiment,
            long sweep,
            long run,
            long queued,
            long fit,
            long prediction,
            long schedule,
            String sha256) {}

    Token owner;
    Token outsider;
    Study study;

    PrivateStudy(PlatformClient client, JdbcClient jdbc) {
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

    Token newToken(String scope) {
        Reply made = client.post("/api/v1/tokens", "admin", "{\"name\":\"t\",\"scope\":\"%s\"}".formatted(scope));
        assertThat(made.status()).as(made.text()).isEqualTo(201);
        return new Token(made.body().at("/token/id").asLong(), made.at("/secret"));
    }

    Reply as(Token token, String method, String path, String body) {
        return client.send(
                method,
                path,
                token.secret(),
                method.equals("GET") ? null : body,
                Map.of("Idempotency-Key", UUID.randomUUID().toString(), "If-Match", "*"));
    }

    Reply get(Token token, String path) {
        return as(token, "GET", path, "");
    }

    static String sweep(String experiment, String name, String pool, String value) {
        return """
                {"kind":"command","name":"%s","experiment":"%s","pool":"%s","command":["python3","{x}"],
                 "parameters":{"x":{"values":["%s","%s2"]}}}""".formatted(name, experiment, pool, value, value);
    }

    Study study() {
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
        long prediction = jdbc.sql("""
                        insert into prediction (experiment_id, fit_id, input_hash, method, law, n, d, flops, count_embeddings,
                            extrapolation_ratio, level, loss, low, high, log_sd, made_by, made_by_name)
                        select experiment_id, :fit, :mark, 'parametric', :mark, 1, 1, 6, true, 1, 0.9, 3, 2.9, 3.1, 0.02, :mark, :mark
                          from sweep where id = :sweep returning id
                        """)
                .param("fit", fit)
                .param("mark", mark)
                .param("sweep", sweep)
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
                prediction,
                schedule.body().path("id").asLong(),
                sha256);
    }

    static void ok(Reply reply) {
        assertThat(reply.status() / 100).as(reply.text()).isEqualTo(2);
    }

    String access() {
        return "/api/v1/experiments/" + study.experiment() + "/access";
    }

    /** Private, for its owner and one more. */
    void restrict(String role, Token token) {
        String second =
                token == owner ? "" : ",{\"principal\":\"token:%d\",\"role\":\"%s\"}".formatted(token.id(), role);
        Reply set = as(owner, "PUT", access(), """
                {"visibility":"private","roles":[{"principal":"token:%d","role":"owner"}%s]}""".formatted(owner.id(), second));
        assertThat(set.status()).as(set.text()).isEqualTo(200);
    }

    void open() {
        Reply opened = as(
                owner,
                "PUT",
                access(),
                "{\"visibility\":\"open\",\"roles\":[{\"principal\":\"token:%d\",\"role\":\"owner\"}]}"
                        .formatted(owner.id()));
        assertThat(opened.status()).as(opened.text()).isEqualTo(200);
    }

    /** Every operation of the API about one thing of the study, with its address. */
    void everyOperation(BiConsumer<String, String> method) {
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
                case "predictions" -> study.prediction();
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
}
