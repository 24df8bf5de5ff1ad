package dev.isoflop.runner.work.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutputTests {

    private long now;

    private List<String> read(String text) throws IOException {
        List<String> lines = new ArrayList<>();
        new LineReader(lines::add, () -> now).read(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
        return lines;
    }

    @Test
    void linesAreCutAtNewlinesAndTheLastNeedsNone() throws IOException {
        assertThat(read("ä\r\n\nb")).containsExactly("ä", "", "b");
    }

    @Test
    void aProgressBarIsALineNowAndThenAndItsEndIsKept() throws IOException {
        assertThat(read("1%\r2%\r3%\r100%\nnext\n")).containsExactly("1%", "100%", "next");
    }

    @Test
    void anEndlessLineIsCut() throws IOException {
        assertThat(read("x".repeat(LineReader.MAX_LINE + 5)))
                .extracting(String::length)
                .containsExactly(LineReader.MAX_LINE, 5);
    }

    @Test
    void theLogTakesABurstThenSoMuchASecondThenNoMoreAndSaysSo() {
        List<String> lines = new ArrayList<>();
        OutputLog log = new OutputLog(
                new OutputLog.Limits(10, 20, 1_000, 1_000, 50), (level, line) -> lines.add(line), s -> s, () -> now);
        for (int i = 0; i < 4; i++) {
            log.line("INFO", "123456789");
        }
        now += 1_000_000_000L;
        log.line("INFO", "abcdefghi");
        now += 2_000_000_000L;
        for (int i = 0; i < 3; i++) {
            log.line("INFO", "ABCDEFGHI");
        }
        log.end();
        assertThat(lines)
                .containsExactly(
                        "123456789",
                        "123456789",
                        "… 2 lines (20 bytes) left out here: the program prints faster than the log takes",
                        "abcdefghi",
                        "ABCDEFGHI",
                        "ABCDEFGHI",
                        "… the output has reached 50 bytes: the rest is left out",
                        "… 1 lines (10 bytes) left out here: the log is full");
    }

    @Test
    void theKernelsCounterIsTheEvidence(@TempDir Path directory) throws IOException {
        Path events = directory.resolve("memory.events");
        Files.writeString(events, "low 0\noom 1\noom_kill 1\n");
        OutOfMemoryEvidence evidence = OutOfMemoryEvidence.begin(events);
        assertThat(evidence.kernelKilled()).isFalse();
        Files.writeString(events, "low 0\noom 2\noom_kill 2\n");
        assertThat(evidence.kernelKilled()).isTrue();
    }

    @Test
    void trainersSayThatTheyGotNoMemory() {
        assertThat(OutOfMemoryEvidence.saidSo(List.of("RuntimeError: CUDA out of memory. Tried to allocate")))
                .isTrue();
        assertThat(OutOfMemoryEvidence.saidSo(List.of("MemoryError"))).isTrue();
        assertThat(OutOfMemoryEvidence.saidSo(List.of("MemoryErrors are rare"))).isFalse();
        assertThat(OutOfMemoryEvidence.saidSo(List.of("ValueError: memory"))).isFalse();
    }
}
