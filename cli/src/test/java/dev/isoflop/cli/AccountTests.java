package dev.isoflop.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.scaling.accounting.Catalogue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** {@code isoflop account}, with no platform anywhere. */
class AccountTests {

    private static final String SWEEP = Path.of(
                    System.getProperty("isoflop.root", ".."), "examples", "isoflop-cpu.yaml")
            .toString();

    @Test
    void printsTheArithmetic() {
        Ended ended = Ended.of("account", "llama-3-8b", "--device", "A100", "--mfu", "0.5", "--price-per-hour", "1.5");
        assertThat(ended.code()).as(ended.err()).isZero();
        assertThat(ended.out().lines())
                .anyMatch(l -> l.matches(" +N +8,030,261,248 .*embedding \\+ attention \\+ feed-forward.*"))
                .anyMatch(l -> l.contains("2 L h d_h (T + 1) = 2 × 32 × 32 × 128 × (8,192 + 1)"))
                .anyMatch(l -> l.matches(" +KV a token +128\\.0 KiB .*"))
                .anyMatch(l -> l.matches(" +cost .*device-hours × price.*× 1\\.5"));
    }

    @Test
    void takesAModelOfASweepFile() throws IOException {
        Ended ended = Ended.of("account", SWEEP, "--model", "d32", "--json");
        assertThat(ended.code()).as(ended.err()).isZero();
        JsonNode json = ApiClient.mapper().readTree(ended.out());
        assertThat(json.at("/sections/0/total/value").asDouble()).isEqualTo(70_400 + 7 * 32);
        assertThat(json.at("/workload/precision").asString()).isEqualTo("FP32");
        assertThat(json.at("/workload/batchSequences").asInt()).isEqualTo(1);
        assertThat(json.at("/architecture/contextLength").asInt()).isEqualTo(128);
    }

    @Test
    void optionsChangeAPreset() throws IOException {
        Ended ended = Ended.of("account", "llama-3-8b", "--no-tied-embeddings", "--experts", "4", "--json");
        assertThat(ended.code()).as(ended.err()).isZero();
        JsonNode json = ApiClient.mapper().readTree(ended.out());
        assertThat(json.at("/architecture/expertsPerToken").asInt()).isEqualTo(2);
        assertThat(json.at("/noEngine").asString()).contains("experts");
    }

    /** What the tests of the dashboard answer with; record it anew with these commands when the accounting has changed. */
    @Test
    void theDashboardsTestsAnswerAsWeDo() throws IOException {
        Path recorded = Path.of(SWEEP).resolveSibling("../web-ui/e2e/accounting.json");
        Assumptions.assumeTrue(Files.isRegularFile(recorded), "there is no dashboard beside this module");
        JsonNode file = ApiClient.mapper().readTree(recorded.toFile());
        assertThat(file.path("catalogue").toString())
                .isEqualTo(ApiClient.mapper()
                        .readTree(ApiClient.mapper().writeValueAsString(Catalogue.all()))
                        .toString());
        assertRecorded(file, "llama-3-8b");
        assertRecorded(file, "mixtral-8x7b");
        assertRecorded(
                file,
                "gpt-2",
                "--norm",
                "RMS",
                "--positions",
                "ROTARY",
                "--feed-forward",
                "SWIGLU",
                "--no-biases",
                "--batch-sequences",
                "8",
                "--price-per-hour",
                "2.5");
    }

    private static void assertRecorded(JsonNode file, String preset, String... options) {
        String[] args = Stream.of(new String[] {"account", preset}, options, new String[] {"--json"})
                .flatMap(Stream::of)
                .toArray(String[]::new);
        assertThat(file.path("answers").path(preset).toString())
                .as(String.join(" ", args))
                .isEqualTo(ApiClient.mapper().readTree(Ended.of(args).out()).toString());
    }

    @Test
    void whatIsWrongIsNamedAsAnOptionWithTheFix() {
        assertUsage(
                "--heads = 7 does not divide dModel = 4096; use a divisor, such as 8", "llama-3-8b", "--heads", "7");
        assertUsage("--kv-heads = 5 does not divide heads = 32", "llama-3-8b", "--kv-heads", "5");
        assertUsage("--device = 'H1000' is unknown; there are B200, H200", "llama-3-8b", "--device", "H1000");
        assertUsage("--mfu = 40.0 must be above 0 and at most 1", "llama-3-8b", "--mfu", "40");
        assertUsage("PRESET = 'gpt-9' is unknown; there are gpt-2", "gpt-9");
        assertUsage("--vocab-size is needed", "--d-model", "64");
        assertUsage("has several models; say --model d8, d12", SWEEP);
        assertUsage("--model d9 is not in", SWEEP, "--model", "d9");
        assertUsage("There is no file nope.yaml.", "nope.yaml");
    }

    private static void assertUsage(String message, String... args) {
        String[] all = new String[args.length + 1];
        all[0] = "account";
        System.arraycopy(args, 0, all, 1, args.length);
        Ended ended = Ended.of(all);
        assertThat(ended.code()).as(ended.err()).isEqualTo(ExitCode.USAGE.code());
        assertThat(ended.err()).contains(message);
    }
}
