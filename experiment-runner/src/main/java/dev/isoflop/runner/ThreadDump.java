package dev.isoflop.runner;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** What the threads of this process are doing, as lines of a log. */
final class ThreadDump {

    private static final int MOST_FRAMES = 30;
    private static final int MOST_LINES = 400;

    private ThreadDump() {}

    /** @param first whose stack comes first */
    static List<String> of(Thread first) {
        List<String> lines = new ArrayList<>();
        Thread.getAllStackTraces().entrySet().stream()
                .filter(e -> e.getValue().length > 0)
                .sorted(Comparator.comparing((Map.Entry<Thread, StackTraceElement[]> e) -> e.getKey() != first)
                        .thenComparing(e -> e.getKey().getName()))
                .forEach(e -> {
                    lines.add(
                            "thread " + e.getKey().getName() + " (" + e.getKey().getState() + ")");
                    StackTraceElement[] frames = e.getValue();
                    for (int i = 0; i < Math.min(MOST_FRAMES, frames.length); i++) {
                        lines.add("    at " + frames[i]);
                    }
                });
        return lines.size() <= MOST_LINES ? lines : lines.subList(0, MOST_LINES);
    }
}
