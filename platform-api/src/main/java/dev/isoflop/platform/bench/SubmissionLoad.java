package dev.isoflop.platform.bench;

import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;

/** Sweeps of {@value #RUNS} runs, submitted by so many at once, to as many experiments as a group may have. */
final class SubmissionLoad {

    static final int RUNS = 20;
    private static final int EXPERIMENTS = 50;

    private SubmissionLoad() {}

    static RunnerLoad.Checked submissions(
            LoadClient http, BenchDatabase database, SeededData data, int submitters, double seconds, Phase.Meter meter)
            throws Exception {
        AtomicLong accepted = new AtomicLong();
        Phase phase = new Phase(submitters, seconds, 0, meter);
        phase.run(client -> {
            Map<String, Object> sweep = sweep(client);
            phase.timed(
                    "submission",
                    () -> http.post(
                            "/sweeps",
                            sweep,
                            Map.of("Idempotency-Key", UUID.randomUUID().toString())));
            accepted.incrementAndGet();
            return true;
        });
        long stored = database.count(
                data,
                "select count(*) from run r join sweep s on s.id = r.sweep_id where r.id >= %2$d and r.state = 'queued'");
        RunnerLoad.Checked checked = new RunnerLoad.Checked(
                phase,
                0,
                Math.abs(stored - RUNS * accepted.get()),
                Map.of("runsEach", RUNS, "runsPerSecond", RUNS * accepted.get() / phase.seconds()));
        database.reset(data);
        return checked;
    }

    private static Map<String, Object> sweep(int client) {
        return Map.of(
                "kind",
                "command",
                "name",
                "load-" + UUID.randomUUID(),
                "experiment",
                "load-" + client % EXPERIMENTS,
                // nobody serves it
                "pool",
                "load-submitted",
                "command",
                List.of("python3", "train.py", "--width", "{width}", "--lr", "{lr}"),
                "parameters",
                Map.of(
                        "width", Map.of("values", List.of(16, 32, 48, 64, 96)),
                        "lr", Map.of("values", List.of(0.001, 0.003, 0.01, 0.03))));
    }
}
