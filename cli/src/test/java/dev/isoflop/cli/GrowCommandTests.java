package dev.isoflop.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.cli.client.ApiClient;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** {@code isoflop grow} against a platform that answers as the real one does: a wave that pays, a second that pays, and a third that does not. */
class GrowCommandTests {

    private final List<String> asked = new CopyOnWriteArrayList<>();
    private final List<String> keys = new CopyOnWriteArrayList<>();
    private FakePlatform platform;
    private int waves;
    private boolean predicts = true;
    private boolean shaped = true;

    @BeforeEach
    void start() throws IOException {
        platform = FakePlatform.answering(this::answer);
    }

    @AfterEach
    void stop() {
        platform.close();
    }

    private FakePlatform.Answer answer(FakePlatform.Asked request) {
        String path = request.path();
        if (request.method().equals("POST")) {
            asked.add(path + (path.contains("next-runs") ? " " + request.body() : ""));
        }
        int status = 200;
        String reply;
        if (path.startsWith("/sweeps/7/runs")) {
            keys.add(String.valueOf(request.header("Idempotency-Key")));
            boolean refused = !predicts && path.contains("predictFrom");
            status = refused ? 422 : 201;
            reply = refused
                    ? "{\"status\":422,\"code\":\"prediction-refused\",\"title\":\"x\",\"detail\":\"Fit 40 says nothing there.\"}"
                    : SWEEP;
            waves += refused ? 0 : 1;
        } else if (path.equals("/sweeps/7/fits")) {
            reply = "[" + FIT.formatted(40 + waves) + "]";
        } else if (path.contains("/next-runs")) {
            boolean pays = waves < 2;
            reply = NEXT.formatted(
                    40 + waves,
                    pays,
                    shaped ? ",\"cell\":" + CELL : "",
                    pays,
                    pays ? "Going on pays." : "Stop here: it costs more than it saves.",
                    shaped ? ADDITION.formatted(waves) : "\"unshaped\":\"the fit counts N otherwise.\"");
        } else if (path.startsWith("/runs?")) {
            reply = "{\"items\":[]}";
        } else {
            reply = SWEEP;
        }
        return new FakePlatform.Answer(status, reply);
    }

    private static final String SWEEP = """
            {"id":7,"name":"study","experimentId":1,"experiment":"e","state":"succeeded","counts":{},"plannedFlops":1,"doneFlops":1,
             "additions":[],"createdAt":"2026-11-26T00:00:00Z","version":0,"spec":null}""";
    private static final String FIT = """
            {"id":%d,"sweepId":7,"method":"parametric","status":"converged","level":0.95,"parameters":[],"budgets":[],"frontier":[],
             "points":[],"excluded":[],"options":{},"diagnostics":{},"warnings":[],"inputHash":"h","createdAt":"2026-11-26T00:00:00Z"}""";
    private static final String CELL = """
            {"budget":4e11,"model":"d32","dModel":32,"layers":3,"n":70000,"d":950000,"steps":1855,"batchSequences":4,"learningRate":0.01,
             "flops":3.99e11,"exactFlops":5e11,"memoryBytes":4000000,"seconds":12.5}""";
    private static final String ADDITION =
            "\"addition\":{\"budgets\":[{\"flops\":4e11,\"batchSequences\":4,\"models\":[\"d32\"]}],\"fit\":4%d}";
    private static final String NEXT = """
            {"fitId":%d,"target":"OPTIMUM","value":13.8,"sd":0.08,"noise":0.004,"runs":[{"n":70000,"d":950000,"flops":3.99e11,
             "sdBefore":0.08,"sdAfter":0.06,"saves":1e12,"pays":%s%s}],"pays":%s,"sentence":"%s","leftOut":[],%s}""";

    private Ended run(String... arguments) {
        List<String> all = new ArrayList<>(List.of("grow", "7", "--url", platform.url(), "--token", "t"));
        all.addAll(List.of(arguments));
        return Ended.of(all.toArray(String[]::new));
    }

    @Test
    void wavesAreAddedUntilTheyNoLongerPay() {
        Ended ended = run("--target", "1e13", "--budget", "9e12", "--runs", "1");

        assertThat(ended.code()).as(ended.err()).isZero();
        assertThat(asked)
                .filteredOn(a -> a.startsWith("/sweeps/7/runs"))
                .containsExactly("/sweeps/7/runs?predictFrom=40", "/sweeps/7/runs?predictFrom=41");
        assertThat(asked)
                .anySatisfy(a -> assertThat(a)
                        .contains("\"flops\":1.0E13")
                        .contains("\"budget\":9.0E12")
                        .contains("\"runs\":1"));
        assertThat(ended.out())
                .contains("d32 (3 layers)", "about 13 s", "added 1 run, predicted by fit 40", "Stop here")
                .endsWith("Nothing was added; --keep-going goes on.\n");
    }

    /** Begun again after it was stopped, it asks for the same under the same key, which the platform answers from its store. */
    @Test
    void theSameRunsHaveTheSameKey() {
        run("--target", "1e13", "--waves", "1");
        waves = 0;
        run("--target", "1e13", "--waves", "1");

        assertThat(keys).hasSize(2);
        assertThat(keys.getFirst()).isEqualTo(keys.getLast()).startsWith("grow-");
    }

    @Test
    void wavesAreBounded() {
        Ended ended = run("--target", "1e13", "--waves", "1", "--json");

        JsonNode growth = ApiClient.mapper().readTree(ended.out());
        assertThat(growth.path("waves")).hasSize(2);
        assertThat(growth.at("/waves/0/added").asBoolean()).isTrue();
        assertThat(growth.at("/waves/0/predicted").asBoolean()).isTrue();
        assertThat(growth.at("/waves/1/added").asBoolean()).isFalse();
        assertThat(growth.at("/stopped").asString()).contains("1 wave");
    }

    @Test
    void aDryRunAddsNothing() {
        Ended ended = run("--target", "1e13", "--dry-run");

        assertThat(ended.code()).isZero();
        assertThat(asked).noneMatch(a -> a.startsWith("/sweeps/7/runs"));
        assertThat(ended.out()).contains("d32").endsWith("Nothing was added.\n");
    }

    @Test
    void whereTheFitDoesNotPredictTheyAreAddedAllTheSame() {
        predicts = false;

        Ended ended = run("--target", "1e13", "--waves", "1");

        assertThat(ended.code()).isZero();
        assertThat(ended.err()).contains("not predicted: Fit 40 says nothing there");
        assertThat(asked).contains("/sweeps/7/runs");
    }

    @Test
    void whatCannotGoOnIsSaid() {
        assertThat(run("--of", "exponent").err()).contains("--budget or --waves is missing");
        assertThat(run("--waves", "0", "--target", "1e13").err()).contains("--waves must be 1 or more");
        assertThat(run().err()).contains("--target is missing");
        shaped = false;
        Ended ended = run("--target", "1e13");
        assertThat(ended.code()).isEqualTo(ExitCode.FAILED.code());
        assertThat(ended.err()).contains("This run cannot be added to the sweep: the fit counts N otherwise.");
        assertThat(ended.out()).contains("This is no model of the sweep: the fit counts N otherwise.");
    }
}
