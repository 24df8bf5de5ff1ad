package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.platform.PlatformClient.Reply;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;

/** The ledger as a whole, fits beside each other and made again, and who may look at whose. */
class PredictionLedgerApiTests extends PredictionScene {

    PredictionLedgerApiTests(PlatformClient client, JdbcClient jdbc) {
        super(client, jdbc);
    }

    /** A prediction whose run has ended: inserted, since what the platform makes would take as many runs. */
    private void scored(double ratio, double logError, boolean covered, boolean diverged, double level) {
        long run = jdbc.sql("""
                        insert into run (sweep_id, experiment_id, name, kind, state, pool)
                        values (?, ?, ?, 'pretrain', 'queued', 'nowhere') returning id
                        """)
                .params(sweep, experiment, "made-" + UUID.randomUUID())
                .query(Long.class)
                .single();
        jdbc.sql("""
                        with made as (
                            insert into prediction (experiment_id, fit_id, input_hash, method, law, n, d, flops, count_embeddings,
                                extrapolation_ratio, level, loss, low, high, log_sd, made_by, made_by_name, run_id, linked_at)
                            values (:experiment, :fit, 'h', 'parametric', 'law', 1e6, 1e8, 6e14, true, :ratio, :level, 3, 2.9, 3.1, 0.02,
                                'token:1', 'x', :run, now()) returning id)
                        select id from made
                        """)
                .param("experiment", experiment)
                .param("fit", parametric)
                .param("ratio", ratio)
                .param("level", level)
                .param("run", run)
                .query(Long.class)
                .single();
        jdbc.sql("""
                        update prediction set state = 'scored', covered = :covered, diverged = :diverged, settled_at = now(),
                            log_error = case when :diverged then null else :error end,
                            observed = case when :diverged then null else 3 * exp(:error) end
                         where run_id = :run
                        """)
                .param("covered", covered)
                .param("diverged", diverged)
                .param("error", logError)
                .param("run", run)
                .update();
    }

    @Test
    void theSummaryCountsCoverageAndErrorsByHowFarWasExtrapolated() {
        scored(0.5, 0.01, true, false, 0.9);
        scored(1.0000000001, -0.03, true, false, 0.9);
        scored(2, 0.02, true, false, 0.9);
        scored(3, 0.04, false, false, 0.9);
        scored(10, 0.05, false, false, 0.9);
        scored(50, 0, false, true, 0.9);
        scored(1, 0.01, true, false, 0.95);
        JsonNode summary = ok(client.get("/api/v1/predictions/summary?experiment=" + experiment))
                .body();
        assertThat(summary.path("open").asInt()).isZero();
        assertThat(summary.path("levels")).hasSize(2);
        JsonNode ninety = summary.at("/levels/0");
        assertThat(ninety.path("level").asDouble()).isEqualTo(0.9);
        JsonNode all = ninety.path("all");
        assertThat(all.path("scored").asInt()).isEqualTo(6);
        assertThat(all.path("covered").asInt()).isEqualTo(3);
        assertThat(all.path("diverged").asInt()).isEqualTo(1);
        // Wilson's interval of 3 of 6 at 95 %, by hand: 0.5 ± 1.96/(6+3.8415)·sqrt(6·0.25+0.9604)
        assertThat(all.at("/coverage/low").asDouble()).isCloseTo(0.1876, within(1e-4));
        assertThat(all.at("/coverage/high").asDouble()).isCloseTo(0.8124, within(1e-4));
        assertThat(all.path("medianError").asDouble()).isCloseTo(0.03, within(1e-12));
        assertThat(all.path("meanError").asDouble()).isCloseTo(0.15 / 5, within(1e-12));
        assertThat(all.path("bias").asDouble()).isCloseTo(0.09 / 5, within(1e-12));
        List<String> classes = new ArrayList<>();
        ninety.path("classes")
                .forEach(c ->
                        classes.add(c.path("ratio").asString() + " " + c.path("covered") + "/" + c.path("scored")));
        assertThat(classes).containsExactly("<=1 2/2", "1-3 1/2", "3-10 0/1", ">10 0/1");
        assertThat(summary.at("/levels/1/all/scored").asInt()).isEqualTo(1);
        assertThat(summary.at("/levels/1/classes/3").has("coverage")).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "id",
                "-n",
                "d",
                "-flops",
                "extrapolationRatio",
                "-extrapolationRatio",
                "loss",
                "observed",
                "-observed",
                "logError",
                "-absoluteError",
                "absoluteError"
            })
    void theLedgerIsReadInPagesThatMissNothingHoweverItIsSorted(String sort) {
        for (double ratio : new double[] {2, 0.5, 8, 2, 20}) {
            scored(ratio, 0.01 * ratio - 0.03, ratio < 5, ratio == 20, 0.9);
        }
        id(predictRun(parametric, waiting(sweep).getFirst()));
        String list = "/api/v1/predictions?experiment=" + experiment + "&sort=" + sort;
        List<String> whole = ids(ok(client.get(list)).body());
        assertThat(whole).hasSize(6).doesNotHaveDuplicates();
        List<String> paged = new ArrayList<>();
        String after = "";
        do {
            JsonNode page = ok(client.get(list + "&limit=2" + after)).body();
            paged.addAll(ids(page));
            after = page.has("next") ? "&after=" + page.path("next").asString() : "";
        } while (!after.isEmpty());
        assertThat(paged).isEqualTo(whole);
    }

    private static List<String> ids(JsonNode page) {
        return page.path("items").values().stream()
                .map(item -> item.path("id").asString())
                .toList();
    }

    @Test
    void theLedgerIsFilteredByStateFitRunAndWhetherTheIntervalHeld() {
        scored(2, 0.01, true, false, 0.9);
        scored(2, 0.09, false, false, 0.9);
        long run = waiting(sweep).getFirst();
        String open = predictRun(parametric, run).at("/id");
        String list = "/api/v1/predictions?experiment=" + experiment;
        assertThat(ids(ok(client.get(list + "&state=open")).body()))
                .contains(open)
                .hasSize(1);
        assertThat(ids(ok(client.get(list + "&state=scored")).body())).hasSize(2);
        assertThat(ids(ok(client.get(list + "&covered=false")).body())).hasSize(1);
        assertThat(ids(ok(client.get(list + "&fit=" + isoflop)).body())).isEmpty();
        assertThat(ids(ok(client.get("/api/v1/predictions?run=" + run)).body())).containsExactly(open);
        assertThat(client.get(list + "&state=late").at("/detail")).contains("open, scored, void");
        assertThat(client.get(list + "&sort=absolutError").at("/detail")).contains("did you mean absoluteError?");
        assertThat(client.get(list + "&after=AAAA").status()).isEqualTo(400);
    }

    @Test
    void aFitIsMadeAgainFromItsRecordToTheLastDigit() {
        for (long fit : new long[] {isoflop, parametric}) {
            JsonNode same = ok(client.post("/api/v1/fits/" + fit + "/reproduce", "submit", ""))
                    .body();
            assertThat(same.path("agrees").asBoolean()).as(same.toString()).isTrue();
            assertThat(same.path("numbers").asInt()).isGreaterThan(500);
            assertThat(same.path("inputHashNow")).isEqualTo(same.path("inputHash"));
            assertThat(same.path("assumed")).isEmpty();
        }
    }

    @Test
    void aRecordThatWasTamperedWithIsFoundOutAndNothingIsPredictedFromIt() {
        long forged = jdbc.sql("""
                        insert into fit (sweep_id, method, status, input_hash, body)
                        select sweep_id, method, status, input_hash || 'x',
                               jsonb_set(jsonb_set(body, '{parameters,0,value}', '1.5'), '{options}', (body -> 'options') - 'huberDelta')
                          from fit where id = ? returning id
                        """).param(parametric).query(Long.class).single();
        JsonNode found = ok(client.post("/api/v1/fits/" + forged + "/reproduce", "submit", ""))
                .body();
        assertThat(found.path("agrees").asBoolean(true)).isFalse();
        assertThat(found.at("/differences/0/pointer").asString()).isEqualTo("/parameters/0/value");
        assertThat(found.at("/differences/0/stored").asString()).isEqualTo("1.5");
        assertThat(found.at("/assumed/0").asString()).isEqualTo("huberDelta");
        Reply refused = predict(forged, "{\"n\":1e6,\"d\":1e7}");
        assertThat(refused.code()).isEqualTo("prediction-refused");
        assertThat(refused.at("/detail")).contains("/parameters/0/value");
    }

    @Test
    void twoFitsStandSideBySide() {
        JsonNode fit = ok(client.get("/api/v1/fits/" + parametric)).body();
        long dropped = fit.at("/points/3/runId").asLong();
        JsonNode other = ok(client.post("/api/v1/sweeps/" + sweep + "/fits", "submit", """
                        {"method":"parametric","bootstraps":150,"level":0.9,"exclude":[{"runId":%d,"reason":"odd machine"}]}""".formatted(dropped)))
                .body()
                .get(0);
        String path = "/api/v1/fits/" + parametric + "/comparison?with=" + other.path("id") + "&target=1e14";
        JsonNode both = ok(client.get(path)).body();
        assertThat(both.at("/points/shared").asInt()).isEqualTo(23);
        assertThat(both.at("/points/onlyA/0/runId").asLong()).isEqualTo(dropped);
        assertThat(both.at("/points/onlyA")).hasSize(1);
        assertThat(both.at("/points/onlyB")).isEmpty();
        assertThat(both.at("/points/excludedB/0/reason").asString()).isEqualTo("excluded: odd machine");
        assertThat(both.at("/options").toString()).isEqualTo("[{\"name\":\"resamples\",\"a\":\"200\",\"b\":\"150\"}]");
        assertThat(both.path("parameters")).hasSize(7);
        JsonNode alpha = both.path("parameters").values().stream()
                .filter(p -> p.path("name").asString().equals("alpha"))
                .findFirst()
                .orElseThrow();
        assertThat(alpha.at("/ratio").asDouble())
                .isEqualTo(
                        alpha.at("/b/value").asDouble() / alpha.at("/a/value").asDouble());
        assertThat(alpha.path("overlap").asBoolean()).isTrue();
        assertThat(both.at("/targets/a/optimum/loss/value").asDouble())
                .as("as the refitted law says")
                .isCloseTo(TRUTH.optimum(1e14).loss(), within(0.5));
        JsonNode methods = ok(client.get("/api/v1/fits/" + isoflop + "/comparison?target=1e30&with=" + parametric))
                .body();
        assertThat(methods.at("/targets/a/refusal/code").asString()).isEqualTo("far-extrapolation");
        assertThat(methods.at("/points/shared").asInt()).isEqualTo(24);
        assertThat(client.get("/api/v1/fits/" + isoflop + "/comparison?target=-1&with=" + parametric)
                        .at("/errors/0/pointer"))
                .isEqualTo("/target");
        assertThat(client.get("/api/v1/fits/" + isoflop + "/comparison?with=999999999")
                        .status())
                .isEqualTo(404);
    }

    private record Token(long id, String secret) {}

    private Token newToken(String scope) {
        Reply made = ok(client.post("/api/v1/tokens", "admin", "{\"name\":\"t\",\"scope\":\"%s\"}".formatted(scope)));
        return new Token(made.body().at("/token/id").asLong(), made.at("/secret"));
    }

    private Reply as(Token token, String method, String path, String body) {
        return client.send(
                method, "/api/v1" + path, token.secret(), method.equals("GET") ? null : body, Map.of("If-Match", "*"));
    }

    private void access(long of, String visibility, Token... editors) {
        String roles = "";
        for (Token editor : editors) {
            roles += ",{\"principal\":\"token:%d\",\"role\":\"editor\"}".formatted(editor.id());
        }
        ok(client.send(
                "PUT",
                "/api/v1/experiments/" + of + "/access",
                client.token("admin"),
                "{\"visibility\":\"%s\",\"roles\":[{\"principal\":\"user:boss\",\"role\":\"owner\"}%s]}"
                        .formatted(visibility, roles),
                Map.of("If-Match", "*")));
    }

    @Test
    void neitherAnothersFitNorAnothersRunIsToBeHad() {
        long waiting = waiting(sweep).getFirst();
        long hidden = id(predict(parametric, "{\"n\":40000,\"d\":4e5}"));
        long theirs = submit(pool + "-t", pool + "-t").body().path("id").asLong();
        long theirExperiment = jdbc.sql("select experiment_id from sweep where id = ?")
                .param(theirs)
                .query(Long.class)
                .single();
        train(theirs, 0.002);
        long theirFit = ok(client.post(
                        "/api/v1/sweeps/" + theirs + "/fits",
                        "submit",
                        "{\"bootstraps\":200,\"method\":\"parametric\"}"))
                .body()
                .at("/0/id")
                .asLong();
        long theirPrediction = id(predict(theirFit, "{\"n\":40000,\"d\":4e5}"));
        Token insider = newToken("submit");
        Token attacker = newToken("submit");
        Token reader = newToken("read");
        access(experiment, "private", insider, reader);
        access(theirExperiment, "private", attacker);
        try {
            String absent = as(attacker, "POST", "/fits/" + theirFit + "/predictions", "{\"runId\":999999999}")
                    .at("/detail");
            Reply ofHiddenRun =
                    as(attacker, "POST", "/fits/" + theirFit + "/predictions", "{\"runId\":%d}".formatted(waiting));
            assertThat(ofHiddenRun.status()).isEqualTo(404);
            assertThat(ofHiddenRun.at("/detail"))
                    .as("as if there were none")
                    .isEqualTo(absent.replace("999999999", Long.toString(waiting)));
            for (Reply reply : List.of(
                    as(attacker, "POST", "/fits/" + parametric + "/predictions", "{\"n\":1e5,\"d\":1e6}"),
                    as(attacker, "POST", "/fits/" + parametric + "/reproduce", ""),
                    as(attacker, "GET", "/fits/" + parametric + "/comparison?with=" + theirFit, ""),
                    as(attacker, "GET", "/fits/" + theirFit + "/comparison?with=" + parametric, ""),
                    client.send(
                            "POST",
                            "/api/v1/sweeps?predictFrom=" + parametric,
                            attacker.secret(),
                            "{\"kind\":\"command\",\"name\":\"n\",\"experiment\":\"%s-a\",\"command\":[\"true\"],\"parameters\":{\"x\":{\"values\":[1]}}}"
                                    .formatted(pool),
                            Map.of("Idempotency-Key", UUID.randomUUID().toString())),
                    as(attacker, "GET", "/predictions/" + hidden, ""),
                    as(attacker, "PUT", "/predictions/" + hidden + "/run", "{\"runId\":%d}".formatted(waiting)),
                    as(
                            attacker,
                            "PUT",
                            "/predictions/" + theirPrediction + "/run",
                            "{\"runId\":%d}".formatted(waiting)))) {
                assertThat(reply.status()).as(reply.text()).isEqualTo(404);
            }
            assertThat(as(attacker, "GET", "/predictions?experiment=" + experiment, "")
                            .at("/items/0/id"))
                    .isEmpty();
            assertThat(as(attacker, "GET", "/predictions?limit=200", "").text()).doesNotContain(pool + "\"");
            assertThat(as(attacker, "GET", "/predictions?run=" + waiting, "").at("/items/0/id"))
                    .isEmpty();
            assertThat(as(attacker, "GET", "/predictions/summary?fit=" + parametric, "")
                            .at("/open"))
                    .isEqualTo("0");
            assertThat(as(insider, "GET", "/predictions/summary?fit=" + parametric, "")
                            .at("/open"))
                    .isEqualTo("1");
            assertThat(as(reader, "POST", "/fits/" + parametric + "/predictions", "{\"n\":1e5,\"d\":1e6}")
                            .status())
                    .as("an editor's role does not widen a token of scope read")
                    .isEqualTo(403);
            assertThat(as(reader, "PUT", "/predictions/" + hidden + "/run", "{\"runId\":%d}".formatted(waiting))
                            .status())
                    .isEqualTo(403);
            Reply mine =
                    as(insider, "POST", "/fits/" + parametric + "/predictions", "{\"runId\":%d}".formatted(waiting));
            assertThat(mine.status()).as(mine.text()).isEqualTo(201);
            JsonNode audit = client.send("GET", "/api/v1/audit?limit=50", client.token("admin"), null, Map.of())
                    .body();
            assertThat(audit.toString()).contains("/api/v1/fits/" + parametric + "/predictions");
        } finally {
            access(experiment, "open");
            access(theirExperiment, "open");
        }
    }
}
