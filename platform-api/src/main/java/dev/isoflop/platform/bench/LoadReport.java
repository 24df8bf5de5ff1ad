package dev.isoflop.platform.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What was measured, as one JSON object and as Markdown. */
final class LoadReport {

    private static final List<String> WRITES = List.of("claims", "lives", "heartbeats", "metrics", "submissions");
    private static final Map<String, Object> BARS = Map.of(
            "claimsPerSecond", 1_000, "heartbeatsPerSecond", 2_500, "readP99Millis", 200, "residentBytes", 1L << 30);

    private final Map<String, Object> json = new LinkedHashMap<>();
    private final List<String> lines = new ArrayList<>();
    private final List<String> faults = new ArrayList<>();

    LoadReport() {
        json.put("bars", BARS);
        for (String phase : WRITES) {
            json.put(phase, new ArrayList<Map<String, Object>>());
        }
    }

    void put(String name, Map<String, Object> value) {
        json.put(name, value);
    }

    /** A phase of writes. */
    void add(String name, int clients, RunnerLoad.Checked checked) {
        Map<String, Object> row = row(clients, checked.phase());
        row.put("duplicates", checked.duplicates());
        row.put("disagreements", checked.disagreements());
        row.putAll(checked.more());
        if (json.get(name) instanceof List<?> list) {
            List<Object> rows = new ArrayList<>(list);
            rows.add(row);
            json.put(name, rows);
        }
        if (checked.duplicates() > 0 || checked.disagreements() > 0) {
            faults.add("%s, %d clients: %d duplicates, %d disagreements with the database"
                    .formatted(name, clients, checked.duplicates(), checked.disagreements()));
        }
        note(name, clients, checked.phase());
        checked.phase()
                .figures()
                .forEach((what, figure) ->
                        lines.add(line(clients, name.equals("lives") ? "life: " + what : what, figure)));
        lines.add(cpu(clients, name, checked.phase()));
        Object points = checked.more().get("pointsPerSecond");
        if (points instanceof Double perSecond) {
            lines.add(String.format(Locale.ROOT, "| %,d | metric points | %,.0f | | | |", clients, perSecond));
        }
    }

    private static Map<String, Object> row(int clients, Phase phase) {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("clients", clients);
        row.put("seconds", phase.seconds());
        row.put("errors", phase.errors());
        row.put("cpuSeconds", phase.cpu());
        Map<String, Object> figures = new LinkedHashMap<>();
        phase.figures().forEach((what, figure) -> figures.put(what, figure.json()));
        row.put("requests", figures);
        return row;
    }

    private void note(String name, int clients, Phase phase) {
        if (phase.errors() > 0) {
            faults.add("%s, %d clients: %d errors, the first: %s"
                    .formatted(name, clients, phase.errors(), phase.firstError()));
        }
    }

    /** What one round of a client costs, from which any machine's limit follows. */
    private static String cpu(int clients, String name, Phase phase) {
        long rounds = Math.max(
                1,
                phase.figures().values().stream()
                        .mapToLong(Phase.Figure::count)
                        .max()
                        .orElse(1));
        return String.format(
                Locale.ROOT,
                "| %,d | %s: CPU ms each, platform %.2f, database %.2f, load %.2f | | | | |",
                clients,
                name,
                1e3 * phase.cpu().platform() / rounds,
                1e3 * phase.cpu().database() / rounds,
                1e3 * phase.cpu().load() / rounds);
    }

    private static String line(int clients, String what, Phase.Figure f) {
        return String.format(
                Locale.ROOT,
                "| %,d | %s | %,.0f | %.1f | %.1f | %.1f |",
                clients,
                what,
                f.perSecond(),
                f.millis50(),
                f.millis99(),
                f.millisMax());
    }

    private final List<String> reads = new ArrayList<>();

    /** @param background what went on beside; absent if nothing did */
    void reads(String name, int runners, Phase phase, @Nullable Phase background) {
        Map<String, Object> row = row(ReadLoad.PEOPLE, phase);
        if (background != null) {
            row.put("background", row(runners, background));
            note(name + ", background", runners, background);
        }
        json.put(name, row);
        note(name, ReadLoad.PEOPLE, phase);
        reads.add("");
        reads.add(
                background == null
                        ? "Nothing beside the readers:"
                        : String.format(
                                Locale.ROOT,
                                "Beside %,d runners, %.0f heartbeats/s and %.0f batches/s of %,d points:",
                                runners,
                                background.figure("heartbeat").perSecond(),
                                background.figure("batch").perSecond(),
                                SimulatedRunner.SERIES * SimulatedRunner.POINTS));
        reads.add("");
        reads.add("| page | answers | p50 ms | p99 ms | most ms |");
        reads.add("|---|---|---|---|---|");
        phase.figures()
                .forEach((page, f) -> reads.add(String.format(
                        Locale.ROOT,
                        "| %s | %,d | %.1f | %.1f | %.1f |",
                        page,
                        f.count(),
                        f.millis50(),
                        f.millis99(),
                        f.millisMax())));
    }

    /** Whether nothing was granted twice, refused or lost. */
    boolean isClean() {
        return faults.isEmpty();
    }

    Map<String, Object> json() {
        Map<String, Object> all = new LinkedHashMap<>(json);
        all.put("faults", List.copyOf(faults));
        return all;
    }

    String markdown() {
        StringBuilder text = new StringBuilder();
        part(text, "machine");
        part(text, "data");
        text.append("\n| clients | request | per s | p50 ms | p99 ms | most ms |\n|---|---|---|---|---|---|\n");
        lines.forEach(line -> text.append(line).append('\n'));
        reads.forEach(line -> text.append(line).append('\n'));
        text.append('\n');
        part(text, "memory");
        text.append(
                faults.isEmpty()
                        ? "\nNo run was granted twice, nothing was refused, and the database agrees.\n"
                        : "\nFAULTS:\n");
        faults.forEach(fault -> text.append("- ").append(fault).append('\n'));
        return text.toString();
    }

    private void part(StringBuilder text, String name) {
        if (json.get(name) instanceof Map<?, ?> values) {
            text.append(name).append(": ").append(values).append('\n');
        }
    }
}
