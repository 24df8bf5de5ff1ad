package dev.isoflop.runner;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class SupervisorTests {

    @TempDir
    Path directory;

    /** A worker that writes a line each time it is started, and ends with the statuses given, the last again and again. */
    private int supervise(int mostRestarts, int... statuses) throws IOException, InterruptedException {
        StringBuilder script =
                new StringBuilder("echo $ISOFLOP_RUNNER_WORKER >> starts; n=$(wc -l < starts); case $n in ");
        for (int i = 0; i < statuses.length; i++) {
            script.append(i + 1 == statuses.length ? "*" : String.valueOf(i + 1))
                    .append(") exit ")
                    .append(statuses[i])
                    .append(";; ");
        }
        List<String> command = List.of("sh", "-c", "cd " + directory + "; " + script + "esac");
        return new Supervisor(command, 4, mostRestarts, Duration.ofMinutes(10), Duration.ofSeconds(5)).run();
    }

    private List<String> starts() throws IOException {
        return Files.readAllLines(directory.resolve("starts"));
    }

    @Test
    void aWorkerWhoseGpuFailedIsReplaced() throws Exception {
        assertThat(supervise(3, 4, 4, 0)).isZero();
        assertThat(starts()).containsExactly("1", "1", "1");
    }

    @Test
    void anyOtherEndIsTheSupervisorsToo() throws Exception {
        assertThat(supervise(3, 3)).isEqualTo(3);
        assertThat(starts()).hasSize(1);
    }

    @Test
    void aGpuThatFailsAgainAndAgainEndsTheRunner() throws Exception {
        assertThat(supervise(2, 4)).isEqualTo(4);
        assertThat(starts()).hasSize(3);
    }

    @Test
    void theWorkersCommandIsThisProcessesOwn() {
        List<String> command = Supervisor.ownCommand("Main", List.of("--slots", "2"));
        assertThat(command.getFirst()).endsWith("/bin/java");
        assertThat(command).containsSubsequence("-cp", System.getProperty("java.class.path"), "Main", "--slots", "2");
        assertThat(command).contains("--enable-native-access=ALL-UNNAMED");
        assertThat(Supervisor.isWorker()).isFalse();
    }
}
