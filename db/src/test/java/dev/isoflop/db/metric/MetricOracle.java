package dev.isoflop.db.metric;

import dev.isoflop.protocol.runner.MetricBatch;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/** What the metric store should hold, in the plainest way there is: a map of points per attempt and series. */
final class MetricOracle {

    record Point(long step, long time, double value) {}

    private record AttemptPoints(long fromStep, Map<String, NavigableMap<Long, Point>> series) {}

    private final Map<Integer, AttemptPoints> attempts = new LinkedHashMap<>();

    void write(int attempt, long resumedFromStep, MetricBatch batch) {
        AttemptPoints points = attempts.computeIfAbsent(
                attempt, a -> new AttemptPoints(resumedFromStep == 0 ? -1 : resumedFromStep, new TreeMap<>()));
        for (MetricBatch.Series s : batch.series()) {
            NavigableMap<Long, Point> series = points.series.computeIfAbsent(s.metric(), n -> new TreeMap<>());
            for (int i = 0; i < s.steps().length; i++) {
                series.put(s.steps()[i], new Point(s.steps()[i], s.timesMillis()[i], s.values()[i]));
            }
        }
    }

    /** Points that count, in order of step. */
    List<Point> stitched(String name) {
        NavigableMap<Long, Point> whole = new TreeMap<>();
        attempts.forEach((attempt, points) -> {
            whole.tailMap(points.fromStep, false).clear();
            whole.putAll(points.series.getOrDefault(name, new TreeMap<>()));
        });
        return new ArrayList<>(whole.values());
    }
}
