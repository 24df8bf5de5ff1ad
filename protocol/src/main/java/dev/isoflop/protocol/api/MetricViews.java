package dev.isoflop.protocol.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the REST API serves about metric series. */
public final class MetricViews {

    private MetricViews() {}

    /**
     * The summary of a series that lists and fits read. Values are absent when no point was finite.
     *
     * @param count points in the stitched series
     * @param nonfinite how many of them were NaN or infinite
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Head(
            String metric,
            long lastStep,
            @Nullable Double last,
            @Nullable Double min,
            @Nullable Double max,
            long count,
            long nonfinite) {}

    /**
     * A series drawn as at most {@code maxPoints} buckets, in order of step. The range is cut first, then bucketed;
     * the first and the last point of the range are always the first and last values. Buckets without a finite value
     * are left out.
     *
     * @param reduced whether a bucket may stand for more than one point
     * @param points points of the range before reduction
     * @param steps step of each bucket's last point
     * @param times its wall clock, milliseconds since the epoch
     * @param last value of each bucket's last point
     * @param min smallest finite value of each bucket
     * @param max largest finite value of each bucket
     * @param segments which attempt each stretch came from
     */
    @SuppressWarnings("ArrayRecordComponent") // columns travel as arrays
    public record Series(
            String metric,
            boolean reduced,
            long points,
            long[] steps,
            long[] times,
            double[] last,
            double[] min,
            double[] max,
            List<Segment> segments) {}

    /**
     * @param attempt attempt that wrote it
     * @param fromStep first step (exclusive) it wrote after: the step it resumed from
     * @param toStep last step that counts; later ones are shadowed by the next segment
     */
    public record Segment(int attempt, long fromStep, long toStep) {}

    /**
     * What a device did over a time, as columns of equal length in order of time; NaN where it did not tell. Utilisation,
     * power and clock are means of their bucket, memory and temperature its largest, since those are what runs out.
     *
     * @param bucketSeconds width of a bucket; 0 where every heartbeat is its own
     * @param times milliseconds since the epoch; of a bucket, its last heartbeat's
     * @param utilisationPercent share of the time in which some kernel ran, 0 to 100
     * @param memoryUsedBytes by all processes and the driver
     * @param powerWatts of the whole board
     * @param temperatureCelsius of the chip
     * @param smClockMhz of the multiprocessors
     */
    @SuppressWarnings("ArrayRecordComponent") // columns travel as arrays
    public record DeviceSeries(
            int bucketSeconds,
            long[] times,
            double[] utilisationPercent,
            double[] memoryUsedBytes,
            double[] powerWatts,
            double[] temperatureCelsius,
            double[] smClockMhz) {}
}
