package dev.isoflop.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.cli.client.ApiClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Approaches 1 and 2 of a table, forecasts and the next run, with no platform anywhere. */
class TableMethodsTests {

    @TempDir
    private Path directory;

    private String table = "";

    private static double loss(double n, double d) {
        return 1.82 + 478 * Math.pow(n, -.347) + 2143 * Math.pow(d, -.367);
    }

    /** Seven sizes at each of five budgets, noise .1 %. */
    @BeforeEach
    void write() throws IOException {
        Random random = new Random(4);
        StringBuilder csv = new StringBuilder("params,flops,loss\n");
        for (double c = 1e18; c < 2e20; c *= Math.sqrt(10)) {
            for (int i = 0; i < 7; i++) {
                double n = 3e8 * Math.pow(c / 1e18, .51) * Math.pow(1.7, i - 3);
                csv.append(String.format(
                        Locale.ROOT,
                        "%.0f,%.0f,%.6f%n",
                        n,
                        c,
                        loss(n, c / 6 / n) * Math.exp(.001 * random.nextGaussian())));
            }
        }
        Path file = directory.resolve("runs.csv");
        Files.writeString(file, csv);
        table = file.toString();
    }

    private static JsonNode json(Ended ended) {
        assertThat(ended.code()).as(ended.err()).isZero();
        return ApiClient.mapper().readTree(ended.out());
    }

    @Test
    void isoFlopByOursAndByAPublishedProtocol() {
        JsonNode ours = json(Ended.of("fit", table, "--method", "isoflop", "--json", "--target", "1e21"));
        JsonNode porian = json(Ended.of("fit", table, "--method", "isoflop", "--protocol", "porian", "--json"));

        assertThat(ours.at("/parameters/a/value").asDouble()).isBetween(.45, .58);
        assertThat(ours.at("/parameters/a/low").isNumber()).isTrue();
        assertThat(ours.at("/optimum/N/value").asDouble()).isBetween(2e9, 4.5e9);
        assertThat(porian.at("/method").asString()).contains("Porian et al. 2024");
        assertThat(porian.at("/parameters/a/value").asDouble()).isBetween(.45, .58);
    }

    @Test
    void theThreeApproachesSideBySideWithWhatTheyDifferBy() {
        JsonNode all = json(Ended.of("fit", table, "--method", "all", "--json", "--resamples", "100"));

        assertThat(all.get("methods")).hasSize(3);
        assertThat(all.at("/methods/0/method").asString()).isEqualTo("envelope");
        assertThat(all.at("/methods/0/parameters/a/low").isNull()).isTrue();
        assertThat(all.get("differences"))
                .hasSize(2)
                .allSatisfy(sentence -> assertThat(sentence.asString()).contains("On the surface's own losses"))
                .filteredOn(sentence -> sentence.asString().contains("by envelope"))
                .singleElement()
                .satisfies(sentence -> assertThat(sentence.asString())
                        .as("approach 1 has no interval that anything could be within")
                        .doesNotContain("within their intervals"));
    }

    @Test
    void everyPublishedProtocolBesideOurs() {
        JsonNode all =
                json(Ended.of("fit", table, "--method", "all", "--protocol", "all", "--json", "--resamples", "100"));

        assertThat(all.get("methods")).hasSize(7);
        assertThat(all.get("methods").values().stream()
                        .filter(m -> m.path("method").asString().contains("Porian et al. 2024")))
                .hasSize(2);
        assertThat(json(Ended.of(
                                "fit", table, "--method", "all", "--protocol", "cs336", "--json", "--resamples", "100"))
                        .get("methods"))
                .hasSize(4);
        assertThat(Ended.of("fit", table, "--method", "all", "--protocol", "cs335")
                        .err())
                .contains("There is no protocol 'cs335'");
    }

    @Test
    void aPageAndATableForAPaper() throws IOException {
        Path page = directory.resolve("report.html");
        Path latex = directory.resolve("report.tex");

        Ended ended = Ended.of(
                "fit",
                table,
                "--method",
                "all",
                "--resamples",
                "50",
                "--html",
                page.toString(),
                "--latex",
                latex.toString());

        assertThat(ended.code()).as(ended.err()).isZero();
        assertThat(page).content().contains("<title>runs.csv</title>", "What they differ by");
        assertThat(latex).content().contains("\\toprule");
    }

    @Test
    void aForecastOfALargerRunAndOfThoseHeldOut() throws IOException {
        JsonNode run = json(Ended.of("forecast", table, "--params", "1e10", "--tokens", "1e10", "--json"));
        double truth = loss(1e10, 1e10);
        Path larger = directory.resolve("larger.csv");
        Files.writeString(larger, "N,D,loss\n1e10,1e10," + truth + "\n2e10,2e10," + loss(2e10, 2e10) + "\n");
        JsonNode others = json(Ended.of("forecast", table, "--of", larger.toString(), "--json"));
        Ended held = Ended.of("forecast", table, "--holdout", "9");

        assertThat(truth)
                .isBetween(run.at("/loss/low").asDouble(), run.at("/loss/high").asDouble());
        assertThat(run.at("/ratio").asDouble()).isBetween(5.9, 6.1);
        assertThat(others.get("cases")).hasSize(2);
        assertThat(others.at("/coverage").asDouble()).isEqualTo(1);
        assertThat(held.code()).as(held.err()).isZero();
        assertThat(held.out())
                .startsWith("14 runs forecast from 21 smaller ones")
                .contains("within their 90 % intervals");
    }

    @Test
    void theNextRunAndTheFirst() {
        JsonNode first = json(Ended.of("next", "--min-run", "1e18", "--max-run", "1e20", "--json"));
        JsonNode next = json(Ended.of(
                "next", table, "--target", "1e23", "--min-run", "1e18", "--max-run", "1e20", "--runs", "3", "--json"));
        Ended spent = Ended.of(
                "next", table, "--target", "1e23", "--min-run", "1e18", "--max-run", "1e20", "--budget", "1e20");

        assertThat(first.get("runs")).hasSize(8);
        assertThat(next.get("runs")).hasSize(3);
        assertThat(next.at("/runs/0/after").asDouble())
                .isLessThan(next.at("/runs/0/before").asDouble());
        assertThat(next.at("/runs/0/C").asDouble()).isBetween(.999e18, 1.001e20);
        assertThat(spent.out()).contains("Nothing that the budget has room for");
    }

    @Test
    void theNextRunsAreWholeModelsIfOneSaysWhichThereAre() {
        JsonNode next = json(Ended.of(
                "next",
                table,
                "--target",
                "1e23",
                "--runs",
                "3",
                "--vocab-size",
                "32000",
                "--context-length",
                "1024",
                "--json"));

        for (JsonNode run : next.get("runs")) {
            assertThat(run.path("dModel").asInt()).isPositive();
            assertThat(run.path("D").asDouble())
                    .isEqualTo(run.path("steps").asDouble()
                            * run.path("batchSequences").asDouble()
                            * 1024);
        }
        assertThat(Ended.of("next", table, "--target", "1e23", "--context-length", "64")
                        .err())
                .contains("say --vocab-size, too");
        assertThat(Ended.of("next").err()).contains("--min-run is missing");
    }

    @Test
    void whatIsWrongIsNamed() {
        assertThat(Ended.of("fit", table, "--method", "isoflop", "--protocol", "mine")
                        .err())
                .contains("here is no protocol 'mine'; there are isoflop, hoffmann");
        assertThat(Ended.of("fit", table, "--by-group", "--by-residual").err()).contains("exclude each other");
        assertThat(Ended.of("fit", table, "--method", "guess").err())
                .contains("one of parametric, isoflop, envelope, all");
        assertThat(Ended.of("next", table, "--min-run", "1e18", "--max-run", "1e20")
                        .err())
                .contains("--target is missing");
        assertThat(Ended.of("next", table, "--min-run", "1e20", "--max-run", "1e18", "--target", "1e23")
                        .err())
                .contains("--max-run lies between minRun = 1.0E20");
        assertThat(Ended.of("next", table, "--min-run", "1", "--max-run", "9", "--tokens-per-parameter", "many")
                        .err())
                .contains("--tokens-per-parameter is two numbers such as 1:400, was 'many'");
        assertThat(Ended.of("forecast", table, "--holdout", "0.5").err()).contains("atio must be above 1");
        assertThat(Ended.of("forecast", table, "--params", "-1", "--tokens", "5")
                        .err())
                .containsIgnoringCase("N must be positive");
        assertThat(Ended.of("forecast", "nowhere.csv", "--holdout", "3").err())
                .contains("There is no file nowhere.csv");
    }
}
