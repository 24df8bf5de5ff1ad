package dev.isoflop.protocol.runner;

import java.util.List;

/**
 * @param firstSeq number of the first line within the attempt, from 0; lines already stored are skipped
 * @param lines in order
 */
public record LogBatch(long firstSeq, List<Line> lines) {

    public LogBatch {
        lines = List.copyOf(lines);
    }

    /**
     * @param timeMillis runner's wall clock, milliseconds since the epoch
     * @param level INFO, WARN or ERROR
     * @param text one line
     */
    public record Line(long timeMillis, String level, String text) {}
}
