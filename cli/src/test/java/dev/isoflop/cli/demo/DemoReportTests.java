package dev.isoflop.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.cli.show.FitTable;
import dev.isoflop.protocol.api.FitViews;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.api.Views;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class DemoReportTests {

    private static final FitViews.Estimate N = new FitViews.Estimate("N", 45_000, 40_000, 52_000);

    private static final FitViews.Optimum TARGET = new FitViews.Optimum(
            1e13, N, new FitViews.Estimate("D", 3.7e7, 3.2e7, 4.1e7), new FitViews.Estimate("L", 3.1, 3.0, 3.2));

    private static FitViews.Fit fit(String method, FitViews.Refusal refusal) {
        boolean refused = refusal != null;
        return new FitViews.Fit(
                1,
                1,
                method,
                refused ? "refused" : "converged",
                refusal,
                0.95,
                refused ? List.of() : List.of(new FitViews.Estimate("a", 0.5, 0.45, 0.55)),
                method.equals("isoflop") && !refused
                        ? List.of(
                                new FitViews.Budget(3e10, 1.0, -2.0, 3.0, 1e4, 1e5, TARGET, null),
                                new FitViews.Budget(
                                        1e11,
                                        null,
                                        null,
                                        null,
                                        1e4,
                                        1e5,
                                        null,
                                        new FitViews.Refusal("no-minimum", "…")))
                        : List.of(),
                refused ? null : TARGET,
                List.of(),
                List.of(),
                List.of(),
                Map.of(),
                Map.of(),
                List.of("far extrapolation"),
                "00",
                Instant.EPOCH);
    }

    private static Views.Run run(Double loss) {
        return new Views.Run(
                7,
                1L,
                "demo",
                "C3e10-d16-s1",
                "pretrain",
                RunState.SUCCEEDED,
                1,
                0,
                "default",
                23_040,
                6_656,
                216_832,
                3e10,
                4e10,
                3e10,
                1L,
                0.01,
                256,
                847,
                847,
                216_832,
                5.1,
                loss,
                2.4,
                60_000.0,
                loss == null,
                null,
                null,
                null,
                Instant.EPOCH,
                null,
                null,
                3);
    }

    private static JsonNode json(DemoReport report) {
        return ApiClient.mapper().valueToTree(report);
    }

    @Test
    void hasExactlyTheFieldsThatAreAsked() {
        JsonNode report = json(DemoReport.of(List.of(run(5.0)), List.of(fit("isoflop", null)), 12.5));
        assertThat(report.propertyNames()).containsExactly("runs", "fits", "optimum", "wallSeconds");
        assertThat(report.at("/runs/0").propertyNames())
                .contains("id", "N", "D", "C", "finalLoss", "tokensPerSecond", "state");
        assertThat(report.at("/runs/0/N").asLong()).isEqualTo(23_040);
        assertThat(report.at("/runs/0/state").asString()).isEqualTo("succeeded");
        assertThat(report.at("/fits/0/method").asString()).isEqualTo("isoflop");
        assertThat(report.at("/fits/0/converged").asBoolean()).isTrue();
        assertThat(report.at("/fits/0/parameters/0").propertyNames()).contains("name", "value", "low", "high");
        assertThat(report.at("/fits/0/budgets/1/refusal/code").asString()).isEqualTo("no-minimum");
        assertThat(report.at("/optimum/C").asDouble()).isEqualTo(1e13);
        assertThat(report.at("/optimum/N/low").asDouble()).isEqualTo(40_000);
        assertThat(report.path("wallSeconds").asDouble()).isEqualTo(12.5);
    }

    @Test
    void aRefusedFitIsNamedAndLeavesNoOptimum() {
        FitViews.Refusal refusal = new FitViews.Refusal("unidentifiable", "the fit does not pin down E");
        JsonNode report = json(DemoReport.of(List.of(run(null)), List.of(fit("parametric", refusal)), 1));
        assertThat(report.at("/fits/0/converged").asBoolean()).isFalse();
        assertThat(report.at("/fits/0/refusal/code").asString()).isEqualTo("unidentifiable");
        assertThat(report.has("optimum")).isFalse();
        assertThat(report.at("/runs/0/finalLoss").isNull()).isTrue();
    }

    @Test
    void theOptimumOfRecordIsTheParabolas() {
        JsonNode report = json(DemoReport.of(List.of(), List.of(fit("parametric", null), fit("isoflop", null)), 1));
        assertThat(report.at("/optimum/method").asString()).isEqualTo("isoflop");
    }

    @Test
    void theTableShowsIntervalsRefusalsAndWarnings() {
        FitViews.Refusal refusal = new FitViews.Refusal("unidentifiable", "the fit does not pin down E");
        String table = String.join("\n", FitTable.lines(List.of(fit("isoflop", null), fit("parametric", refusal))));
        assertThat(table)
                .contains("N* = 45.0k [40.0k, 52.0k]")
                .contains("refused, no-minimum")
                .contains("refused, unidentifiable: the fit does not pin down E")
                .contains("note: far extrapolation");
    }

    @Test
    void aLongListOfRunsLeftOutIsCounted() {
        FitViews.Fit one = fit("isoflop", null);
        assertThat(leftOut(one, 10)).hasSize(10).last().asString().contains("run 9 (diverged)");
        assertThat(leftOut(one, 11)).singleElement().asString().contains("left out: 11 runs");
    }

    private static List<String> leftOut(FitViews.Fit fit, int count) {
        List<FitViews.Excluded> excluded = IntStream.range(0, count)
                .mapToObj(i -> new FitViews.Excluded(i, "run " + i, "diverged"))
                .toList();
        FitViews.Fit with = new FitViews.Fit(
                fit.id(),
                fit.sweepId(),
                fit.method(),
                fit.status(),
                fit.refusal(),
                fit.level(),
                fit.parameters(),
                fit.budgets(),
                fit.target(),
                fit.frontier(),
                fit.points(),
                excluded,
                fit.options(),
                fit.diagnostics(),
                fit.warnings(),
                fit.inputHash(),
                fit.createdAt());
        return FitTable.lines(List.of(with)).stream()
                .filter(line -> line.contains("left out"))
                .toList();
    }
}
