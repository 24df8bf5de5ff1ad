package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.platform.PlatformClient.Reply;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;

/** The end of a run that is on its way, over REST: from its recorded losses, its schedule and the fit beside it. */
class OutlookApiTests extends PredictionScene {

    private long run;
    private long steps;
    private String attempt = "";
    private double lawLoss;
    /** What the fit said before the run began. */
    private JsonNode predicted = tools.jackson.databind.node.JsonNodeFactory.instance.nullNode();

    OutlookApiTests(PlatformClient client, JdbcClient jdbc) {
        super(client, jdbc);
    }

    private void begin() {
        run = waiting(sweep).getFirst();
        predicted = ok(predictRun(parametric, run)).body();
        lawLoss = predicted.path("loss").asDouble();
        attempt = start(run);
        steps = ok(client.get("/api/v1/runs/" + run)).body().at("/run/steps").asLong();
    }

    /** Trains to a share of the steps along a power law that would end at a loss; the demo's default schedule, a cosine to a tenth. */
    private void trainTo(double share, double end) {
        List<Long> at = new ArrayList<>();
        List<Double> losses = new ArrayList<>();
        for (int i = 1; i <= 400; i++) {
            long step = Math.max(i, Math.round(share * steps * i / 400));
            at.add(step);
            losses.add(end * (0.8 + 0.2 * Math.pow((double) step / steps, -0.4)));
        }
        ok(client.post(attempt + "/metrics", "runner", """
                {"seq":0,"series":[{"metric":"train/loss","steps":%s,"values":%s,"timesMillis":%s},
                 {"metric":"eval/loss","steps":[%d],"values":[%s],"timesMillis":[1]}]}""".formatted(
                        at, losses, at.stream().map(_ -> 1).toList(), at.getLast(), losses.getLast())));
    }

    private Reply outlook(String query) {
        return client.get("/api/v1/runs/" + run + "/outlook" + query);
    }

    @Test
    void aRunOnItsWayIsToldItsEndByCurveAndLaw() {
        begin();
        trainTo(0.6, lawLoss);
        Reply reply = outlook("");
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        JsonNode o = reply.body();
        assertThat(o.path("runId").asLong()).isEqualTo(run);
        assertThat(o.path("progress").asDouble()).isCloseTo(0.6, within(0.01));
        assertThat(o.path("level").asDouble()).isEqualTo(0.9);
        assertThat(o.at("/law/fitId").asLong())
                .as("the parametric fit of its own sweep")
                .isEqualTo(parametric);
        for (String number : List.of("loss", "low", "high", "extrapolationRatio")) {
            assertThat(o.path("law").path(number).asDouble())
                    .as("%s, as it was predicted", number)
                    .isCloseTo(predicted.path(number).asDouble(), within(1e-9 * lawLoss));
        }
        for (String what : List.of("end", "curve")) {
            JsonNode said = o.path(what);
            assertThat(lawLoss)
                    .as(what)
                    .isBetween(said.path("low").asDouble(), said.path("high").asDouble());
        }
        assertThat(width(o.path("end"))).as("with the law it is narrower").isLessThan(width(o.path("curve")));
        assertThat(o.path("verdict").asString()).isEqualTo("go-on");
        assertThat(o.path("sentence").asString()).startsWith("Go on: ");
        assertThat(o.path("now").asDouble()).isGreaterThan(o.at("/end/loss").asDouble());
        assertThat(o.has("atMost")).isFalse();
        assertThat(o.has("refusal")).isFalse();
        assertThat(width(outlook("?level=0.5").body().path("end"))).isLessThan(width(o.path("end")));
        assertThat(ok(client.get("/api/v1/runs/" + run)).at("/run/state"))
                .as("nothing is stopped by asking")
                .isEqualTo("running");
    }

    private static double width(JsonNode loss) {
        return loss.path("high").asDouble() - loss.path("low").asDouble();
    }

    @Test
    void aRunFarAboveTheLawIsToStopWhateverItsRank() {
        begin();
        trainTo(0.6, 2 * lawLoss);
        JsonNode o = ok(outlook("")).body();
        assertThat(o.path("verdict").asString()).isEqualTo("stop");
        assertThat(o.path("sentence").asString()).contains("fit forecasts").contains("recipe");
        assertThat(o.at("/curve/low").asDouble())
                .isGreaterThan(o.at("/law/high").asDouble());
        assertThat(o.at("/end/loss").asDouble())
                .as("the law has little to say of a run like that")
                .isCloseTo(2 * lawLoss, within(0.1 * lawLoss));
        JsonNode view = ok(client.get("/api/v1/runs/" + run)).body().path("run");
        double left =
                1 - view.path("doneTokens").asDouble() / view.path("tokens").asDouble();
        assertThat(o.at("/saved/flops").asDouble())
                .isCloseTo(
                        left * view.path("flops").asDouble(),
                        within(1e-6 * view.path("flops").asDouble()));
    }

    @Test
    void aBarIsHeldAgainstTheLowerEnd() {
        begin();
        trainTo(0.6, lawLoss);
        JsonNode o = ok(outlook("")).body();
        double low = o.at("/end/low").asDouble();
        JsonNode under = ok(outlook("?atMost=" + 0.999 * low)).body();
        assertThat(under.path("verdict").asString()).isEqualTo("stop");
        assertThat(under.path("atMost").asDouble()).isEqualTo(0.999 * low);
        assertThat(ok(outlook("?atMost=" + 1.001 * low)).at("/verdict")).isEqualTo("go-on");
    }

    @Test
    void beforeThereIsACurveItIsUnknownWithTheReason() {
        begin();
        JsonNode o = ok(outlook("?atMost=1")).body();
        assertThat(o.path("verdict").asString()).isEqualTo("unknown");
        assertThat(o.at("/refusal/code").asString()).isEqualTo("warming-up");
        assertThat(o.has("end")).isFalse();
        assertThat(o.at("/law/loss").asDouble()).as("what the law says is said").isPositive();
    }

    @Test
    void aRunThatHasEndedIsStoppedByNobody() {
        begin();
        trainTo(1, 2 * lawLoss);
        ok(succeed(attempt, Double.toString(2 * lawLoss), false));
        JsonNode o = ok(outlook("?atMost=0.1")).body();
        assertThat(o.path("verdict").asString()).isEqualTo("unknown");
        assertThat(o.path("sentence").asString()).contains("succeeded");
        assertThat(o.at("/saved/flops").asDouble()).isZero();
    }

    @Test
    void aNamedFitIsUsedOrTheReasonIsGiven() {
        begin();
        trainTo(0.5, lawLoss);
        assertThat(ok(outlook("?fit=" + parametric)).at("/law/fitId")).isEqualTo(Long.toString(parametric));
        assertThat(outlook("?fit=999999999").code()).isEqualTo("not-found");
        jdbc.sql("update run set comparability = 'another' where id = ?")
                .param(run)
                .update();
        assertThat(outlook("?fit=" + parametric).code()).isEqualTo("incomparable-runs");
        JsonNode alone = ok(outlook("")).body();
        assertThat(alone.has("law")).as("no fit of runs like it").isFalse();
        assertThat(alone.path("verdict").asString()).isEqualTo("unknown");
        assertThat(alone.path("end")).isEqualTo(alone.path("curve"));
    }

    @Test
    void aRunThatIsNoPretrainingHasNone() {
        long data = jdbc.sql("select id from run where kind = 'data' order by id limit 1")
                .query(Long.class)
                .single();
        Reply reply = client.get("/api/v1/runs/" + data + "/outlook");
        assertThat(reply.code()).isEqualTo("invalid-request");
        assertThat(reply.at("/detail")).contains("kind data");
        assertThat(client.get("/api/v1/runs/999999999/outlook").code()).isEqualTo("not-found");
    }

    @ParameterizedTest
    @CsvSource({"level=0,/level", "level=1,/level", "level=NaN,/level", "atMost=0,/atMost", "atMost=Infinity,/atMost"})
    void whatMakesNoSenseIsRefusedByItsName(String query, String pointer) {
        run = waiting(sweep).getFirst();
        Reply reply = outlook("?" + query);
        assertThat(reply.status()).as(reply.text()).isEqualTo(400);
        assertThat(reply.at("/errors/0/pointer")).isEqualTo(pointer);
    }
}
