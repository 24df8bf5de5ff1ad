package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.platform.PlatformClient.Reply;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;

/** Complaints of the users of other systems that are about what they see, each shown not to be one here. */
@PlatformTest
class ComplaintApiTests {

    private final PlatformClient client;
    private final JdbcClient jdbc;
    private final CommandRuns commands;
    private final long runner;

    ComplaintApiTests(PlatformClient client, JdbcClient jdbc) {
        this.client = client;
        this.jdbc = jdbc;
        this.commands = new CommandRuns(client);
        this.runner = commands.runner("a");
    }

    /** A sweep of as many commands, which fail for good at once when they fail. */
    private long submit(int cells) {
        Reply made = client.post("/api/v1/sweeps", "submit", """
                {"kind":"command","name":"%s","experiment":"complaints","command":["train","--lr={lr}"],"pool":"%s",
                 "retries":{"failures":0},"parameters":{"lr":{"values":[%s]}}}""".formatted(
                commands.pool,
                commands.pool,
                IntStream.rangeClosed(1, cells).mapToObj(Integer::toString).collect(Collectors.joining(","))));
        assertThat(made.status()).as(made.text()).isEqualTo(201);
        return made.body().path("id").asLong();
    }

    /** @param first step of the first value */
    private void tell(JsonNode granted, long seq, long first, double... values) {
        String steps = IntStream.range(0, values.length)
                .mapToObj(i -> Long.toString(first + i))
                .collect(Collectors.joining(","));
        Reply told = client.post(CommandRuns.attempt(granted) + "/metrics", "runner", """
                {"seq":%d,"series":[{"metric":"loss","steps":[%s],"values":[%s],"timesMillis":[%s]}]}""".formatted(
                        seq,
                        steps,
                        DoubleStream.of(values).mapToObj(Double::toString).collect(Collectors.joining(",")),
                        steps));
        assertThat(told.status()).as(told.text()).isEqualTo(200);
    }

    private JsonNode series(long run, String query) {
        Reply reply = client.get("/api/v1/runs/" + run + "/metrics/series?name=loss" + query);
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        return reply.body();
    }

    private static List<Double> numbers(JsonNode array) {
        return array.values().stream().map(JsonNode::asDouble).toList();
    }

    /** Curves are drawn from a random sample: spikes come and go with every look. */
    @Test
    void complaint7aCurveShowsEverySpikeAndIsTheSameAtEveryLook() {
        submit(1);
        JsonNode run = commands.begin(runner, 1).getFirst();
        SplittableRandom random = new SplittableRandom(7);
        Map<Integer, Double> spikes = Map.of(3_333, 50.0, 11_111, 60.0, 19_998, -70.0);
        for (int batch = 0; batch < 20; batch++) {
            int first = batch * 1_000;
            tell(
                    run,
                    batch,
                    first,
                    IntStream.range(first, first + 1_000)
                            .mapToDouble(step -> spikes.getOrDefault(step, 2 + random.nextDouble()))
                            .toArray());
        }
        JsonNode all = series(CommandRuns.id(run), "&maxPoints=200");
        assertThat(all.path("points").asLong()).isEqualTo(20_000);
        assertThat(all.path("steps").size()).isLessThanOrEqualTo(200);
        assertThat(numbers(all.path("max"))).contains(50.0, 60.0);
        assertThat(numbers(all.path("min"))).contains(-70.0);
        assertThat(numbers(all.path("max")).stream().filter(value -> value > 3.01))
                .hasSize(2);
        assertThat(series(CommandRuns.id(run), "&maxPoints=200")).isEqualTo(all);
        JsonNode near = series(CommandRuns.id(run), "&from=11000&to=11200&maxPoints=1000");
        assertThat(near.path("reduced").asBoolean()).isFalse();
        assertThat(near.path("last").get(111).asDouble()).isCloseTo(60, within(1e-12));
    }

    /** A trainer that logs every step with a request of its own fills the store until it falls over. */
    @Test
    void complaint8pointsThatComeOneByOneAreStoredByTheThousand() {
        submit(1);
        JsonNode run = commands.begin(runner, 1).getFirst();
        int points = 2_500;
        for (int step = 0; step < points; step++) {
            tell(run, step, step, 1.0 / (step + 1));
        }
        assertThat(rows("metric_chunk", CommandRuns.id(run)) + rows("metric_tail", CommandRuns.id(run)))
                .as("rows for %d points", points)
                .isLessThan(600);
        commands.succeed(run);
        assertThat(series(CommandRuns.id(run), "&maxPoints=5000").path("points").asInt())
                .isEqualTo(points);
    }

    private long rows(String table, long run) {
        return jdbc.sql("select count(*) from " + table + " where run_id = ?")
                .param(run)
                .query(Long.class)
                .single();
    }

    /** A trial hangs, or is in the wrong state, because nobody saw the metric that it was waited for. */
    @Test
    void complaint9aRunWithoutTheMetricEndsAndSoDoesItsSweep() {
        long sweep = submit(2);
        List<JsonNode> runs = commands.begin(runner, 2);
        tell(runs.getFirst(), 0, 1, 3.5);
        runs.forEach(commands::succeed);
        Reply done = client.get("/api/v1/sweeps/" + sweep);
        assertThat(done.at("/state")).isEqualTo("succeeded");
        JsonNode silent = client.get("/api/v1/runs/" + CommandRuns.id(runs.getLast()))
                .body()
                .path("run");
        assertThat(silent.path("state").asString()).isEqualTo("succeeded");
        assertThat(silent.has("finalLoss")).as("and nothing is made up").isFalse();
    }

    /** The cells of a grid that failed cannot be run again, or all of them are. */
    @Test
    void complaint10theFailedCellsOfAGridAreRunAgainAndOnlyThose() {
        long sweep = submit(5);
        List<JsonNode> cells = commands.begin(runner, 5);
        List<Long> failed = new ArrayList<>();
        for (int i = 0; i < cells.size(); i++) {
            if (i % 2 == 1) {
                commands.fail(cells.get(i), "exit code 1");
                failed.add(CommandRuns.id(cells.get(i)));
            } else {
                commands.succeed(cells.get(i));
            }
        }
        assertThat(client.get("/api/v1/sweeps/" + sweep).at("/state")).isEqualTo("failed");
        for (long run : failed) {
            Reply seen = client.get("/api/v1/runs/" + run);
            Reply released = client.send(
                    "POST",
                    "/api/v1/runs/" + run + "/release",
                    client.token("submit"),
                    "{}",
                    Map.of("If-Match", seen.headers().firstValue("ETag").orElseThrow()));
            assertThat(released.status()).as(released.text()).isEqualTo(200);
        }
        List<JsonNode> again = commands.begin(runner, 8);
        assertThat(again).extracting(CommandRuns::id).containsExactlyInAnyOrderElementsOf(failed);
        again.forEach(commands::succeed);
        assertThat(client.get("/api/v1/sweeps/" + sweep).at("/state")).isEqualTo("succeeded");
        assertThat(jdbc.sql("select attempt_no from run where sweep_id = ? order by id")
                        .param(sweep)
                        .query(Integer.class)
                        .list())
                .containsExactly(1, 2, 1, 2, 1);
    }
}
