package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.platform.PlatformClient.Reply;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;

/** From a fit to whole models, from there into the sweep, and from their losses to the next fit. */
class GrowthApiTests extends PredictionScene {

    GrowthApiTests(PlatformClient client, JdbcClient jdbc) {
        super(client, jdbc);
    }

    private JsonNode next(int runs) {
        return ok(client.post(
                        "/api/v1/fits/" + parametric + "/next-runs",
                        "submit",
                        "{\"flops\": 1e16, \"runs\": %d, \"minRun\": 1e11}".formatted(runs)))
                .body();
    }

    private Reply add(String rest, String body) {
        return client.send(
                "POST",
                "/api/v1/sweeps/" + sweep + "/runs" + rest,
                client.token("submit"),
                body,
                Map.of("Idempotency-Key", UUID.randomUUID().toString()));
    }

    @Test
    void whatIsProposedIsWholeModelsThatAreAddedAsTheyAre() {
        JsonNode next = next(4);
        List<Long> before = waiting(sweep);
        double planned = ok(client.get("/api/v1/sweeps/" + sweep))
                .body()
                .path("plannedFlops")
                .asDouble();

        assertThat(next.path("runs")).hasSize(4);
        double flops = 0;
        for (JsonNode run : next.path("runs")) {
            JsonNode cell = run.path("cell");
            assertThat(run.path("n").asDouble()).isEqualTo(cell.path("n").asDouble());
            assertThat(cell.path("d").asLong())
                    .isEqualTo(cell.path("steps").asLong()
                            * cell.path("batchSequences").asLong()
                            * 128);
            flops += run.path("flops").asDouble();
        }
        JsonNode grown = ok(add("", next.path("addition").toString())).body();

        assertThat(waiting(sweep)).hasSize(before.size() + 4);
        assertThat(grown.path("additions")).hasSize(1);
        assertThat(grown.at("/additions/0/runs").asInt()).isEqualTo(4);
        assertThat(grown.at("/additions/0/addition/fit").asLong()).isEqualTo(parametric);
        assertThat(grown.path("plannedFlops").asDouble()).isCloseTo(planned + flops, within(1.0));
        JsonNode cells =
                ok(client.get("/api/v1/sweeps/" + sweep + "/plan")).body().path("runs");
        assertThat(cells)
                .as("the plan has what was submitted and what was added")
                .hasSize(before.size() + 4);
    }

    /** Of widths below 60 there are heads for 32 and 48 alone. */
    @Test
    void aSweepInBf16IsGrownByModelsThatBf16Trains() {
        String models = "[{\"dModel\":32,\"layers\":3,\"heads\":2},{\"dModel\":48,\"layers\":3,\"heads\":3}]";
        jdbc.sql("update sweep set spec = jsonb_set(spec::jsonb, '{models}', ?::jsonb)::json where id = ?")
                .param(models)
                .param(sweep)
                .update();
        assertThat(widths(next(12))).anyMatch(width -> width < 60 && width != 32 && width != 48);

        jdbc.sql("""
                        update sweep set spec = jsonb_set(spec::jsonb, '{training}', '{"precision": "BF16"}')::json where id = ?
                        """).param(sweep).update();
        assertThat(widths(next(12))).hasSize(12).allMatch(width -> width == 32 || width == 48 || width > 60);
    }

    private static List<Integer> widths(JsonNode next) {
        return next.path("runs")
                .valueStream()
                .map(run -> run.at("/cell/dModel").asInt())
                .toList();
    }

    /** The loop: propose, predict, add, train, fit again; and nothing that was trained is proposed a second time. */
    @Test
    void aFitOfTheGrownSweepHasWhatWasAdded() {
        JsonNode addition = next(2).path("addition");
        List<Long> before = waiting(sweep);
        ok(add("?predictFrom=" + parametric, addition.toString()));
        List<Long> added =
                waiting(sweep).stream().filter(id -> !before.contains(id)).toList();
        assertThat(added).hasSize(2);
        assertThat(jdbc.sql("select count(*) from prediction where run_id = any(?) and fit_id = ?")
                        .param(added.toArray(Long[]::new))
                        .param(parametric)
                        .query(Integer.class)
                        .single())
                .as("each is predicted before it can begin")
                .isEqualTo(2);
        for (long run : added) {
            double loss = jdbc.sql("select n_params, tokens from run where id = ?")
                    .param(run)
                    .query((rs, i) -> TRUTH.loss(rs.getDouble(1), rs.getDouble(2)))
                    .single();
            ok(succeed(start(run), Double.toString(loss), false));
        }

        JsonNode fit = ok(client.post(
                        "/api/v1/sweeps/" + sweep + "/fits",
                        "submit",
                        "{\"method\":\"parametric\",\"bootstraps\":100}"))
                .body()
                .path(0);

        assertThat(fit.path("points")).hasSize(26);
        JsonNode after = ok(client.post(
                        "/api/v1/fits/" + fit.path("id").asLong() + "/next-runs",
                        "submit",
                        "{\"flops\": 1e16, \"runs\": 20, \"minRun\": 1e11}"))
                .body();
        for (JsonNode run : after.path("runs")) {
            for (JsonNode point : fit.path("points")) {
                assertThat(run.path("n").asDouble() == point.path("n").asDouble()
                                && run.path("d").asDouble() == point.path("d").asDouble())
                        .isFalse();
            }
        }
    }

    @Test
    void theSameRequestAddsOnceAndTheSameRunIsNotTrainedTwice() {
        String addition = next(2).path("addition").toString();
        String key = UUID.randomUUID().toString();
        for (int twice = 0; twice < 2; twice++) {
            ok(client.send(
                    "POST",
                    "/api/v1/sweeps/" + sweep + "/runs",
                    client.token("submit"),
                    addition,
                    Map.of("Idempotency-Key", key)));
        }
        int once = waiting(sweep).size();

        Reply again = add("", addition);

        assertThat(again.status()).as(again.text()).isEqualTo(422);
        assertThat(again.at("/errors/0/message")).contains("in the sweep already");
        assertThat(waiting(sweep)).hasSize(once);
    }

    @Test
    void whatWaitsAlreadyIsNotProposedAgain() {
        JsonNode first = next(2);
        ok(add("", first.path("addition").toString()));

        JsonNode second = next(2);

        assertThat(second.path("runs")).hasSize(2);
        for (JsonNode run : second.path("runs")) {
            for (JsonNode was : first.path("runs")) {
                assertThat(run.path("n").equals(was.path("n")) && run.path("d").equals(was.path("d")))
                        .isFalse();
            }
        }
        List<Long> before = waiting(sweep);
        ok(add("", second.path("addition").toString()));
        long lost = waiting(sweep).stream()
                .filter(id -> !before.contains(id))
                .findFirst()
                .orElseThrow();
        ok(succeed(start(lost), "9.0", true));
        JsonNode third = next(2);
        assertThat(ok(add("", third.path("addition").toString())).status())
                .as("nor is one that diverged, which no fit has")
                .isEqualTo(201);
    }

    @Test
    void additionsOfOneInstantAreToldApart() {
        for (int twice = 0; twice < 2; twice++) {
            ok(add("", next(1).path("addition").toString()));
        }
        jdbc.sql("update sweep_addition set added_at = now() where sweep_id = ?")
                .param(sweep)
                .update();

        JsonNode additions = ok(client.get("/api/v1/sweeps/" + sweep)).body().path("additions");

        assertThat(additions).hasSize(2);
        assertThat(additions.at("/0/addedAt")).isEqualTo(additions.at("/1/addedAt"));
        assertThat(additions.at("/0/id").asLong())
                .as("oldest first")
                .isPositive()
                .isLessThan(additions.at("/1/id").asLong());
    }

    @Test
    void anotherRecipeOfARunThatIsThereHasItsName() {
        String entry =
                "{\"budgets\": [{\"flops\": 1e11, \"batchSequences\": 2, \"models\": [\"d16\"], \"learningRate\": %s}]}";
        List<Long> before = waiting(sweep);

        ok(add("", entry.formatted("0.02")));

        assertThat(jdbc.sql("select name from run where sweep_id = ? and not (id = any(?)) and state = 'queued'")
                        .param(sweep)
                        .param(before.toArray(Long[]::new))
                        .query(String.class)
                        .list())
                .containsExactly("C1e11-d16-b2-lr0.02-s1");
        assertThat(add("", entry.formatted("0.01")).at("/errors/0/message"))
                .as("the rule's own rate")
                .contains("in the sweep already");
    }

    @Test
    void whatIsWrongWithAnAdditionIsNamedAndNothingIsQueued() {
        int before = waiting(sweep).size();

        assertThat(add("", "{\"budgets\": []}").at("/errors/0/pointer")).isEqualTo("/budgets");
        assertThat(add("", "{\"budgets\": [{\"flops\": 1e12, \"batchSequences\": 2}]}")
                        .at("/errors/0/pointer"))
                .isEqualTo("/budgets/0/models");
        assertThat(add("", "{\"budgets\": [{\"flops\": 1e12, \"batchSequences\": 2, \"models\": [\"nobody\"]}]}")
                        .at("/errors/0/pointer"))
                .isEqualTo("/budgets/0/models/0");
        Reply dropped = add(
                "",
                "{\"models\": [{\"name\": \"wide\", \"dModel\": 256, \"layers\": 6}], \"budgets\": [{\"flops\": 1e9, \"batchSequences\": 2, \"models\": [\"wide\"]}]}");
        assertThat(dropped.status()).isEqualTo(422);
        assertThat(dropped.at("/errors/0/message")).contains("steps");
        assertThat(add(
                                "",
                                "{\"budgets\": [{\"flops\": 1e12, \"batchSequences\": 2, \"models\": [\"x\"]}], \"fit\": 99999999}")
                        .at("/errors/0/pointer"))
                .isEqualTo("/fit");
        assertThat(client.post("/api/v1/sweeps/999999999/runs", "submit", "{\"budgets\": []}")
                        .status())
                .isIn(400, 404);
        assertThat(client.post("/api/v1/sweeps/" + sweep + "/runs", "read", "{\"budgets\": []}")
                        .status())
                .isEqualTo(403);
        assertThat(waiting(sweep)).hasSize(before);
    }

    @Test
    void nothingIsAddedToASweepThatWasCancelled() {
        String addition = next(1).path("addition").toString();
        JsonNode was = ok(client.get("/api/v1/sweeps/" + sweep)).body();
        ok(client.send(
                "POST",
                "/api/v1/sweeps/" + sweep + "/cancellation",
                client.token("submit"),
                "",
                Map.of("If-Match", "\"" + was.path("version").asLong() + "\"")));

        Reply late = add("", addition);

        assertThat(late.status()).isEqualTo(409);
        assertThat(late.code()).isEqualTo("illegal-transition");
        assertThat(waiting(sweep)).isEmpty();
    }

    @Test
    void aFitThatCountsOtherwiseProposesAnyNAndD() {
        long other = ok(client.post(
                        "/api/v1/sweeps/" + sweep + "/fits",
                        "submit",
                        "{\"method\":\"parametric\",\"bootstraps\":100,\"countEmbeddings\":false}"))
                .body()
                .path(0)
                .path("id")
                .asLong();

        JsonNode next = ok(client.post("/api/v1/fits/" + other + "/next-runs", "submit", "{\"flops\": 1e16}"))
                .body();

        assertThat(next.path("runs")).hasSize(1);
        assertThat(next.at("/runs/0").has("cell")).isFalse();
        assertThat(next.has("addition")).isFalse();
        assertThat(next.path("unshaped").asString()).contains("without embeddings");
    }
}
