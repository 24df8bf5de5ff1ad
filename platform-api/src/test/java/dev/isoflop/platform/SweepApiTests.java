package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.platform.PlatformClient.Reply;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;

@PlatformTest
class SweepApiTests {

    private static final String CORPUS = "sweeps.txt";

    private final PlatformClient client;
    private final JdbcClient jdbc;

    SweepApiTests(PlatformClient client, JdbcClient jdbc) {
        this.client = client;
        this.jdbc = jdbc;
        if (jdbc.sql("select count(*) from dataset where corpus = ?")
                        .param(CORPUS)
                        .query(Integer.class)
                        .single()
                == 0) {
            client.readyDataset(CORPUS, 10_000_000);
            // The machine's memory must not decide what the tests see.
            client.registerRunner("large", "large", 1L << 36);
        }
    }

    /** A sweep of 2 budgets by 2 models, one cell of them with three seeds: 6 runs. */
    private static String sweep(String name) {
        return sweep(
                name,
                "{\"dModel\":16,\"layers\":2,\"heads\":2},{\"dModel\":24,\"layers\":2,\"heads\":2}",
                "{\"flops\":3e10,\"batchSequences\":2},{\"flops\":1e11,\"batchSequences\":2}",
                ",\"replicates\":[{\"flops\":1e11,\"model\":\"d24\",\"seeds\":[1,2,3]}],\"target\":1e13");
    }

    private static String sweep(String name, String models, String budgets, String more) {
        return """
                {"kind":"isoflop","name":"%s","experiment":"tests","dataset":{"corpus":"%s"},
                 "models":[%s],"budgets":[%s]%s}""".formatted(name, CORPUS, models, budgets, more);
    }

    private static String unique(String name) {
        return name + "-" + UUID.randomUUID().toString().substring(0, 8);
    }

    private Reply submit(String body) {
        return client.post("/api/v1/sweeps", "submit", body);
    }

    @Test
    void aSweepBecomesItsRuns() {
        String name = unique("runs");
        Reply made = submit(sweep(name));
        assertThat(made.status()).as(made.text()).isEqualTo(201);
        long id = made.body().path("id").asLong();
        assertThat(made.header("Location")).isEqualTo("/api/v1/sweeps/" + id);
        assertThat(made.at("/state")).isEqualTo("queued");
        assertThat(made.at("/counts/queued")).isEqualTo("6");
        assertThat(made.body().path("counts").size())
                .as("every state is present")
                .isEqualTo(8);

        List<JsonNode> runs = List.copyOf(client.get("/api/v1/runs?sort=id&sweep=" + id)
                .body()
                .path("items")
                .values());
        assertThat(runs)
                .extracting(run -> run.path("name").asString())
                .containsExactly(
                        "C3e10-d16-s1", "C3e10-d24-s1", "C1e11-d16-s1", "C1e11-d24-s1", "C1e11-d24-s2", "C1e11-d24-s3");
        assertThat(runs).allSatisfy(run -> {
            double n = run.path("parameters").asDouble();
            double d = run.path("tokens").asDouble();
            double c = run.path("flops").asDouble();
            assertThat(c).isEqualTo(6 * n * d);
            double budget = run.path("budget").asDouble();
            assertThat(budget - c)
                    .as("whole steps, so less than one step short")
                    .isBetween(0.0, 6 * n * 256);
            assertThat(run.path("tokensPerStep").asLong() * run.path("steps").asLong())
                    .isEqualTo((long) d);
        });
        JsonNode job = client.get("/api/v1/runs/" + runs.getFirst().path("id").asLong())
                .body()
                .path("job");
        assertThat(job.path("kind").asString()).isEqualTo("pretrain");
        assertThat(job.at("/model/vocabSize").asInt()).isEqualTo(1024);
        assertThat(job.at("/dataset/files/0/name").asString()).isEqualTo("train.bin");
        assertThat(jdbc.sql("select count(distinct comparability) from run where sweep_id = ?")
                        .param(id)
                        .query(Integer.class)
                        .single())
                .isEqualTo(1);
    }

    @Test
    void theOptimizerReachesTheJobAndKeepsLossesApart() {
        List<String> optimizers = new ArrayList<>();
        List<String> hashes = new ArrayList<>();
        for (String training : List.of("{}", "{\"optimizer\":\"ADAMW\"}", "{\"optimizer\":\"MUON\"}")) {
            Reply made = submit(sweep(
                    unique("optimizer"),
                    "{\"dModel\":16,\"layers\":2,\"heads\":2}",
                    "{\"flops\":3e10,\"batchSequences\":2}",
                    ",\"training\":" + training));
            assertThat(made.status()).as(made.text()).isEqualTo(201);
            long sweep = made.body().path("id").asLong();
            long run = client.get("/api/v1/runs?sweep=" + sweep)
                    .body()
                    .at("/items/0/id")
                    .asLong();
            optimizers.add(client.get("/api/v1/runs/" + run)
                    .body()
                    .at("/job/training/optimizer")
                    .asString());
            hashes.add(jdbc.sql("select comparability from run where id = ?")
                    .param(run)
                    .query(String.class)
                    .single());
        }
        assertThat(optimizers).containsExactly("ADAMW", "ADAMW", "MUON");
        assertThat(hashes.get(1)).isEqualTo(hashes.get(0)).isNotEqualTo(hashes.get(2));
    }

    @Test
    void aBudgetWithSeveralRecipesBecomesARunForEach() {
        Reply made = submit(sweep(
                unique("recipes"),
                "{\"dModel\":16,\"layers\":2,\"heads\":2},{\"dModel\":24,\"layers\":2,\"heads\":2}",
                "{\"flops\":3e10,\"batchSequences\":2},{\"flops\":1e11,\"batchSequences\":2,\"learningRate\":0.003},"
                        + "{\"flops\":1e11,\"batchSequences\":4,\"models\":[\"d24\"]}",
                ",\"replicates\":[{\"flops\":1e11,\"model\":\"d24\",\"batchSequences\":4,\"seeds\":[1,2]}],"
                        + "\"training\":{\"learningRate\":0.02}"));
        assertThat(made.status()).as(made.text()).isEqualTo(201);
        assertThat(jdbc.sql("""
                        select name || ' ' || learning_rate || ' ' || (spec -> 'training' ->> 'learningRate') || ' '
                               || (spec -> 'training' ->> 'batchSequences') from run join run_job on run_id = id where sweep_id = ? order by id""")
                        .param(made.body().path("id").asLong())
                        .query(String.class)
                        .list())
                .containsExactly(
                        "C3e10-d16-s1 0.02 0.02 2",
                        "C3e10-d24-s1 0.02 0.02 2",
                        "C1e11-d16-b2-lr0.003-s1 0.003 0.003 2",
                        "C1e11-d24-b2-lr0.003-s1 0.003 0.003 2",
                        "C1e11-d24-b4-lr0.02-s1 0.02 0.02 4",
                        "C1e11-d24-b4-lr0.02-s2 0.02 0.02 4");
    }

    @Test
    void theSameKeyAndSweepGiveTheSameAnswerAndAnotherSweepIsRefused() {
        String body = sweep(unique("idempotent"));
        Map<String, String> key = Map.of("Idempotency-Key", UUID.randomUUID().toString());
        Reply first = client.send("POST", "/api/v1/sweeps", client.token("submit"), body, key);
        Reply second = client.send("POST", "/api/v1/sweeps", client.token("submit"), body, key);
        assertThat(first.status()).as(first.text()).isEqualTo(201);
        assertThat(second.status()).isEqualTo(201);
        assertThat(second.body()).isEqualTo(first.body());
        assertThat(second.header("Location")).isEqualTo(first.header("Location"));
        Reply other = client.send("POST", "/api/v1/sweeps", client.token("submit"), sweep(unique("other")), key);
        assertThat(other.status()).isEqualTo(422);
        assertThat(other.code()).isEqualTo("idempotency-key-reused");
    }

    @Test
    void twentyAtOnceWithOneKeyMakeOneSweep() throws Exception {
        String name = unique("race");
        String body = sweep(name);
        Map<String, String> key = Map.of("Idempotency-Key", UUID.randomUUID().toString());
        client.token("submit");
        List<Integer> statuses = new ArrayList<>();
        try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
            Callable<Reply> send = () -> client.send("POST", "/api/v1/sweeps", client.token("submit"), body, key);
            for (var future : pool.invokeAll(java.util.Collections.nCopies(20, send))) {
                Reply reply = future.get();
                statuses.add(reply.status());
                if (reply.status() != 201) {
                    assertThat(reply.code()).isEqualTo("idempotency-in-progress");
                }
            }
        }
        assertThat(statuses).contains(201).isSubsetOf(201, 409);
        assertThat(jdbc.sql("select count(*) from sweep where name = ?")
                        .param(name)
                        .query(Integer.class)
                        .single())
                .isEqualTo(1);
    }

    @Test
    void withoutAKeyASubmissionIsRefused() {
        Reply reply = client.send("POST", "/api/v1/sweeps", client.token("submit"), sweep(unique("k")), Map.of());
        assertThat(reply.status()).isEqualTo(400);
        assertThat(reply.code()).isEqualTo("idempotency-key-missing");
    }

    @Test
    void aSweepTwiceIsRefusedWithThePlaceOfTheFirst() {
        String body = sweep(unique("twice"));
        Reply first = submit(body);
        Reply second = submit(body);
        assertThat(second.status()).isEqualTo(409);
        assertThat(second.code()).isEqualTo("sweep-exists");
        assertThat(second.header("Location")).isEqualTo(first.header("Location"));
        assertThat(second.at("/detail")).contains("it is the same");
        assertThat(second.body().path("errors").size()).isZero();
    }

    @Test
    void anotherSweepUnderATakenNameIsRefusedWithWhatDiffers() {
        String body = sweep(unique("taken"));
        Reply first = submit(body);
        Reply second = submit(
                body.replace("\"target\":1e13", "\"contextLength\":64").replace("\"flops\":3e10", "\"flops\":4e10"));
        assertThat(second.status()).as(second.text()).isEqualTo(409);
        assertThat(second.code()).isEqualTo("sweep-exists");
        assertThat(second.header("Location")).isEqualTo(first.header("Location"));
        assertThat(second.at("/detail")).contains("differ in budgets, contextLength, target.");
        assertThat(second.body().path("errors").values())
                .extracting(error -> error.path("pointer").asString())
                .containsExactly("/budgets", "/contextLength", "/target");
    }

    @Test
    void validateOnlyAnswersThePlanAndStoresNothing() {
        String name = unique("plan");
        Reply plan =
                client.send("POST", "/api/v1/sweeps?validateOnly=true", client.token("submit"), sweep(name), Map.of());
        assertThat(plan.status()).as(plan.text()).isEqualTo(200);
        assertThat(plan.body().path("runs").size()).isEqualTo(6);
        assertThat(plan.body().at("/runs/0/epochs").asDouble()).isPositive();
        double total = 0;
        for (JsonNode run : plan.body().path("runs").values()) {
            total += run.path("flops").asDouble();
        }
        assertThat(plan.body().path("totalFlops").asDouble()).isEqualTo(total);
        assertThat(jdbc.sql("select count(*) from sweep where name = ?")
                        .param(name)
                        .query(Integer.class)
                        .single())
                .isZero();
    }

    @Test
    void thePlanOfASubmittedSweepIsThatOfItsValidation() {
        String body = sweep(unique("same-plan"));
        Reply planned = client.send("POST", "/api/v1/sweeps?validateOnly=true", client.token("submit"), body, Map.of());
        String id = submit(body).at("/id");
        assertThat(client.get("/api/v1/sweeps/" + id + "/plan").body()).isEqualTo(planned.body());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "budget of zero          | {\"dModel\":16,\"layers\":2} | {\"flops\":0,\"batchSequences\":2} | '' | /budgets/0/flops",
                "negative budget         | {\"dModel\":16,\"layers\":2} | {\"flops\":-1e11,\"batchSequences\":2} | '' | /budgets/0/flops",
                "budget that is no number| {\"dModel\":16,\"layers\":2} | {\"flops\":\"NaN\",\"batchSequences\":2} | '' | /budgets/0/flops",
                "budget twice            | {\"dModel\":16,\"layers\":2} | {\"flops\":1e11,\"batchSequences\":2},{\"flops\":1e11,\"batchSequences\":2} | '' | /budgets/1/flops",
                "no budgets              | {\"dModel\":16,\"layers\":2} | '' | '' | /budgets",
                "no models               | '' | {\"flops\":1e11,\"batchSequences\":2} | '' | /models",
                "batch of zero           | {\"dModel\":16,\"layers\":2} | {\"flops\":1e11,\"batchSequences\":0} | '' | /budgets/0/batchSequences",
                "unknown model           | {\"dModel\":16,\"layers\":2} | {\"flops\":1e11,\"batchSequences\":2,\"models\":[\"d17\"]} | '' | /budgets/0/models/0",
                "two models of one name  | {\"dModel\":16,\"layers\":2},{\"dModel\":16,\"layers\":3} | {\"flops\":1e11,\"batchSequences\":2} | '' | /models/1/name",
                "heads that do not divide| {\"dModel\":16,\"layers\":2,\"heads\":3} | {\"flops\":1e11,\"batchSequences\":2} | '' | /models/0",
                "no layers               | {\"dModel\":16,\"layers\":0} | {\"flops\":1e11,\"batchSequences\":2} | '' | /models/0",
                "replicate of no point   | {\"dModel\":16,\"layers\":2} | {\"flops\":1e11,\"batchSequences\":2} | ,\"replicates\":[{\"flops\":2e11,\"model\":\"d16\",\"seeds\":[1]}] | /replicates/0/flops",
                "a seed twice            | {\"dModel\":16,\"layers\":2} | {\"flops\":1e11,\"batchSequences\":2} | ,\"replicates\":[{\"flops\":1e11,\"model\":\"d16\",\"seeds\":[1,1]}] | /replicates/0/seeds",
                "negative target         | {\"dModel\":16,\"layers\":2} | {\"flops\":1e11,\"batchSequences\":2} | ,\"target\":-1 | /target",
                "no epochs               | {\"dModel\":16,\"layers\":2} | {\"flops\":1e11,\"batchSequences\":2} | ,\"maxEpochs\":0 | /maxEpochs",
                "warm-up beyond the run  | {\"dModel\":16,\"layers\":2} | {\"flops\":1e11,\"batchSequences\":2} | ,\"training\":{\"warmupFraction\":1.5} | /training/warmupFraction",
                "negative rate           | {\"dModel\":16,\"layers\":2} | {\"flops\":1e11,\"batchSequences\":2} | ,\"training\":{\"learningRate\":-0.1} | /training/learningRate",
            })
    void aMistakeIsRefusedAtItsField(String what, String models, String budgets, String more, String pointer) {
        Reply reply = submit(sweep(unique("wrong"), models, budgets, more));
        assertThat(reply.status()).as(what + reply.text()).isEqualTo(422);
        assertThat(reply.code()).isEqualTo("invalid-sweep");
        assertThat(reply.body().path("errors").values())
                .as(reply.text())
                .anySatisfy(
                        error -> assertThat(error.path("pointer").asString()).isEqualTo(pointer));
    }

    @Test
    void allMistakesAreNamedAtOnce() {
        Reply reply = submit(sweep(
                unique("many"),
                "{\"dModel\":16,\"layers\":2,\"heads\":3}",
                "{\"flops\":0,\"batchSequences\":0}",
                ",\"target\":-1"));
        assertThat(reply.body().path("errors").size()).as(reply.text()).isGreaterThanOrEqualTo(4);
    }

    @Test
    void aModelThatFitsNoRunnerIsRefused() {
        Reply reply = submit(sweep(
                unique("huge"),
                "{\"dModel\":16384,\"layers\":64}",
                "{\"flops\":1e23,\"batchSequences\":8}",
                ",\"maxEpochs\":1e9"));
        assertThat(reply.status()).as(reply.text()).isEqualTo(422);
        assertThat(reply.code()).isEqualTo("model-too-large");
        assertThat(reply.at("/detail")).contains("16384");
    }

    @Test
    void onlyRunnersOfTheSweepsPoolMayHoldAModel() {
        String pool = unique("pool");
        client.registerRunner("small-" + pool, pool, 1L << 20);
        Reply refused = submit(sweep(unique("small")).replace("\"models\"", "\"pool\":\"" + pool + "\",\"models\""));
        assertThat(refused.status()).as(refused.text()).isEqualTo(422);
        assertThat(refused.code()).isEqualTo("model-too-large");
        assertThat(refused.at("/detail")).contains("the largest runner of pool " + pool);

        client.registerRunner("enough-" + pool, pool, 1L << 33);
        Reply allowed = submit(sweep(unique("small")).replace("\"models\"", "\"pool\":\"" + pool + "\",\"models\""));
        assertThat(allowed.status()).as(allowed.text()).isEqualTo(201);
    }

    @Test
    void moreTokensThanTheCorpusHasAreRefusedUnlessEpochsAreAskedFor() {
        String models = "{\"dModel\":24,\"layers\":2,\"heads\":2}";
        String budgets = "{\"flops\":4e12,\"batchSequences\":8}";
        Reply refused = submit(sweep(unique("epochs"), models, budgets, ""));
        assertThat(refused.status()).as(refused.text()).isEqualTo(422);
        assertThat(refused.code()).isEqualTo("not-enough-tokens");
        assertThat(refused.at("/detail")).contains("10000000").contains("maxEpochs");
        Reply allowed = submit(sweep(unique("epochs"), models, budgets, ",\"maxEpochs\":4"));
        assertThat(allowed.status()).as(allowed.text()).isEqualTo(201);
    }

    @Test
    void aDatasetThatIsNotPreparedIsRefused() {
        Reply reply = submit(sweep(unique("early")).replace(CORPUS, "never-prepared.txt"));
        assertThat(reply.status()).as(reply.text()).isEqualTo(409);
        assertThat(reply.code()).isEqualTo("dataset-not-ready");
    }

    @Test
    void aCancellationNamesTheVersionAndEndsEveryRun() {
        String path = "/api/v1/sweeps/" + submit(sweep(unique("cancel"))).at("/id");
        String tag = String.valueOf(client.get(path).header("ETag"));
        Reply without = client.post(path + "/cancellation", "submit", "{}");
        assertThat(without.status()).isEqualTo(428);
        assertThat(without.code()).isEqualTo("if-match-missing");
        Reply other = cancel(path, "\"999\"");
        assertThat(other.status()).isEqualTo(412);
        assertThat(other.code()).isEqualTo("etag-mismatch");
        assertThat(client.get(path).at("/state"))
                .as("a refused cancellation changes nothing")
                .isEqualTo("queued");

        Reply cancelled = cancel(path, tag);
        assertThat(cancelled.status()).as(cancelled.text()).isEqualTo(200);
        assertThat(cancelled.at("/state")).isEqualTo("cancelled");
        assertThat(cancelled.at("/counts/cancelled")).isEqualTo("6");
        assertThat(cancel(path, tag).status()).as("the version has moved on").isEqualTo(412);
        assertThat(cancel(path, String.valueOf(client.get(path).header("ETag"))).status())
                .as("cancelled again, knowing it")
                .isEqualTo(200);
    }

    @Test
    void aSweepUnchangedIsNotSentAgain() {
        String path = "/api/v1/sweeps/" + submit(sweep(unique("tag"))).at("/id");
        Reply first = client.get(path);
        String tag = String.valueOf(first.header("ETag"));
        assertThat(tag).startsWith("\"" + first.at("/version") + "-");
        Reply again = ifNoneMatch(path, tag);
        assertThat(again.status()).isEqualTo(304);
        assertThat(again.text()).isEmpty();
        assertThat(again.header("ETag")).isEqualTo(tag);
        assertThat(ifNoneMatch(path, "\"another\"").status()).isEqualTo(200);
    }

    @Test
    void whatItsRunsDoChangesASweepsTagAndLeavesACancellationValid() {
        String path = "/api/v1/sweeps/" + submit(sweep(unique("moves"))).at("/id");
        Reply before = client.get(path);
        String tag = String.valueOf(before.header("ETag"));
        String run = "/api/v1/runs/"
                + client.get("/api/v1/runs?limit=1&sweep=" + before.at("/id")).at("/items/0/id");
        assertThat(cancel(run, "*").status()).isEqualTo(200);

        Reply after = ifNoneMatch(path, tag);
        assertThat(after.status()).as("a run has ended").isEqualTo(200);
        assertThat(after.at("/counts/cancelled")).isEqualTo("1");
        assertThat(after.at("/version")).isEqualTo(before.at("/version"));
        assertThat(cancel(path, tag).status())
                .as("the sweep itself is as it was seen")
                .isEqualTo(200);
    }

    private Reply ifNoneMatch(String path, String tag) {
        return client.send("GET", path, client.token("read"), null, Map.of("If-None-Match", tag));
    }

    private Reply cancel(String path, String tag) {
        return client.send("POST", path + "/cancellation", client.token("submit"), null, Map.of("If-Match", tag));
    }

    @Test
    void experimentsCountTheirSweeps() {
        submit(sweep(unique("counted")));
        Reply experiments = client.get("/api/v1/experiments");
        JsonNode tests = List.copyOf(experiments.body().path("items").values()).stream()
                .filter(e -> e.path("name").asString().equals("tests"))
                .findFirst()
                .orElseThrow();
        assertThat(tests.path("sweeps").asInt()).isPositive();
        assertThat(client.get("/api/v1/experiments/" + tests.path("id").asLong())
                        .body())
                .isEqualTo(tests);
    }

    @Test
    void sweepsComeNewestFirstAPageAtATimeWithoutRepeats() {
        for (int i = 0; i < 3; i++) {
            submit(sweep(unique("page")));
        }
        List<Long> ids = new ArrayList<>();
        String after = "";
        do {
            Reply page = client.get("/api/v1/sweeps?limit=2" + after);
            page.body().path("items").values().forEach(s -> ids.add(s.path("id").asLong()));
            after = page.body().hasNonNull("next") ? "&after=" + page.at("/next") : "";
        } while (!after.isEmpty() && ids.size() < 10_000);
        assertThat(ids).isSortedAccordingTo(java.util.Comparator.reverseOrder()).doesNotHaveDuplicates();
        assertThat(ids)
                .hasSize(jdbc.sql("select count(*) from sweep")
                        .query(Integer.class)
                        .single());
    }

    @Test
    void theOverviewCountsWhatThereIs() {
        submit(sweep(unique("overview")));
        Reply overview = client.get("/api/v1/overview");
        assertThat(overview.status()).as(overview.text()).isEqualTo(200);
        assertThat(overview.body().at("/runs/queued").asInt()).isGreaterThanOrEqualTo(6);
        assertThat(overview.body().path("recentSweeps").size()).isPositive();
    }
}
