package dev.isoflop.runner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunnerTokenTests {

    private static final Duration SHORT = Duration.ofMillis(300);

    @TempDir
    private Path directory;

    @Test
    void anOptionGoesBeforeAFile() throws Exception {
        Path file = Files.writeString(directory.resolve("token"), "isf_file\n");
        assertThat(new RunnerToken("isf_option", file, SHORT).read()).isEqualTo("isf_option");
        assertThat(new RunnerToken(" ", file, SHORT).read()).isEqualTo("isf_file");
    }

    @Test
    void aFileThatIsYetToBeWrittenIsWaitedFor() throws Exception {
        Path file = directory.resolve("token");
        CompletableFuture<String> read = CompletableFuture.supplyAsync(() -> {
            try {
                return new RunnerToken(null, file, Duration.ofSeconds(30)).read();
            } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        Files.writeString(file, "");
        Thread.sleep(300);
        assertThat(read).isNotDone();
        Files.writeString(file, "isf_late\n");
        assertThat(read.get()).isEqualTo("isf_late");
    }

    @Test
    void withoutAnySaysWhatToDo() {
        assertThatThrownBy(() -> new RunnerToken(null, null, SHORT).read()).hasMessageContaining("set ISOFLOP_TOKEN");
        Path nowhere = directory.resolve("nowhere/token");
        assertThatThrownBy(() -> new RunnerToken("", nowhere, SHORT).read())
                .isInstanceOf(IOException.class)
                .hasMessageContaining(nowhere.toString())
                .hasMessageContaining("isoflop.token-file.runner");
    }

    @Test
    void theHeardFileHasTheTimeOfTheLastAnswer() throws Exception {
        Path file = directory.resolve("heard");
        Runnable heard = HeardFile.of(file);
        heard.run();
        Files.setLastModifiedTime(file, FileTime.from(Instant.EPOCH));
        heard.run();
        assertThat(Files.getLastModifiedTime(file).toInstant())
                .isAfter(Instant.now().minusSeconds(60));
        HeardFile.of(directory.resolve("nowhere/heard")).run(); // a disk that fails is no reason to end
    }
}
