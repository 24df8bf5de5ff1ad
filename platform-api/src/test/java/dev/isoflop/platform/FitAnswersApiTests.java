package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.platform.PlatformClient.Reply;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;

/** What is asked of a stored fit later: the other methods, its profile, any budget. */
class FitAnswersApiTests extends PredictionScene {

    FitAnswersApiTests(PlatformClient client, JdbcClient jdbc) {
        super(client, jdbc);
    }

    private JsonNode get(String path) {
        return ok(client.get("/api/v1/fits/" + path)).body();
    }

    private static JsonNode named(JsonNode methods, String name) {
        return methods.path("methods").values().stream()
                .filter(m -> m.path("name").asString().equals(name))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void everyMethodHasItsSayOnThePointsOfAFit() {
        JsonNode all = get(parametric + "/methods?target=1e14");
        JsonNode stored = get(Long.toString(parametric));

        assertThat(all.path("methods").values().stream()
                        .map(m -> m.path("name").asString())
                        .toList())
                .containsExactly("envelope", "isoflop", "hoffmann", "porian", "porian-owt2", "cs336", "parametric");
        assertThat(all.path("points").asInt()).isEqualTo(24);
        assertThat(all.path("level").asDouble()).isEqualTo(.9);
        for (JsonNode method : all.path("methods")) {
            assertThat(method.has("refusal")).as(method.toString()).isFalse();
            assertThat(method.at("/a/value").asDouble()).as(method.toString()).isCloseTo(TRUTH.a(), within(.08));
            // the line goes through the optimum at the target
            double n = method.path("k").asDouble()
                    * Math.pow(1e14, method.at("/a/value").asDouble());
            assertThat(method.at("/optimum/n/value").asDouble()).isCloseTo(n, within(.02 * n));
        }
        JsonNode surface = named(all, "parametric");
        JsonNode a = stored.path("parameters").values().stream()
                .filter(p -> p.path("name").asString().equals("a"))
                .findFirst()
                .orElseThrow();
        assertThat(surface.at("/a/value").asDouble())
                .as("approach 3 is the fit itself")
                .isEqualTo(a.path("value").asDouble());
        assertThat(surface.at("/a/low").asDouble()).isEqualTo(a.path("low").asDouble());
        assertThat(surface.path("approach").asInt()).isEqualTo(3);
        assertThat(named(all, "isoflop").path("optima")).hasSize(4);
        assertThat(named(all, "isoflop").at("/optima/0/n").has("low")).isTrue();
        assertThat(named(all, "hoffmann").at("/optima/0/n").has("low"))
                .as("without noise there is no interval")
                .isFalse();
        assertThat(named(all, "porian").path("source").asString()).contains("Porian et al. 2024");
        assertThat(all.path("differences"))
                .isNotEmpty()
                .allSatisfy(d -> assertThat(d.asString()).contains("On the surface's own losses"));
    }

    @Test
    void theSameQuestionHasTheSameAnswerWhicheverFitOfThePointsIsAsked() {
        assertThat(get(parametric + "/methods?target=1e14").path("methods"))
                .isEqualTo(get(isoflop + "/methods?target=1e14").path("methods"));
    }

    @Test
    void aFarBudgetLeavesTheLawsAndSaysWhyItIsNotAnswered() {
        JsonNode all = get(parametric + "/methods?target=1e30");
        JsonNode surface = named(all, "parametric");
        assertThat(surface.has("optimum")).isFalse();
        assertThat(surface.at("/a/value").asDouble()).isPositive();
        assertThat(surface.path("findings").toString()).contains("the limit is 200 times");
    }

    @Test
    void theProfileIsLeastAtTheFitAndRisesBeyondTheBound() {
        JsonNode profile = get(parametric + "/profile");

        double least = Double.POSITIVE_INFINITY;
        double most = 0;
        for (JsonNode row : profile.path("rise")) {
            assertThat(row).hasSize(33);
            for (JsonNode value : row) {
                least = Math.min(least, value.asDouble());
                most = Math.max(most, value.asDouble());
            }
        }
        assertThat(profile.path("rise")).hasSize(33);
        assertThat(least).isCloseTo(1, within(1e-6));
        assertThat(most).isGreaterThan(profile.path("together").asDouble());
        assertThat(profile.path("alpha").values().stream()
                        .map(JsonNode::asDouble)
                        .toList())
                .contains(profile.path("bestAlpha").asDouble());
        assertThat(profile.at("/certificate/global").asBoolean()).isTrue();
    }

    @Test
    void onlyAParametricFitHasAProfile() {
        Reply refused = client.get("/api/v1/fits/" + isoflop + "/profile");
        assertThat(refused.status()).isEqualTo(400);
        assertThat(refused.at("/detail")).contains("only a parametric fit");
        assertThat(client.get("/api/v1/fits/999999999/profile").status()).isEqualTo(404);
    }

    @Test
    void aBudgetIsAnsweredWithTheLossOfOneRunToo() {
        JsonNode target = get(parametric + "/optimum?flops=1e14");

        double best = TRUTH.optimum(1e14).N();
        assertThat(target.at("/optimum/n/value").asDouble()).isBetween(best / 2, best * 2);
        assertThat(target.at("/extrapolationRatio").asDouble()).isCloseTo(1e14 / 3e13, within(1e-9));
        assertThat(target.path("calibrated").asBoolean()).isTrue();
        assertThat(target.at("/forecast/low").asDouble())
                .isLessThan(target.at("/forecast/value").asDouble());
        assertThat(target.at("/forecast/value").asDouble())
                .isCloseTo(TRUTH.optimum(1e14).loss(), within(.5));
        assertThat(target.at("/excess/value").asDouble()).isBetween(0., 1.);
        assertThat(target.at("/tokensPerParameter/value").asDouble())
                .isCloseTo(
                        target.at("/optimum/d/value").asDouble()
                                / target.at("/optimum/n/value").asDouble(),
                        within(1e-6));
        assertThat(get(parametric + "/optimum?flops=1e14"))
                .as("and again, from the law that is kept")
                .isEqualTo(target);
    }

    @Test
    void aFarBudgetIsRefusedAndOneWithinTheirReachIsNotCalibratedByParabolas() {
        assertThat(get(parametric + "/optimum?flops=1e30").at("/refusal/code").asString())
                .isEqualTo("far-extrapolation");
        JsonNode byParabolas = get(isoflop + "/optimum?flops=5e13");
        assertThat(byParabolas.path("calibrated").asBoolean(true)).isFalse();
        assertThat(byParabolas.has("excess")).isFalse();
        assertThat(byParabolas.has("forecast")).isTrue();
        assertThat(get(parametric + "/optimum?flops=3e15").path("calibrated").asBoolean(true))
                .as("100 times the largest")
                .isFalse();
    }

    @Test
    void whatIsNoBudgetIsNamed() {
        for (String bad : List.of("0", "-1", "NaN", "Infinity")) {
            Reply reply = client.get("/api/v1/fits/" + parametric + "/optimum?flops=" + bad);
            assertThat(reply.status()).as(bad).isEqualTo(400);
            assertThat(reply.at("/errors/0/pointer")).isEqualTo("/flops");
        }
        assertThat(client.get("/api/v1/fits/" + parametric + "/optimum?flops=big")
                        .status())
                .isEqualTo(400);
        assertThat(client.get("/api/v1/fits/" + parametric + "/optimum").status())
                .isEqualTo(400);
        assertThat(client.get("/api/v1/fits/" + parametric + "/methods?target=-2")
                        .at("/errors/0/pointer"))
                .isEqualTo("/target");
        assertThat(client.get("/api/v1/fits/999999999/methods").status()).isEqualTo(404);
    }
}
