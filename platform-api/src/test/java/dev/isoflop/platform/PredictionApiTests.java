package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.platform.PlatformClient.Reply;
import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.forecast.LossForecast;
import dev.isoflop.scaling.law.FitPoint;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;
import tools.jackson.databind.JsonNode;

/** Predictions from before a run to its score, and what keeps anybody from making them afterwards. */
class PredictionApiTests extends PredictionScene {

    private final PlatformTransactionManager transactions;

    PredictionApiTests(PlatformClient client, JdbcClient jdbc, PlatformTransactionManager transactions) {
        super(client, jdbc);
        this.transactions = transactions;
    }

    @Test
    void aWaitingRunIsPredictedWithAllThatThePredictionRestsOn() {
        long run = waiting(sweep).getFirst();
        Reply made = predictRun(parametric, run);
        assertThat(made.status()).as(made.text()).isEqualTo(201);
        assertThat(made.header("Location")).isEqualTo("/api/v1/predictions/" + made.at("/id"));
        JsonNode p = made.body();
        JsonNode of = ok(client.get("/api/v1/runs/" + run)).body().path("run");
        assertThat(p.path("runId").asLong()).isEqualTo(run);
        assertThat(p.path("n").asDouble()).isEqualTo(of.path("parameters").asDouble());
        assertThat(p.path("d").asDouble()).isEqualTo(of.path("tokens").asDouble());
        assertThat(p.path("flops").asDouble()).isEqualTo(of.path("budget").asDouble());
        assertThat(p.path("extrapolationRatio").asDouble())
                .isCloseTo(of.path("budget").asDouble() / 3e13, within(1e-12));
        JsonNode fit = ok(client.get("/api/v1/fits/" + parametric)).body();
        assertThat(p.path("inputHash").asString())
                .isEqualTo(fit.path("inputHash").asString());
        assertThat(p.path("level").asDouble()).isEqualTo(0.9);
        double n = p.path("n").asDouble();
        double d = p.path("d").asDouble();
        Estimate forecast =
                LossForecast.of(fitted(fit), 400, 42, 1).orElseThrow().forecast(n, d, 0.9);
        assertThat(p.path("loss").asDouble())
                .as("forecast of the stored points")
                .isCloseTo(forecast.value(), within(1e-9 * forecast.value()));
        assertThat(p.path("low").asDouble()).isCloseTo(forecast.low(), within(1e-9 * forecast.value()));
        assertThat(p.path("high").asDouble()).isCloseTo(forecast.high(), within(1e-9 * forecast.value()));
        assertThat(p.path("low").asDouble()).isLessThan(p.path("loss").asDouble());
        assertThat(p.path("high").asDouble()).isGreaterThan(p.path("loss").asDouble());
        assertThat(p.path("madeBy").asString()).isEqualTo("test submit");
        assertThat(p.path("state").asString()).isEqualTo("open");
        Reply again = predictRun(parametric, run);
        assertThat(again.status()).isEqualTo(200);
        assertThat(again.at("/id")).isEqualTo(made.at("/id"));
    }

    private static List<FitPoint> fitted(JsonNode fit) {
        return fit.path("points").values().stream()
                .map(point -> FitPoint.ofBudget(
                        point.path("n").asDouble(),
                        point.path("d").asDouble(),
                        point.path("flops").asDouble(),
                        point.path("loss").asDouble()))
                .toList();
    }

    @Test
    void whatARunReachesScoresItsPredictionWhenTheRunEndsAndNeverAgain() {
        List<Long> runs = waiting(sweep);
        long inside = id(predictRun(parametric, runs.get(0)));
        long outside = id(predictRun(parametric, runs.get(1)));
        double loss = prediction(inside).path("loss").asDouble();
        ok(succeed(start(runs.get(0)), Double.toString(loss * 1.0001), false));
        JsonNode good = prediction(inside);
        assertThat(good.path("state").asString()).isEqualTo("scored");
        assertThat(good.at("/score/observed").asDouble()).isEqualTo(loss * 1.0001);
        assertThat(good.at("/score/covered").asBoolean()).isTrue();
        assertThat(good.at("/score/logError").asDouble()).isCloseTo(Math.log(1.0001), within(1e-12));
        double sd = Math.log(good.path("high").asDouble() / good.path("low").asDouble()) / 2 / 1.6448536269514722;
        assertThat(good.at("/score/standardised").asDouble()).isCloseTo(Math.log(1.0001) / sd, within(1e-9));
        assertThat(good.path("loss").asDouble()).isEqualTo(loss);

        String attempt = "/api/v1/runs/%d/attempts/1".formatted(runs.get(1));
        ok(client.post(attempt + "/start", "runner", "{}"));
        ok(succeed(attempt, "9.5", false));
        JsonNode bad = prediction(outside);
        assertThat(bad.at("/score/covered").asBoolean(true)).isFalse();
        assertThat(bad.at("/score/logError").asDouble())
                .isCloseTo(Math.log(9.5 / bad.path("loss").asDouble()), within(1e-12));
        succeed(attempt, Double.toString(loss), false);
        assertThat(prediction(outside)).isEqualTo(bad);
    }

    @Test
    void aRunThatDivergedIsAResultThatNothingCovers() {
        long run = waiting(sweep).getFirst();
        long made = id(predictRun(parametric, run));
        ok(succeed(start(run), "\"NaN\"", true));
        JsonNode p = prediction(made);
        assertThat(p.path("state").asString()).isEqualTo("scored");
        assertThat(p.at("/score/diverged").asBoolean()).isTrue();
        assertThat(p.at("/score/covered").asBoolean(true)).isFalse();
        assertThat(p.at("/score").has("logError")).isFalse();
        assertThat(p.at("/score").has("observed")).isFalse();
    }

    @Test
    void aRunThatFailsOrIsCancelledVoidsItsPredictionWithTheReasonForGood() {
        List<Long> runs = waiting(sweep);
        long cancelled = id(predictRun(parametric, runs.get(0)));
        long failed = id(predictRun(parametric, runs.get(1)));
        ok(client.send(
                "POST",
                "/api/v1/runs/" + runs.get(0) + "/cancellation",
                client.token("submit"),
                "{}",
                Map.of("If-Match", "*")));
        assertThat(prediction(cancelled).path("state").asString()).isEqualTo("void");
        assertThat(prediction(cancelled).path("voidReason").asString()).isEqualTo("the run was cancelled");
        String attempt = start(runs.get(1));
        ok(client.post(attempt + "/finish", "runner", """
                {"outcome":"FAILED","failure":{"category":"OUT_OF_MEMORY","code":"out-of-memory","message":"too large"}}"""));
        JsonNode voided = prediction(failed);
        assertThat(voided.path("voidReason").asString()).isEqualTo("the run failed: out-of-memory");
        ok(client.send(
                "POST",
                "/api/v1/runs/" + runs.get(1) + "/release",
                client.token("submit"),
                "{}",
                Map.of("If-Match", "*")));
        assertThat(prediction(failed).path("state").asString())
                .as("its reason is known, and so may be its curve")
                .isEqualTo("void");
        assertThat(predictRun(isoflop, runs.get(1)).code())
                .as("it is queued again, but it has begun before")
                .isEqualTo("run-begun");
    }

    @Test
    void nothingIsPredictedOfARunThatHasBeenGivenAway() {
        List<Long> runs = waiting(sweep);
        long free = id(predict(parametric, sizeOf(runs.get(0))));
        start(runs.get(0));
        for (long run : runs.subList(0, 2)) { // begun, and assigned
            Reply late = predictRun(parametric, run);
            assertThat(late.status()).as(late.text()).isEqualTo(409);
            assertThat(late.code()).isEqualTo("run-begun");
            assertThat(late.at("/detail")).contains("is no prediction");
        }
        Reply late = link(free, runs.get(0));
        assertThat(late.code()).isEqualTo("run-begun");
        assertThat(prediction(free).has("runId")).isFalse();
    }

    private String sizeOf(long run) {
        return jdbc.sql("select n_params, tokens from run where id = ?")
                .param(run)
                .query((rs, i) -> "{\"n\":%d,\"d\":%d}".formatted(rs.getLong(1), rs.getLong(2)))
                .single();
    }

    @Test
    void aPredictionOfNAndDIsTiedToARunOfThatSizeSubmittedLater() {
        long first = waiting(sweep).getFirst();
        long made = id(predict(parametric, sizeOf(first)));
        JsonNode before = prediction(made);
        assertThat(before.path("flops").asDouble())
                .isEqualTo(6 * before.path("n").asDouble() * before.path("d").asDouble());
        long later = ok(submit(pool + "-later", pool)).body().path("id").asLong();
        List<Long> runs = waiting(later);
        Reply other = link(made, runs.get(1));
        assertThat(other.status()).as(other.text()).isEqualTo(400);
        assertThat(other.at("/errors/0/pointer")).isEqualTo("/runId");
        assertThat(other.at("/detail")).contains("may differ by 1 %");
        Reply tied = link(made, runs.get(0));
        assertThat(tied.status()).as(tied.text()).isEqualTo(200);
        assertThat(link(made, runs.get(0)).status()).as("again").isEqualTo(200);
        assertThat(link(made, first).code()).as("not to another").isEqualTo("prediction-exists");
        long second = id(predict(parametric, sizeOf(first)));
        assertThat(link(second, runs.get(0)).code())
                .as("a fit predicts a run once")
                .isEqualTo("prediction-exists");
        ok(succeed(start(runs.get(0)), "5.5", false));
        JsonNode after = prediction(made);
        assertThat(after.path("state").asString()).isEqualTo("scored");
        for (String frozen : List.of("n", "d", "flops", "loss", "low", "high", "level", "madeAt", "inputHash")) {
            assertThat(after.path(frozen)).as(frozen).isEqualTo(before.path(frozen));
        }
    }

    @Test
    void aSubmissionMayHaveAFitPredictAllOfItsRunsOrIsRefusedAsAWhole() {
        String spec = """
                {"kind":"isoflop","name":"%s","experiment":"%s","dataset":{"corpus":"%s"},"pool":"%s",
                 "models":[{"dModel":12,"layers":2,"heads":2},{"dModel":16,"layers":2,"heads":2}],
                 "budgets":[{"flops":3e10,"batchSequences":2}]}""";
        String body = spec.formatted(pool + "-p", pool, CORPUS, pool);
        Map<String, String> key = Map.of("Idempotency-Key", pool);
        String path = "/api/v1/sweeps?predictFrom=";
        Reply made = client.send("POST", path + parametric, client.token("submit"), body, key);
        assertThat(made.status()).as(made.text()).isEqualTo(201);
        assertThat(jdbc.sql("""
                        select count(*) from run r join prediction p on p.run_id = r.id where r.sweep_id = ? and p.fit_id = ?
                        """)
                        .params(made.body().path("id").asLong(), parametric)
                        .query(Long.class)
                        .single())
                .isEqualTo(2);
        assertThat(client.send("POST", path + parametric, client.token("submit"), body, key)
                        .at("/id"))
                .as("repeated")
                .isEqualTo(made.at("/id"));
        assertThat(client.send("POST", path + isoflop, client.token("submit"), body, key)
                        .code())
                .isEqualTo("idempotency-key-reused");
        Reply off = client.post(path + isoflop, "submit", spec.formatted(pool + "-q", pool, CORPUS, pool));
        assertThat(off.code()).as(off.text()).isEqualTo("prediction-refused");
        Reply elsewhere =
                client.post(path + parametric, "submit", spec.formatted(pool + "-q", pool + "-x", CORPUS, pool));
        assertThat(elsewhere.at("/detail")).contains("another experiment");
        assertThat(client.post(path + "999999999", "submit", spec.formatted(pool + "-q", pool, CORPUS, pool))
                        .status())
                .isEqualTo(404);
        assertThat(jdbc.sql("select count(*) from sweep where name = ?")
                        .param(pool + "-q")
                        .query(Long.class)
                        .single())
                .isZero();
    }

    /** The start of a run and a prediction of it that come together: whichever is first, the other sees it. */
    @Test
    void aRunThatIsBeingPredictedBeginsOnlyAfterwards() throws Exception {
        long run = waiting(sweep).getFirst();
        TransactionTemplate transaction = new TransactionTemplate(transactions);
        long[] made = new long[1];
        CompletableFuture<Integer> claimed = transaction.execute(status -> {
            made[0] = jdbc.sql("""
                            insert into prediction (experiment_id, fit_id, input_hash, method, law, n, d, flops, count_embeddings,
                                extrapolation_ratio, level, loss, low, high, log_sd, made_by, made_by_name, run_id, linked_at)
                            values (:experiment, :fit, 'h', 'parametric', 'law', 1, 1, 6, true, 1, 0.9, 3, 2.9, 3.1, 0.02, 'x', 'x', :run, now())
                            returning id
                            """)
                    .param("experiment", experiment)
                    .param("fit", parametric)
                    .param("run", run)
                    .query(Long.class)
                    .single();
            var other = CompletableFuture.supplyAsync(
                    () -> jdbc.sql("update run set state = 'running', started_at = clock_timestamp() where id = ?")
                            .param(run)
                            .update());
            assertThatThrownBy(() -> other.get(500, TimeUnit.MILLISECONDS))
                    .as("held until the prediction is stored")
                    .isInstanceOf(TimeoutException.class);
            return other;
        });
        assertThat(Objects.requireNonNull(claimed).get(10, TimeUnit.SECONDS)).isEqualTo(1);
        assertThat(prediction(made[0]).path("runId").asLong()).isEqualTo(run);
    }

    @Test
    void theDatabaseItselfKeepsWhatWasPredicted() {
        List<Long> runs = waiting(sweep);
        long made = id(predictRun(parametric, runs.get(0)));
        for (String column : List.of(
                "loss = 5",
                "low = 0.1",
                "high = 100",
                "level = 0.5",
                "n = 2",
                "d = 2",
                "made_at = now()",
                "fit_id = " + isoflop,
                "extrapolation_ratio = 1",
                "made_by = 'token:1'",
                "run_id = null, linked_at = null",
                "run_id = " + runs.get(1))) {
            assertThatThrownBy(() -> jdbc.sql("update prediction set " + column + " where id = " + made)
                            .update())
                    .as(column)
                    .isInstanceOf(DataAccessException.class);
        }
        assertThatThrownBy(() ->
                        jdbc.sql("delete from prediction where id = " + made).update())
                .isInstanceOf(DataAccessException.class)
                .hasMessageContaining("is kept");
        ok(succeed(start(runs.get(0)), "5.5", false));
        for (String column :
                List.of("state = 'open', covered = null, settled_at = null", "covered = not covered", "observed = 1")) {
            assertThatThrownBy(() -> jdbc.sql("update prediction set " + column + " where id = " + made)
                            .update())
                    .as(column)
                    .isInstanceOf(DataAccessException.class)
                    .hasMessageContaining("has its score");
        }
        assertThatThrownBy(() ->
                        jdbc.sql("""
                        insert into prediction (experiment_id, fit_id, input_hash, method, law, n, d, flops, count_embeddings,
                            extrapolation_ratio, level, loss, low, high, log_sd, made_by, made_by_name, run_id, linked_at)
                        select experiment_id, :fit, input_hash, 'isoflop', law, n, d, flops, true, 1, 0.9, 3, 2.9, 3.1, 0.02, 'x', 'x',
                            run_id, now() from prediction where id = :id
                        """).param("fit", isoflop).param("id", made).update())
                .as("a prediction of a run that has begun")
                .hasMessageContaining("waits no longer");
        for (String change : List.of("update fit set body = '{}' where id = ", "delete from fit where id = ")) {
            assertThatThrownBy(() -> jdbc.sql(change + parametric).update())
                    .as(change)
                    .hasMessageContaining("is kept as it is");
        }
    }

    @Test
    void anIsoflopFitPredictsTheOptimumOfABudgetAndNothingBesideIt() {
        JsonNode target = ok(client.get("/api/v1/fits/" + isoflop)).body();
        JsonNode at = target.path("frontier").get(40);
        String best = "{\"n\":%s,\"d\":%s}"
                .formatted(at.path("n").asDouble(), at.path("d").asDouble());
        JsonNode made = ok(predict(isoflop, best)).body();
        assertThat(made.path("loss").asDouble()).isCloseTo(at.path("loss").asDouble(), within(1e-6));
        Reply beside = predict(
                isoflop,
                "{\"n\":%s,\"d\":%s}"
                        .formatted(at.path("n").asDouble() * 4, at.path("d").asDouble() / 4));
        assertThat(beside.status()).as(beside.text()).isEqualTo(422);
        assertThat(beside.code()).isEqualTo("prediction-refused");
        assertThat(beside.at("/detail")).contains("off-optimum");
        Reply far = predict(parametric, "{\"n\":1e9,\"d\":1e12}");
        assertThat(far.code()).isEqualTo("prediction-refused");
        assertThat(far.at("/detail")).contains("far-extrapolation");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{} /n",
                "{\"n\":1e6} /d",
                "{\"n\":-1,\"d\":1e6} /n",
                "{\"n\":1e6,\"d\":0} /d",
                "{\"runId\":RUN,\"n\":1e6} /n",
                "{\"runId\":RUN,\"d\":1e6} /d"
            })
    void aRequestThatSaysTooLittleOrTooMuchNamesTheField(String wrong) {
        String body = wrong.substring(0, wrong.lastIndexOf(' '))
                .replace("RUN", Long.toString(waiting(sweep).getFirst()));
        Reply refused = predict(parametric, body);
        assertThat(refused.status()).as(refused.text()).isEqualTo(400);
        assertThat(refused.at("/errors/0/pointer")).isEqualTo(wrong.substring(wrong.lastIndexOf(' ') + 1));
    }

    @Test
    void aRunMeasuredOtherwiseOrOfAnotherExperimentIsNotPredicted() {
        List<Long> runs = waiting(sweep);
        jdbc.sql("update run set comparability = 'another tokenizer' where id = ?")
                .param(runs.getFirst())
                .update();
        Reply other = predictRun(parametric, runs.getFirst());
        assertThat(other.status()).isEqualTo(422);
        assertThat(other.code()).isEqualTo("incomparable-runs");
        long elsewhere = submit(pool + "-e", pool + "-e").body().path("id").asLong();
        Reply foreign = predictRun(parametric, waiting(elsewhere).getFirst());
        assertThat(foreign.status()).isEqualTo(400);
        assertThat(foreign.at("/detail")).contains("another experiment");
        assertThat(predictRun(parametric, 999_999_999L).status()).isEqualTo(404);
        assertThat(predictRun(999_999_999L, runs.getLast()).status()).isEqualTo(404);
        assertThat(link(999_999_999L, runs.getLast()).status()).isEqualTo(404);
    }
}
