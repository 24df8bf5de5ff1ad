package dev.isoflop.db.metric;

import dev.isoflop.protocol.runner.MetricBatch;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What can be said against a batch without looking at the database. */
final class BatchCheck {

    static final int MAX_POINTS = 5_000;
    static final int MAX_NAME = 200;
    static final int MAX_NAMES = 2_000;
    /** Largest whole number that JSON carries exactly everywhere: 2⁵³ - 1. */
    static final long MAX_STEP = (1L << 53) - 1;
    /** The last millisecond of the year 9999. */
    static final long MAX_TIME = 253_402_300_799_999L;

    private BatchCheck() {}

    static AppendOutcome.@Nullable Invalid fault(MetricBatch batch) {
        if (batch.seq() < 0) {
            return new AppendOutcome.Invalid("/seq", "counts from 0, was " + batch.seq());
        }
        List<MetricBatch.Series> series = batch.series();
        Set<String> names = HashSet.newHashSet(series.size());
        long points = 0;
        for (int i = 0; i < series.size(); i++) {
            String at = "/series/" + i;
            AppendOutcome.Invalid fault = seriesFault(at, series.get(i));
            if (fault != null) {
                return fault;
            }
            if (!names.add(series.get(i).metric())) {
                return new AppendOutcome.Invalid(
                        at + "/metric", "'" + series.get(i).metric() + "' is in the batch twice");
            }
            points += series.get(i).steps().length;
        }
        if (points > MAX_POINTS) {
            return new AppendOutcome.Invalid(
                    "/series", "at most " + MAX_POINTS + " points in a batch, has " + points + ": send it in parts");
        }
        return null;
    }

    @SuppressWarnings("ConstantValue") // what came over HTTP may lack any of its fields
    private static AppendOutcome.@Nullable Invalid seriesFault(String at, MetricBatch.Series series) {
        AppendOutcome.Invalid name = nameFault(at + "/metric", series.metric());
        if (name != null) {
            return name;
        }
        long[] steps = series.steps();
        if (steps == null || series.values() == null || series.timesMillis() == null) {
            return new AppendOutcome.Invalid(at, "needs the columns steps, values and timesMillis");
        }
        if (series.values().length != steps.length || series.timesMillis().length != steps.length) {
            return new AppendOutcome.Invalid(
                    at,
                    "columns differ in length: " + steps.length + " steps, " + series.values().length + " values, "
                            + series.timesMillis().length + " times");
        }
        for (int i = 0; i < steps.length; i++) {
            if (steps[i] < 0 || steps[i] > MAX_STEP) {
                return new AppendOutcome.Invalid(at + "/steps/" + i, "a step is 0 to 2^53 - 1, was " + steps[i]);
            }
            if (i > 0 && steps[i] <= steps[i - 1]) {
                return new AppendOutcome.Invalid(
                        at + "/steps/" + i, "steps go up within a batch, " + steps[i] + " follows " + steps[i - 1]);
            }
            long time = series.timesMillis()[i];
            if (time < 0 || time > MAX_TIME) {
                return new AppendOutcome.Invalid(
                        at + "/timesMillis/" + i, "a time is milliseconds since 1970, was " + time);
            }
        }
        return null;
    }

    @SuppressWarnings("ConstantValue")
    private static AppendOutcome.@Nullable Invalid nameFault(String at, String name) {
        if (name == null || name.isBlank()) {
            return new AppendOutcome.Invalid(at, "a series needs a name, such as train/loss");
        }
        if (name.length() > MAX_NAME) {
            return new AppendOutcome.Invalid(
                    at, "a name has at most " + MAX_NAME + " characters, has " + name.length());
        }
        if (name.chars().anyMatch(Character::isISOControl)) {
            return new AppendOutcome.Invalid(at, "a name holds no control characters");
        }
        return null;
    }
}
