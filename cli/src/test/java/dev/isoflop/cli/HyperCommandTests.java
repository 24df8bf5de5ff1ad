package dev.isoflop.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.isoflop.cli.client.ApiClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class HyperCommandTests {

    @TempDir
    private Path directory;

    private static double bestRate(double n, double d) {
        return 2 * Math.pow(n, -.7) * Math.pow(d, .3);
    }

    private static double bestBatch(double d) {
        return .6 * Math.pow(d, .57);
    }

    /** A basin that moves by power laws: .02 of the loss for each squared factor of e in rate, .01 in batch. */
    private String table() throws IOException {
        StringBuilder csv = new StringBuilder("N,D,lr,batch_tokens,loss\n");
        for (double n : new double[] {6e7, 2e8, 5e8}) {
            for (double d : new double[] {2e9, 1e10, 5e10}) {
                for (double x = -1; x <= 1; x += .5) {
                    for (double y = -1; y <= 1; y += .5) {
                        double rate = bestRate(n, d) * Math.exp(x + .1);
                        double batch = bestBatch(d) * Math.exp(y - .1);
                        double above = .02 * (x + .1) * (x + .1) + .01 * (y - .1) * (y - .1);
                        csv.append(String.format(
                                Locale.ROOT,
                                "%s,%s,%s,%s,%.12f%n",
                                n,
                                d,
                                rate,
                                batch,
                                (1.8 + 480 * Math.pow(n, -.35) + 2100 * Math.pow(d, -.37)) * (1 + above)));
                    }
                }
            }
        }
        return Files.writeString(directory.resolve("tuned.csv"), csv).toString();
    }

    @Test
    void theLawsOfTheBestAndTheCostOfAnotherChoiceAreFound() throws IOException {
        double rate = bestRate(1e9, 2e11) * Math.E;
        double batch = bestBatch(2e11);
        Ended ended = Ended.of(
                "hyper",
                table(),
                "--params",
                "1e9",
                "--tokens",
                "2e11",
                "--rate",
                "" + rate,
                "--batch",
                "" + batch,
                "--resamples",
                "20",
                "--json");
        assertThat(ended.code()).as(ended.err()).isZero();
        JsonNode found = ApiClient.mapper().readTree(ended.out());

        assertThat(found.at("/optima").asInt()).isEqualTo(9);
        assertThat(found.at("/rate/ofN/value").asDouble()).isCloseTo(-.7, within(1e-3));
        assertThat(found.at("/batch/ofD/value").asDouble()).isCloseTo(.57, within(1e-3));
        assertThat(found.at("/rate/at/value").asDouble() / bestRate(1e9, 2e11)).isCloseTo(1, within(1e-2));
        assertThat(found.at("/surface/bestBatch").asDouble() / batch).isCloseTo(1, within(1e-2));
        assertThat(found.at("/surface/regret/value").asDouble()).isCloseTo(.02, within(5e-4));
    }

    @Test
    void prints() throws IOException {
        Ended ended = Ended.of("hyper", table(), "--params", "1e9", "--tokens", "2e11", "--resamples", "0");
        assertThat(ended.code()).as(ended.err()).isZero();
        assertThat(ended.out())
                .contains("through the best of 9 (N, D), of runs within 2 % of it:")
                .containsPattern("  rate +2\\.0[0-9]* N\\^-0\\.70")
                .contains("  best at the run asked for: rate ");
    }

    @Test
    void whatIsMissingIsNamed() throws IOException {
        Path bare = Files.writeString(directory.resolve("bare.csv"), "N,D,loss\n1e8,1e9,3\n");
        Ended ended = Ended.of("hyper", bare.toString());
        assertThat(ended.code()).isEqualTo(ExitCode.USAGE.code());
        assertThat(ended.err()).contains("no column of peak learning rate (rate, lr");
        Ended wrong = Ended.of("hyper", table(), "--within", "-1");
        assertThat(wrong.code()).isEqualTo(ExitCode.USAGE.code());
        assertThat(wrong.err()).containsIgnoringCase("within must be positive, was -1.0");
    }

    /** Li et al.'s dense grid, its batches of sequences turned into tokens: the exponents that docs/laws.md has. */
    @Test
    void onThePublishedGridTheDocumentedExponentsComeOut() throws IOException {
        Path grid = Path.of(System.getProperty("isoflop.shared", ""), "data/scaling/steplaw/dense_lr_bs_loss.csv");
        assumeTrue(Files.isRegularFile(grid), "the published grid is not on this machine");
        List<String> lines = Files.readAllLines(grid);
        List<String> header = List.of(lines.getFirst().split(","));
        StringBuilder csv = new StringBuilder("N,D,lr,batch_tokens,loss\n");
        for (String line : lines.subList(1, lines.size())) {
            String[] cells = line.split(",");
            csv.append(cells[header.indexOf("N")])
                    .append(',')
                    .append(cells[header.indexOf("D")])
                    .append(',')
                    .append(cells[header.indexOf("lr")])
                    .append(',')
                    .append(2048 * Double.parseDouble(cells[header.indexOf("bs")]))
                    .append(',')
                    .append(cells[header.indexOf("smooth loss")])
                    .append('\n');
        }
        Path file = Files.writeString(directory.resolve("grid.csv"), csv);

        JsonNode found = ApiClient.mapper()
                .readTree(Ended.of("hyper", file.toString(), "--resamples", "0", "--json")
                        .out());

        assertThat(found.at("/rate/ofN/value").asDouble()).isCloseTo(-.695, within(.002));
        assertThat(found.at("/rate/ofD/value").asDouble()).isCloseTo(.208, within(.002));
        assertThat(found.at("/batch/ofD/value").asDouble()).isCloseTo(.569, within(.002));
    }
}
