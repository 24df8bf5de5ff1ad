package dev.isoflop.runner.work.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class ProcessGroupTests {

    @TempDir
    Path directory;

    @BeforeEach
    void onlyWhereThereAreSessions() {
        assumeTrue(ProcessGroup.isSupported(), "programs are run on Linux with setsid only");
    }

    /** A runner in small: starts a program and is killed. */
    static final class Holder {
        public static void main(String[] args) throws Exception {
            ProcessGroup group = ProcessGroup.start(
                    List.of("/bin/sh", "-c", "trap '' TERM; sleep 7201 & wait"), Path.of(args[0]), System.getenv());
            System.out.println(group.members().getFirst());
            Thread.sleep(60_000);
            group.close();
        }
    }

    @Test
    void aRunnerThatIsKilledTakesItsProgramsWithIt() throws Exception {
        Process holder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Holder.class.getName(),
                        directory.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (BufferedReader lines = holder.inputReader()) {
            String line = lines.readLine();
            while (line != null && !line.matches("\\d+")) {
                line = lines.readLine(); // what logging has to say at its start
            }
            Path program = Path.of("/proc", String.valueOf(line));
            assertThat(program).isDirectory();
            holder.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
            while (Files.isReadable(program.resolve("environ")) && isAlive(program)) {
                assertThat(System.nanoTime()).as("in time").isLessThan(end);
                Thread.sleep(20);
            }
        } finally {
            holder.destroyForcibly();
        }
    }

    private static boolean isAlive(Path program) {
        try {
            return !Files.readString(program.resolve("stat")).contains(") Z ");
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void aProgramLeadsItsSessionFromTheStartAndItsEndCarriesTheSignal() throws Exception {
        try (ProcessGroup group = ProcessGroup.start(List.of("/bin/sleep", "7202"), directory, Map.of())) {
            assertThat(group.members()).hasSize(1);
            assertThat(Signals.session(group.members().getFirst()))
                    .isEqualTo(group.members().getFirst());
            group.signal(Signals.TERM);
            assertThat(group.awaitExit(5_000)).isTrue();
            assertThat(group.exitCode()).isEqualTo(128 + Signals.TERM);
        }
    }

    @Test
    void nobodySignalsTheWholeMachine() {
        for (long pid : new long[] {-1, 0, 1, 1L << 40}) {
            assertThatThrownBy(() -> Signals.group(pid, Signals.CONT)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> Signals.process(pid, Signals.CONT)).isInstanceOf(IllegalArgumentException.class);
        }
    }
}
