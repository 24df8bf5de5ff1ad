package dev.isoflop.protocol.runner;

import java.util.List;

/**
 * Points of several series, stored all or nothing.
 *
 * @param seq from 0, one more than the batch before; a repeat is acknowledged without effect, a gap is refused
 * @param series columns of points; at most 5,000 points in all
 */
public record MetricBatch(long seq, List<Series> series) {

    public MetricBatch {
        series = List.copyOf(series);
    }

    /**
     * Three columns of one length.
     *
     * @param metric such as {@code train/loss}
     * @param steps optimizer steps, strictly increasing within a batch
     * @param values NaN and infinities are stored as such; JSON carries them as the strings "NaN", "Infinity", "-Infinity"
     * @param timesMillis wall clock of the runner, milliseconds since the epoch
     */
    @SuppressWarnings("ArrayRecordComponent") // columns travel as arrays; identity is never asked of a series
    public record Series(String metric, long[] steps, double[] values, long[] timesMillis) {}
}
