package dev.isoflop.cli.show;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.protocol.api.FitComparisonViews.Reproduction;
import dev.isoflop.protocol.api.PredictionViews.Prediction;
import dev.isoflop.protocol.api.PredictionViews.PredictionSummary;
import java.util.List;
import org.junit.jupiter.api.Test;

class PredictionTableTests {

    private static Prediction prediction(String more) {
        return ApiClient.mapper().readValue("""
                {"id":7,"experimentId":1,"experiment":"e","fitId":3,"sweepId":2,"sweep":"s","inputHash":"abcdef0123456789",
                 "method":"parametric","law":"L","n":4.2e8,"d":8.4e9,"flops":2.1168e19,"countEmbeddings":true,"extrapolationRatio":12.5,
                 "level":0.9,"loss":3.25,"low":3.2,"high":3.31,"madeBy":"ada","madeAt":"2026-11-26T10:00:00Z"%s}""".formatted(more), Prediction.class);
    }

    @Test
    void aPredictionSaysWhatItRestsOnAndWhatBecomesOfIt() {
        assertThat(PredictionTable.one(prediction(",\"runId\":9,\"run\":\"r\",\"state\":\"open\"")))
                .containsExactly(
                        "Prediction 7, from fit 3 (parametric, inputs abcdef012345)",
                        "  N = 420M  D = 8.40G  C = 2.12e19, 12.5 times the largest C fitted",
                        "  loss 3.2500 [3.2000, 3.3100] nats per token at 90 %",
                        "  open until run 9 ends");
        assertThat(PredictionTable.one(prediction(",\"state\":\"open\"")).getLast())
                .contains("isoflop predictions tie 7 --run RUN");
    }

    @Test
    void theLedgerSaysFirstHowManyIntervalsHeld() {
        PredictionSummary summary = ApiClient.mapper().readValue("""
                {"open":1,"voided":2,"levels":[{"level":0.9,
                  "all":{"ratio":"all","scored":12,"covered":11,"diverged":1,"coverage":{"name":"coverage","value":0.9167,"low":0.6461,"high":0.9851},
                         "medianError":0.004,"meanError":0.0061,"bias":0.001},
                  "classes":[{"ratio":"<=1","scored":12,"covered":11,"diverged":1,"coverage":{"name":"coverage","value":0.9167,"low":0.6461,"high":0.9851}},
                             {"ratio":"1-3","scored":0,"covered":0,"diverged":0}]}]}""", PredictionSummary.class);
        List<String> lines = PredictionTable.ledger(
                summary,
                List.of(
                        prediction(
                                ",\"runId\":9,\"run\":\"r\\u001b[1m\",\"state\":\"scored\",\"score\":{\"observed\":3.3,\"diverged\":false,\"logError\":0.01527,\"covered\":true}"),
                        prediction(
                                ",\"runId\":9,\"run\":\"r\",\"state\":\"void\",\"voidReason\":\"the run was cancelled\"")));
        assertThat(lines.subList(0, 3))
                .containsExactly(
                        "11 of 12 within their 90 % intervals (91.67 % covered, 64.61 % to 98.51 % at 95 %, |error| 0.40 % median, 0.61 % mean, 1 diverged)",
                        "  C <=1   of the largest fitted: 91.67 % covered, 64.61 % to 98.51 % at 95 %, 1 diverged",
                        "1 open, 2 void");
        assertThat(lines.get(5)).contains("r\uFFFD[1m").contains("+1.54 %").endsWith("covered");
        assertThat(lines.get(6)).endsWith("void: the run was cancelled");
        assertThat(PredictionTable.ledger(new PredictionSummary(0, 0, List.of()), List.of()))
                .containsExactly(
                        "No prediction has been scored yet.",
                        "None to show. Make one with: isoflop predict FIT --run RUN");
    }

    @Test
    void aFitThatComesOutOtherwiseSaysWhere() {
        Reproduction differs = ApiClient.mapper().readValue("""
                {"fitId":3,"agrees":false,"inputHash":"a","inputHashNow":"b","numbers":600,
                 "differences":[{"pointer":"/parameters/0/value","stored":"1.5","now":"1.8"}],"assumed":["huberDelta"]}""", Reproduction.class);
        assertThat(PredictionTable.reproduction(differs))
                .containsExactly(
                        "Fit 3 does not come out of its record as it is stored.",
                        "  inputs: stored a, now b",
                        "  the record does not name huberDelta: defaults were taken",
                        "  /parameters/0/value: stored 1.5, now 1.8");
    }
}
