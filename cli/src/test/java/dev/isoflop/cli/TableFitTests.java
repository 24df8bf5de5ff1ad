package dev.isoflop.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.cli.client.ApiClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** {@code isoflop fit TABLE.csv}, with no platform anywhere. */
class TableFitTests {

    @TempDir
    private Path directory;

    /** L = 1.82 + 478 N^-0.347 + 2143 D^-0.367, and a run that diverged. */
    private String table() throws IOException {
        StringBuilder csv = new StringBuilder("name,params,tokens,val_loss\n");
        for (double n : new double[] {3e7, 1e8, 3e8, 1e9, 3e9}) {
            for (double each : new double[] {3, 10, 30, 100}) {
                double d = n * each;
                csv.append(String.format(
                        Locale.ROOT,
                        "r,%s,%s,%.12f%n",
                        n,
                        d,
                        1.82 + 478 * Math.pow(n, -.347) + 2143 * Math.pow(d, -.367)));
            }
        }
        Path file = directory.resolve("runs.csv");
        Files.writeString(file, csv.append("bad,1e8,1e9,nan\n"));
        return file.toString();
    }

    @Test
    void prints() throws IOException {
        Ended ended = Ended.of("fit", table(), "--target", "1e21", "--resamples", "20");
        assertThat(ended.code()).as(ended.err()).isZero();
        assertThat(ended.out().lines())
                .contains("chinchilla: L = E + A N^-alpha + B D^-beta (20 points, 95 % intervals)")
                .anyMatch(l -> l.startsWith("  alpha      0.3470 ["))
                .anyMatch(l -> l.startsWith("    N* = "))
                .anyMatch(l -> l.startsWith("    not knowing the law wastes 0.00 % of it"))
                .anyMatch(l -> l.contains("the objective has one basin, and none ends below the minimum"))
                .contains("  left out: line 22, its loss is nan");
    }

    /** A run that is there twice, and one that went wrong. */
    @Test
    void whatIsOddNamesItsLines() throws IOException {
        Path file = Path.of(table());
        String first = Files.readAllLines(file).get(1);
        Files.writeString(file, first + "\nr,2e8,2e9,9.5\n", java.nio.file.StandardOpenOption.APPEND);

        Ended ended = Ended.of("fit", file.toString(), "--resamples", "20");
        JsonNode fit = ApiClient.mapper()
                .readTree(Ended.of("fit", file.toString(), "--resamples", "20", "--json")
                        .out());

        assertThat(ended.out().lines())
                .anyMatch(l ->
                        l.startsWith("  note: 1 point has the N, D and loss of another") && l.endsWith("(line 23)"))
                .anyMatch(l -> l.contains("robust standard deviations") && l.contains("line ") && l.contains("24"));
        assertThat(fit.at("/diagnostics/0/lines/0").asInt()).isEqualTo(23);
    }

    @Test
    void asJsonEverythingIsThere() throws IOException {
        Ended ended = Ended.of(
                "fit", table(), "--law", "chinchilla", "--method", "parametric", "--json", "--resamples", "20");
        assertThat(ended.code()).as(ended.err()).isZero();
        JsonNode fit = ApiClient.mapper().readTree(ended.out());
        assertThat(fit.at("/parameters/beta/value").asDouble()).isBetween(.36699, .36701);
        assertThat(fit.at("/parameters/beta/low").isNumber()).isTrue();
        assertThat(fit.at("/objective").asDouble()).isBetween(0.0, 1e-15);
        assertThat(fit.at("/certificate/global").asBoolean()).isTrue();
        assertThat(fit.at("/certificate/cells").toString()).isEqualTo("576");
        assertThat(fit.at("/diagnostics").isArray()).isTrue();
        assertThat(fit.at("/milliseconds").asDouble()).isPositive();
        assertThat(fit.at("/leftOut/0/line").asInt()).isEqualTo(22);
        assertThat(fit.at("/columns").toString())
                .isEqualTo("{\"N\":\"params\",\"D\":\"tokens\",\"LOSS\":\"val_loss\"}");
        assertThat(fit.at("/refusal").isNull()).isTrue();
    }

    @Test
    void aRefusalIsSaidAndEndsWithOne() throws IOException {
        Path few = Files.writeString(directory.resolve("few.csv"), "N,D,loss\n1e8,1e9,3\n2e8,1e9,2.9\n");
        Ended ended = Ended.of("fit", few.toString());
        assertThat(ended.code()).isEqualTo(ExitCode.FAILED.code());
        assertThat(ended.out()).contains("refused, too-few-points: Five parameters need at least 8 points");
        JsonNode json = ApiClient.mapper()
                .readTree(Ended.of("fit", few.toString(), "--json").out());
        assertThat(json.at("/refusal/code").asString()).isEqualTo("too-few-points");
        assertThat(json.at("/objective").isNull()).isTrue();
    }

    /** Runs of two kinds are refused by their hashes, and warned of by anything else. */
    @Test
    void runsOfTwoKindsAreRefusedOrSaid() throws IOException {
        Path file = Path.of(table());
        List<String> lines = Files.readAllLines(file);
        StringBuilder mixed = new StringBuilder(lines.getFirst() + ",comparability,tokenizer\n");
        for (int i = 1; i < lines.size(); i++) {
            mixed.append(lines.get(i)).append(i < 5 ? ",aa,bpe" : ",bb,bytes").append('\n');
        }
        Files.writeString(file, mixed);

        Ended refused = Ended.of("fit", file.toString());
        Ended forecast = Ended.of("forecast", file.toString(), "--params", "1e10", "--tokens", "1e11");
        Ended let = Ended.of("fit", file.toString(), "--mixed", "--resamples", "20");
        JsonNode json = ApiClient.mapper()
                .readTree(Ended.of("fit", file.toString(), "--mixed", "--resamples", "20", "--json")
                        .out());

        assertThat(refused.code()).isEqualTo(ExitCode.FAILED.code());
        assertThat(refused.err())
                .contains("the column 'comparability' has 2: 'aa' 4 times from line 2, 'bb' 16 times from line 6")
                .contains("pass --mixed");
        assertThat(forecast.code()).isEqualTo(ExitCode.FAILED.code());
        assertThat(let.code()).as(let.err()).isZero();
        assertThat(let.out()).contains("  note: The column 'tokenizer' (tokenizer) has 2 values: 'bpe' 4 times");
        assertThat(json.at("/diagnostics/0/code").asString()).isEqualTo("mixed-comparability");
        assertThat(json.at("/diagnostics/1/code").asString()).isEqualTo("mixed-tokenizer");
        assertThat(json.at("/diagnostics/1/lines/0").asInt()).isEqualTo(2);
        assertThat(json.at("/diagnostics/1/p").isNumber()).isTrue();
    }

    @Test
    void whatIsWrongIsNamedWithTheFix() throws IOException {
        Path bad = Files.writeString(directory.resolve("bad.csv"), "N,D,loss\n1e8,1e9,3\n1e8,x,3\n");
        assertUsage("bad.csv, line 3: 'x' in the column 'D' is no number", "fit", bad.toString());
        assertUsage("There is no file nope.csv.", "fit", "nope.csv");
        assertUsage("there is no law 'x'; there are chinchilla", "fit", table(), "--law", "x");
        assertUsage(
                "--method of a table is one of parametric, isoflop, envelope, all",
                "fit",
                table(),
                "--method",
                "magic");
        assertUsage("resamples must be 0 or at least 2, was 1", "fit", table(), "--resamples", "1");
        assertUsage("are for tables, and there is no file 7", "fit", "7", "--law", "kaplan");
        assertUsage("there is no column 'nope' for D", "fit", table(), "--column", "D=nope");
        Path twice = Files.writeString(directory.resolve("twice.csv"), "N,D,tokens,loss\n1,1,1,1\n");
        assertUsage(
                "twice.csv, line 1: both 'D' and 'tokens' could be D (training tokens). Say which it is with --column D=NAME.",
                "fit",
                twice.toString());
        Path binary = Files.write(directory.resolve("binary.csv"), new byte[] {(byte) 0xff, (byte) 0xfe, 0, 1});
        assertUsage("is neither Parquet nor text in UTF-8", "fit", binary.toString());
    }

    @Test
    void lawsOfMoreThanSizeAndDataReadTheirColumns() throws IOException {
        StringBuilder csv = new StringBuilder("N,D,loss,hidden_size,layers,unique_tokens\n");
        for (double w : new double[] {256, 512, 1024, 2048}) {
            for (double depth : new double[] {4, 12, 40}) {
                for (double each : new double[] {5, 30, 200}) {
                    double n = 12 * w * w * depth;
                    double loss =
                            1.7 + 60 * Math.pow(w, -.7) + 1.5 * Math.pow(depth, -.8) + 900 * Math.pow(n * each, -.33);
                    csv.append(String.format(
                            Locale.ROOT,
                            "%s,%s,%.12f,%s,%s,%s%n",
                            n,
                            n * each,
                            loss,
                            w,
                            depth,
                            n * Math.min(each, 30)));
                }
            }
        }
        Path file = Files.writeString(directory.resolve("shapes.csv"), csv);
        Ended ended = Ended.of("fit", file.toString(), "--law", "width-depth", "--json", "--resamples", "0");
        assertThat(ended.code()).as(ended.err()).isZero();
        JsonNode fit = ApiClient.mapper().readTree(ended.out());
        assertThat(fit.at("/parameters/alpha/value").asDouble()).isBetween(.699, .701);
        assertThat(fit.at("/columns/WIDTH").asString()).isEqualTo("hidden_size");
        assertUsage(
                "line 1: no column of active parameters (active, na",
                "fit",
                file.toString(),
                "--law",
                "mixture-of-experts");
        Ended repeated = Ended.of("fit", file.toString(), "--law", "repeated-data", "--resamples", "0");
        assertThat(repeated.out()).contains("  RD* ");
    }

    /** Fresh data and such as are seen 8 times, which are worth less: D' = U (1 + 5 (1 - e^(-7 / 5))). */
    @Test
    void theLawOfFreshDataIsTheTablesOwnOrGiven() throws IOException {
        StringBuilder csv = new StringBuilder("N,D,unique_tokens,loss\n");
        for (double n : new double[] {3e7, 1e8, 3e8, 1e9}) {
            for (double each : new double[] {3, 10, 30, 100}) {
                for (double epochs : new double[] {1, 8}) {
                    double u = 2 * n * each / epochs;
                    double worth = epochs == 1 ? u : u * (1 + 5 * (1 - Math.exp(-7 / 5.0)));
                    csv.append(String.format(
                            Locale.ROOT,
                            "%s,%s,%s,%.12f%n",
                            n,
                            2 * n * each,
                            u,
                            1.82 + 478 * Math.pow(n, -.347) + 2143 * Math.pow(worth, -.367)));
                }
            }
        }
        String file = Files.writeString(directory.resolve("epochs.csv"), csv).toString();
        Ended joint = Ended.of("fit", file, "--law", "data-constrained", "--resamples", "10");
        assertThat(joint.code()).as(joint.err()).isZero();
        assertThat(joint.out())
                .contains("  note: One fit of all 32 runs: 16 repeat their data and tell RD*")
                .containsPattern("  alpha +0\\.3470 \\[");
        Ended own = Ended.of("fit", file, "--law", "data-constrained", "--fresh", "own", "--resamples", "10");
        assertThat(own.code()).as(own.err()).isZero();
        assertThat(own.out())
                .contains("  note: The law of fresh data is that of the 16 of 32 runs that repeat nothing (D <= U)")
                .containsPattern("  alpha +0\\.3470 \\[");
        Ended given = Ended.of(
                "fit", file, "--law", "data-constrained", "--fresh", "1.82,478,2143,.347,.367", "--resamples", "10");
        assertThat(given.out())
                .contains("  note: The law of fresh data was given")
                .containsPattern("  RD\\* +(5\\.0|4\\.9)")
                .containsPattern("  alpha +0\\.3470\n");
        assertUsage(
                "--fresh is of --law data-constrained, which was kaplan",
                "fit",
                file,
                "--law",
                "kaplan",
                "--fresh",
                "1");
        assertUsage(
                "--fresh: the law of fresh data is E,A,B,alpha,beta",
                "fit",
                file,
                "--law",
                "data-constrained",
                "--fresh",
                "1,2");
        assertUsage("no column of distinct training tokens", "fit", table(), "--law", "data-constrained");
    }

    @Test
    void theFloorOfAnEnvelopeCanBePinned() throws IOException {
        StringBuilder csv = new StringBuilder("N,C,loss\n");
        for (double c = 1e18; c < 1e22; c *= 3) {
            csv.append(String.format(Locale.ROOT, "1e8,%s,%.12f%n", c, 1.6 + 2.3e3 * Math.pow(c, -.155)));
        }
        Path file = Files.writeString(directory.resolve("frontier.csv"), csv);
        Ended pinned = Ended.of("fit", file.toString(), "--law", "envelope:1.6", "--resamples", "0");
        assertThat(pinned.out()).contains("L = 1.6 + A C^-gamma").contains("  gamma      0.1550");
        assertUsage("--law: the floor of 'envelope:low' is no number", "fit", file.toString(), "--law", "envelope:low");
        assertUsage("the floor must be 0 or positive, was -1.0", "fit", file.toString(), "--law", "envelope:-1");
    }

    @Test
    void helpNamesTheLawsAndTheirColumns() {
        String help = Ended.of("fit", "--help").out().replaceAll("\\s+", " ");
        assertThat(help)
                .contains(
                        "chinchilla, kaplan, over-training, envelope, repeated-data (U), data-constrained (U), width-depth")
                .contains("mixture-of-experts (ACTIVE), rate-batch (RATE, BATCH)")
                .contains("N, D, C, LOSS, GROUP, WEIGHT, U, ACTIVE, WIDTH, DEPTH, RATE, BATCH")
                .contains("WARMUP_TOKENS, WARMUP_STEPS, STEPS", "COMPARABILITY, TOKENIZER, DATASET");
    }

    private static void assertUsage(String message, String... args) {
        Ended ended = Ended.of(args);
        assertThat(ended.code()).as(ended.err()).isEqualTo(ExitCode.USAGE.code());
        assertThat(ended.err()).containsIgnoringCase(message);
    }
}
