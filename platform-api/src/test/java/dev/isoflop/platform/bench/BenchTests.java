package dev.isoflop.platform.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Both benchmarks, small, as commands: that they measure what they say and find no fault. Nothing is asserted about speed. */
class BenchTests {

    private static final JsonMapper JSON = JsonMapper.builder().build();

    @TempDir
    Path directory;

    private record Ended(int code, String out) {}

    private Ended run(Class<?> main, String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-Xmx512m",
                "-cp",
                System.getProperty("java.class.path"),
                main.getName()));
        command.addAll(List.of(arguments));
        File out = directory.resolve("out.txt").toFile();
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(out)
                .start();
        try {
            assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
            return new Ended(process.exitValue(), Files.readString(out.toPath()));
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }

    @Test
    void theWholePlatformUnderLoadGrantsNothingTwiceAndRefusesNothing() throws Exception {
        Path report = directory.resolve("report.json");

        Ended ended = run(
                PlatformBench.class,
                "--runs",
                "1000",
                "--points",
                "40000",
                "--runners",
                "2,12",
                "--seconds",
                "1",
                "--jvm",
                "-Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1",
                "--report",
                report.toString(),
                "--json");

        assertThat(ended.code()).as(ended.out()).isZero();
        JsonNode json = JSON.readTree(ended.out().lines().toList().getLast());
        assertThat(json).isEqualTo(JSON.readTree(Files.readString(report)));
        assertThat(json.path("faults")).isEmpty();
        assertThat(json.at("/data/runs").asInt()).isEqualTo(1000);
        assertThat(json.at("/data/points").asLong()).isEqualTo(40_000);
        assertThat(json.at("/machine/fsync").asString()).isEqualTo("on");
        for (String phase : List.of("claims", "lives", "heartbeats", "metrics", "submissions")) {
            assertThat(json.path(phase)).hasSize(2);
            for (JsonNode round : json.path(phase)) {
                assertThat(round.path("errors").asInt()).isZero();
                assertThat(round.path("duplicates").asInt()).isZero();
                assertThat(round.path("disagreements").asInt()).isZero();
                assertThat(round.path("requests")).isNotEmpty();
                for (JsonNode request : round.path("requests")) {
                    assertThat(request.path("count").asInt()).isPositive();
                    assertThat(request.path("p99Millis").asDouble())
                            .isGreaterThanOrEqualTo(request.path("p50Millis").asDouble());
                }
            }
        }
        assertThat(json.at("/metrics/0/points").asLong())
                .isEqualTo(1_000 * json.at("/metrics/0/requests/batch/count").asLong());
        assertThat(json.at("/reads/requests").propertyNames())
                .contains("overview", "runs, deep page", "chart, long run");
        assertThat(json.at("/readsUnderLoad/background/requests/heartbeat/count")
                        .asInt())
                .isPositive();
        assertThat(json.at("/memory/residentBytes").asLong()).isGreaterThan(50L << 20);
        assertThat(json.at("/memory/heapUsedBytes").asLong()).isPositive();
    }

    @Test
    void theMetricStoreTakesWhatItAcknowledges() throws Exception {
        Path report = directory.resolve("report.json");

        Ended ended = run(MetricsBench.class, "--seconds", "1", "--clients", "2", "--report", report.toString());

        assertThat(ended.code()).as(ended.out()).isZero();
        assertThat(JSON.readTree(Files.readString(report)).path("ingest")).hasSize(3);
    }

    @Test
    void optionsThatMakeNoSenseAreNamed() {
        assertThatThrownBy(() -> LoadOptions.parse("--runs", "10"))
                .hasMessageContaining("--runs wants a number from 200");
        assertThatThrownBy(() -> LoadOptions.parse("--points", "many")).hasMessageContaining("--points wants a number");
        assertThatThrownBy(() -> LoadOptions.parse("--speed", "high")).hasMessageContaining("unknown option --speed");
        assertThat(LoadOptions.parse("--runners", "1,2", "--json").runners()).containsExactly(1, 2);
    }
}
