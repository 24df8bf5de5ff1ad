package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.platform.PlatformClient.Reply;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** From a budget to a sweep, and from a fit to the next runs. */
class PlanApiTests extends PredictionScene {

    private static final String PLANS = "/api/v1/plans";

    PlanApiTests(PlatformClient client, JdbcClient jdbc) {
        super(client, jdbc);
    }

    private Reply plan(String plan, String rest) {
        return client.post(PLANS, "read", "{\"plan\": {" + plan + "}" + rest + "}");
    }

    @Test
    void aReaderMayPlanAndNothingIsKept() {
        JsonNode plan = ok(plan("\"flops\": 1e17", "")).body();

        assertThat(plan.path("cells")).hasSize(30);
        assertThat(plan.path("plannedFlops").asDouble()).isBetween(.95e17, 1e17);
        assertThat(plan.has("deviceSeconds")).isFalse();
        assertThat(plan.has("sweep")).isFalse();
        assertThat(client.send("POST", PLANS, null, "{}", Map.of()).status()).isEqualTo(401);
        assertThat(client.send("GET", "/api/v1/audit?limit=50", client.token("admin"), null, Map.of())
                        .text())
                .doesNotContain("/plans");
    }

    @Test
    void hoursHaveATimeAndAPriceAndADeadlineIsKept() {
        JsonNode hours = ok(plan("\"gpuHours\": 2, \"device\": \"H100\", \"mfu\": 0.4, \"pricePerHour\": 3", ""))
                .body();
        double seconds = hours.path("deviceSeconds").asDouble();
        assertThat(seconds).isBetween(2 * 3600 * .9, 2 * 3600 * 1.01);
        assertThat(hours.path("cost").asDouble()).isCloseTo(3 * seconds / 3600, within(1e-9));
        assertThat(hours.path("wallSeconds").asDouble()).isCloseTo(seconds, within(1e-6 * seconds));
        double sum = 0;
        for (JsonNode cell : hours.path("cells")) {
            sum += cell.path("seconds").asDouble();
        }
        assertThat(sum).isCloseTo(seconds, within(1e-6 * seconds));

        // 64 devices for one sweep of 30 runs: the longest run alone is what takes the time
        JsonNode deadline = ok(plan("\"deadlineHours\": 1, \"devices\": 64, \"device\": \"H100\"", ""))
                .body();
        assertThat(deadline.path("wallSeconds").asDouble()).isBetween(3600 * .9, 3600.0);
        assertThat(deadline.path("deviceSeconds").asDouble()).isLessThan(30 * 3600);
    }

    @Test
    void cellsThatAreLeftOutSayWhy() {
        JsonNode plan = ok(plan(
                        "\"flops\": 4e12, \"vocabSize\": 1024, \"contextLength\": 128, \"corpusTokens\": 1e6", ""))
                .body();
        assertThat(plan.at("/dropped/0/reason").asString()).isEqualTo("TOO_MANY_EPOCHS");
        assertThat(plan.at("/dropped/0/sentence").asString()).contains("passes over the corpus");
        assertThat(plan.at("/dropped/0/n").asLong()).isPositive();

        JsonNode none = ok(plan(
                        "\"flops\": 4e12, \"vocabSize\": 1024, \"contextLength\": 128, \"memoryBytes\": 1000",
                        ", \"sweep\": {\"name\": \"a\", \"corpus\": \"c\"}"))
                .body();
        assertThat(none.path("cells")).isEmpty();
        assertThat(none.at("/dropped/0/reason").asString()).isEqualTo("DOES_NOT_FIT_MEMORY");
        assertThat(none.has("sweep")).isFalse();
    }

    @Test
    void itsSweepIsSubmittedAsItIsWithTheSameCells() {
        JsonNode plan = ok(plan(
                        "\"flops\": 4e12, \"vocabSize\": 1024, \"contextLength\": 128, \"budgets\": 4, \"decades\": 1",
                        ", \"sweep\": {\"name\": \"planned\", \"corpus\": \"%s\"}".formatted(CORPUS)))
                .body();

        Reply checked = client.post(
                "/api/v1/sweeps?validateOnly=true", "submit", plan.path("sweep").toString());

        assertThat(checked.status()).as(checked.text()).isEqualTo(200);
        assertThat(checked.body().path("runs")).hasSize(plan.path("cells").size());
        assertThat(plan.at("/sweep/kind").asString()).isEqualTo("isoflop");
        for (int i = 0; i < plan.path("cells").size(); i++) {
            assertThat(checked.body().at("/runs/" + i + "/tokens").asLong())
                    .isEqualTo(plan.at("/cells/" + i + "/d").asLong());
        }
    }

    /** At these budgets half of the models that FP32 would have are none that BF16 trains. */
    @Test
    void aPlanInBf16IsOfModelsThatBf16TrainsAndItsSweepSaysSo() {
        String what = "\"flops\": 2e14, \"vocabSize\": 1024, \"contextLength\": 128, \"decades\": 1";
        String named = ", \"sweep\": {\"name\": \"half\", \"corpus\": \"%s\"}".formatted(CORPUS);
        for (String design : new String[] {"ISOFLOP", "OPTIMAL"}) {
            String asked = what + ", \"design\": \"" + design + "\"";
            JsonNode usual = ok(plan(asked + ", \"maxEpochs\": 1000", named)).body();
            JsonNode half = ok(plan(asked + ", \"maxEpochs\": 1000, \"device\": \"H100\"", named))
                    .body();

            assertThat(usual.path("precision").asString()).isEqualTo("FP32");
            assertThat(half.path("precision").asString()).isEqualTo("BF16");
            assertThat(half.at("/sweep/training/precision").asString()).isEqualTo("BF16");
            assertThat(half.path("flopsPerSecond").asDouble())
                    .as("small models are slower than the peak")
                    .isBetween(.02 * 989.4e12, .1 * 989.4e12);
            assertThat(validated(half.path("sweep")).status()).as(design).isEqualTo(200);

            ((ObjectNode) usual.at("/sweep/training")).put("precision", "BF16");
            assertThat(validated(usual.path("sweep")).text()).as(design).contains("which BF16 does not train");
        }
        assertFault(
                plan(what.replace("2e14", "4e12") + ", \"device\": \"H100\"", named),
                "/plan/flops",
                "or precision FP32");
    }

    private Reply validated(JsonNode sweep) {
        return client.post("/api/v1/sweeps?validateOnly=true", "submit", sweep.toString());
    }

    @Test
    void anOptimalSweepKnowsTheTargetBetterAndIsSubmittedAsItIs() {
        String what = "\"flops\": 4e13, \"target\": 1e15, \"vocabSize\": 1024, \"contextLength\": 128";
        JsonNode curves = ok(plan(what, "")).body();
        JsonNode optimal = ok(plan(
                        what + ", \"design\": \"OPTIMAL\", \"runs\": 16",
                        ", \"sweep\": {\"name\": \"optimal\", \"corpus\": \"%s\"}".formatted(CORPUS)))
                .body();

        assertThat(curves.path("design").asString()).isEqualTo("ISOFLOP");
        assertThat(optimal.path("design").asString()).isEqualTo("OPTIMAL");
        assertThat(optimal.path("target").asDouble()).isEqualTo(1e15);
        assertThat(optimal.path("sd").asDouble()).isLessThan(curves.path("sd").asDouble());
        assertThat(optimal.path("cells")).hasSizeBetween(8, 16);

        Reply checked = client.post(
                "/api/v1/sweeps?validateOnly=true",
                "submit",
                optimal.path("sweep").toString());
        assertThat(checked.status()).as(checked.text()).isEqualTo(200);
        assertThat(checked.body().path("totalFlops").asDouble())
                .isCloseTo(optimal.path("plannedFlops").asDouble(), within(1.0));
    }

    @Test
    void aFitOfRunsSoFarSaysWhereTheOptimaAre() {
        String what =
                "\"flops\": 4e13, \"target\": 1e16, \"design\": \"OPTIMAL\", \"vocabSize\": 1024, \"contextLength\": 128";
        JsonNode fresh = ok(plan(what, "")).body();
        JsonNode built = ok(plan(what, ", \"fit\": " + parametric)).body();

        assertThat(built.path("sd").asDouble()).isLessThan(fresh.path("sd").asDouble());
        assertThat(plan(what, ", \"fit\": " + isoflop).code()).isEqualTo("prediction-refused");
        assertThat(plan(what, ", \"fit\": 999999999").status()).isEqualTo(404);
        assertFault(plan(what + ", \"sizes\": 5", ""), "/plan/sizes", "IsoFLOP curves");
    }

    @Test
    void whatAGpuReachedIsReadFromASweepsFinishedRuns() {
        assertThat(ofSweep().at("/errors/0/pointer")).isEqualTo("/throughputOf");
        jdbc.sql("update run set flops_exact = 2 * flops where sweep_id = ? and state = 'succeeded'")
                .param(sweep)
                .update();
        jdbc.sql("""
                        insert into attempt (run_id, attempt_no, runner_id, state, ended_at, flops, device_seconds, on_gpu)
                        select id, 1, :runner, 'succeeded', now(), flops, flops / 1e12, true
                          from run where sweep_id = :sweep and state = 'succeeded'
                        """)
                .param("runner", client.registerRunner("measured-" + pool, pool, 1L << 40))
                .param("sweep", sweep)
                .update();
        JsonNode plan = ok(ofSweep()).body();
        assertThat(plan.path("flopsPerSecond").asDouble()).isCloseTo(2e12, within(1e3));
        assertThat(plan.path("deviceSeconds").asDouble())
                .isCloseTo(plan.path("exactFlops").asDouble() / 2e12, within(1.0));
        assertThat(plan.path("precision").asString()).isEqualTo("FP32");
        Reply other = plan("\"flops\": 1e17, \"precision\": \"BF16\"", ", \"throughputOf\": " + sweep);
        assertFault(other, "/plan/precision", "trained in FP32");
        jdbc.sql(
                        "update sweep set spec = jsonb_set(spec::jsonb, '{training}', '{\"precision\": \"BF16\"}')::json where id = ?")
                .param(sweep)
                .update();
        assertThat(ok(ofSweep()).body().path("precision").asString()).isEqualTo("BF16");
        assertThat(plan("\"flops\": 1e17", ", \"throughputOf\": 999999999").status())
                .isEqualTo(404);
    }

    private Reply ofSweep() {
        return plan("\"flops\": 1e17", ", \"throughputOf\": " + sweep);
    }

    @Test
    void whatIsWrongWithAPlanIsNamedWithItsPlace() {
        assertFault(plan("", ""), "/plan/flops", "say what may be spent");
        assertFault(plan("\"flops\": 1e17, \"gpuHours\": 3", ""), "/plan/gpuHours", "beside flops");
        assertFault(plan("\"flops\": -1", ""), "/plan/flops", "must be positive");
        assertFault(plan("\"gpuHours\": 3", ""), "/plan/device", "is missing");
        assertFault(plan("\"gpuHours\": 3, \"device\": \"abacus\"", ""), "/plan/device", "there are B200");
        assertFault(plan("\"flops\": 1e17, \"mfu\": 2", ""), "/plan/mfu", "between 0 and 1");
        assertFault(plan("\"flops\": 1e17, \"sizes\": 3", ""), "/plan/sizes", "4 to 20");
        assertFault(plan("\"flops\": 1e9", ""), "/plan/flops", "spend more");
        assertFault(plan("\"flops\": 1e17", ", \"sweep\": {\"name\": \"a\"}"), "/sweep/corpus", "is missing");
        assertFault(client.post(PLANS, "read", "{}"), "/plan", "is missing");
    }

    private static void assertFault(Reply reply, String pointer, String words) {
        assertThat(reply.status()).as(reply.text()).isEqualTo(400);
        assertThat(reply.code()).isEqualTo("invalid-request");
        assertThat(reply.at("/errors/0/pointer")).isEqualTo(pointer);
        assertThat(reply.at("/detail")).contains(words);
    }

    private Reply next(long fit, String body) {
        return client.post("/api/v1/fits/" + fit + "/next-runs", "read", body);
    }

    @Test
    void eachRunOfAWaveLowersTheVarianceOfItsTarget() {
        for (String target : new String[] {
            "\"of\": \"OPTIMUM\", \"flops\": 1e16", "\"of\": \"LOSS\", \"n\": 1e7, \"d\": 1e9", "\"of\": \"EXPONENT\""
        }) {
            JsonNode next = ok(next(parametric, "{" + target + ", \"runs\": 3, \"maxRun\": 1e14}"))
                    .body();
            assertThat(next.path("runs")).as(target).hasSize(3);
            double before = next.path("sd").asDouble();
            for (JsonNode run : next.path("runs")) {
                assertThat(run.path("sdBefore").asDouble()).isCloseTo(before, within(1e-12));
                before = run.path("sdAfter").asDouble();
                assertThat(before).isLessThan(run.path("sdBefore").asDouble());
                assertThat(run.path("flops").asDouble()).isLessThanOrEqualTo(1.001e14);
            }
            assertThat(next.path("sentence").asString()).isNotBlank();
            assertThat(next.has("pays")).isEqualTo(target.contains("OPTIMUM"));
        }
    }

    @Test
    void spendingPaysForALargeTargetAndNotForOneThatIsSmallerThanTheRuns() {
        JsonNode large = ok(next(parametric, "{\"flops\": 1e22}")).body();
        assertThat(large.path("pays").asBoolean()).isTrue();
        JsonNode small =
                ok(next(parametric, "{\"flops\": 1e12, \"minRun\": 1e13}")).body();
        assertThat(small.path("pays").asBoolean()).isFalse();
        assertThat(small.path("sentence").asString()).startsWith("Stop here");
    }

    @Test
    void whereTheFitKnowsLessThanTheReckoningThatIsSaid() {
        long other = submit(pool + "-n", pool + "-n").body().path("id").asLong();
        train(other, 2.2); // nats: a tenth of the smallest losses and more
        JsonNode noisy = ok(client.post(
                        "/api/v1/sweeps/" + other + "/fits",
                        "submit",
                        "{\"method\":\"parametric\",\"bootstraps\":200}"))
                .body()
                .path(0);
        assertThat(noisy.path("status").asString()).isEqualTo("converged");

        JsonNode doubted =
                ok(next(noisy.path("id").asLong(), "{\"flops\": 1e14}")).body();
        assertThat(doubted.path("caution").asString()).contains("knows N* only to a factor of");
        assertThat(ok(next(parametric, "{\"flops\": 1e14}")).body().has("caution"))
                .as("a fit that knows it as well as is reckoned")
                .isFalse();
        assertThat(ok(next(noisy.path("id").asLong(), "{\"of\": \"EXPONENT\"}"))
                        .body()
                        .path("caution")
                        .asString())
                .contains("the exponent only to");
    }

    @Test
    void aFitWithoutALawAndAQuestionWithoutATargetAreRefused() {
        Reply other = next(isoflop, "{\"flops\": 1e16}");
        assertThat(other.code()).isEqualTo("prediction-refused");
        assertThat(other.at("/detail")).contains("parametric");
        assertThat(next(parametric, "{}").at("/errors/0/pointer")).isEqualTo("/flops");
        assertThat(next(parametric, "{\"flops\": 1e16, \"runs\": 0}").at("/errors/0/pointer"))
                .isEqualTo("/runs");
        assertThat(next(parametric, "{\"flops\": 1e16, \"maxRun\": 1}").at("/errors/0/pointer"))
                .isEqualTo("/maxRun");
        assertThat(next(999_999_999, "{\"flops\": 1e16}").status()).isEqualTo(404);
    }

    @Test
    void aReaderMayAskWhichRunsAreNextAndNothingIsKept() {
        assertThat(ok(next(parametric, "{\"flops\": 1e16}")).body().path("runs"))
                .hasSize(1);

        String asked = "/api/v1/fits/" + parametric + "/next-runs";
        assertThat(client.post(asked, "runner", "{\"flops\": 1e16}").status()).isEqualTo(403);
        assertThat(client.send("POST", asked, null, "{}", Map.of()).status()).isEqualTo(401);
        assertThat(client.send("GET", "/api/v1/audit?limit=50", client.token("admin"), null, Map.of())
                        .text())
                .doesNotContain("/next-runs");
    }
}
