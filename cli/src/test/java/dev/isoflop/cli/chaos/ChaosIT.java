package dev.isoflop.cli.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The chaos suite for half a minute, as a person starts it; {@code -Dchaos.seed=N} has another script. */
class ChaosIT {

    private static final Path ROOT =
            Path.of(System.getProperty("isoflop.root", "..")).toAbsolutePath().normalize();

    @TempDir
    Path directory;

    @Test
    void sixteenRunsSurviveHalfAMinuteOfDisturbances() throws Exception {
        assumeTrue(Files.isDirectory(Path.of("/proc/self")), "it finds PostgreSQL's processes in /proc");
        assumeTrue(
                Files.isDirectory(ROOT.resolve("platform-api/target/lib"))
                        && Files.isDirectory(ROOT.resolve("experiment-runner/target/lib")),
                "the platform and the runner are not packaged: ./isoflop build");
        Path out = directory.resolve("out");
        Path log = directory.resolve("log");
        Process chaos = new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Disoflop.root=" + ROOT,
                        "-cp",
                        jar() + File.pathSeparator + ROOT.resolve("cli/target/lib") + File.separator + "*",
                        "dev.isoflop.cli.IsoflopMain",
                        "chaos",
                        "--minutes",
                        "0.5",
                        "--runs",
                        "16",
                        "--seed",
                        System.getProperty("chaos.seed", "1"),
                        "--json"))
                .redirectOutput(out.toFile())
                .redirectError(log.toFile())
                .start();
        try {
            assertThat(chaos.waitFor(8, TimeUnit.MINUTES)).as("it ends").isTrue();
        } finally {
            chaos.destroy();
        }
        System.out.println(Files.readString(log));
        assertThat(chaos.exitValue()).as(Files.readString(log)).isZero();
        assertThat(Files.readAllLines(out).getLast())
                .contains("\"runs\":16", "\"succeeded\":16", "\"lost\":0", "\"linearizable\":true");
    }

    private static Path jar() throws Exception {
        try (Stream<Path> files = Files.list(ROOT.resolve("cli/target"))) {
            return files.filter(f -> f.getFileName().toString().matches("cli-.*\\.jar"))
                    .findFirst()
                    .orElseThrow();
        }
    }
}
