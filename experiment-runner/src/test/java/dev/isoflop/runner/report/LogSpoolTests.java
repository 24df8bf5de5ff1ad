package dev.isoflop.runner.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.protocol.runner.LogBatch;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogSpoolTests {

    @TempDir
    Path directory;

    private static LogBatch.Line line(int i) {
        return new LogBatch.Line(i, "INFO", "line " + i + " äß\t\"quoted\"");
    }

    private static List<LogBatch.Line> drain(LogSpool spool, int most) {
        List<LogBatch.Line> all = new ArrayList<>();
        for (List<LogBatch.Line> lines = spool.first(most); !lines.isEmpty(); lines = spool.first(most)) {
            all.addAll(lines);
            spool.remove(lines.size());
        }
        return all;
    }

    @Test
    void linesBeyondMemoryGoToDiskAndComeBackInOrderWhileOthersFollow() {
        Path file = directory.resolve("spool/log");
        LogSpool spool = new LogSpool(file, 10, 1 << 20);
        IntStream.range(0, 100).mapToObj(LogSpoolTests::line).forEach(spool::add);
        assertThat(file).exists();
        List<LogBatch.Line> first = spool.first(25);
        assertThat(first).hasSizeGreaterThanOrEqualTo(10);
        spool.remove(first.size());
        IntStream.range(100, 130).mapToObj(LogSpoolTests::line).forEach(spool::add);
        List<LogBatch.Line> all = new ArrayList<>(first);
        all.addAll(drain(spool, 7));
        assertThat(all)
                .isEqualTo(IntStream.range(0, 130).mapToObj(LogSpoolTests::line).toList());
        assertThat(file).doesNotExist();
        assertThat(spool.isEmpty()).isTrue();
    }

    @Test
    void atItsBoundItCountsWhatItDropsAndSaysSo() {
        LogSpool spool = new LogSpool(directory.resolve("log"), 2, 500);
        IntStream.range(0, 100).mapToObj(LogSpoolTests::line).forEach(spool::add);
        List<LogBatch.Line> kept = drain(spool, 50);
        assertThat(kept).hasSizeBetween(5, 15);
        spool.add(line(100));
        assertThat(drain(spool, 50))
                .extracting(LogBatch.Line::text)
                .containsExactly(
                        (100 - kept.size()) + " lines were dropped here: the platform was away",
                        line(100).text());
    }

    @Test
    void aDiskThatTakesNothingLeavesWhatIsInMemory() throws Exception {
        Path file = Files.writeString(directory.resolve("taken"), "no directory");
        LogSpool spool = new LogSpool(file.resolve("log"), 3, 1 << 20);
        IntStream.range(0, 10).mapToObj(LogSpoolTests::line).forEach(spool::add);
        assertThat(drain(spool, 5)).containsExactly(line(0), line(1), line(2));
        spool.add(line(10));
        assertThat(drain(spool, 5)).hasSize(2).last().isEqualTo(line(10));
    }
}
