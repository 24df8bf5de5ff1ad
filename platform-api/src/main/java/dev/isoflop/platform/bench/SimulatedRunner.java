package dev.isoflop.platform.bench;

import dev.isoflop.protocol.job.JobResult;
import dev.isoflop.protocol.runner.ClaimGrant;
import dev.isoflop.protocol.runner.ClaimRequest;
import dev.isoflop.protocol.runner.DeviceSample;
import dev.isoflop.protocol.runner.Directives;
import dev.isoflop.protocol.runner.FinishAttempt;
import dev.isoflop.protocol.runner.Heartbeat;
import dev.isoflop.protocol.runner.MetricAck;
import dev.isoflop.protocol.runner.MetricBatch;
import dev.isoflop.protocol.runner.RegisterRunner;
import dev.isoflop.protocol.runner.Registration;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;

/** A runner with one GPU as far as the platform can tell: it says what a real one does, and trains nothing. Used by one thread at a time. */
final class SimulatedRunner {

    static final int SERIES = 50;
    static final int POINTS = 20;

    private static final AtomicInteger NAMES = new AtomicInteger();
    private static final long MEMORY = 1L << 36;
    private static final List<String> KINDS = List.of("pretrain", "data", "command");

    private final LoadClient http;
    private final String instance = UUID.randomUUID().toString();
    private final long id;
    private final List<Held> held = new ArrayList<>();
    private final SplittableRandom random = new SplittableRandom(NAMES.get());

    /** A run as it was granted, and what was reported of it. */
    static final class Held {
        final long run;
        final int attempt;
        long step;
        long batches;

        Held(long run, int attempt) {
            this.run = run;
            this.attempt = attempt;
        }

        String key() {
            return run + ":" + attempt;
        }

        private String path() {
            return "/runs/" + run + "/attempts/" + attempt;
        }
    }

    private SimulatedRunner(LoadClient http) throws IOException {
        this.http = http;
        this.id = LoadClient.JSON
                .readValue(
                        http.post(
                                "/runners",
                                new RegisterRunner(
                                        "load-" + NAMES.incrementAndGet(),
                                        instance,
                                        Seeder.POOL,
                                        "localhost",
                                        1,
                                        "load",
                                        256,
                                        8,
                                        MEMORY,
                                        List.of(new RegisterRunner.Device(
                                                0, "simulated", 80L << 30, "0000:3B:00.0", 132, "9.0", "13.0")),
                                        KINDS)),
                        Registration.class)
                .runnerId();
    }

    static SimulatedRunner register(LoadClient http) throws IOException {
        return new SimulatedRunner(http);
    }

    long id() {
        return id;
    }

    List<Held> held() {
        return held;
    }

    /** Asks for that many runs and holds what it gets. */
    List<Held> claim(int slots) throws IOException {
        ClaimGrant grant = LoadClient.JSON.readValue(
                http.post(
                        "/runners/" + id + "/claims",
                        new ClaimRequest(slots, MEMORY, KINDS),
                        Map.of("Idempotency-Key", UUID.randomUUID().toString())),
                ClaimGrant.class);
        List<Held> granted = grant.assignments().stream()
                .map(a -> new Held(a.runId(), a.attempt()))
                .toList();
        held.addAll(granted);
        return granted;
    }

    void start(Held run) throws IOException {
        http.post(run.path() + "/start", null);
    }

    void succeed(Held run) throws IOException {
        http.post(
                run.path() + "/finish",
                new FinishAttempt(
                        FinishAttempt.Outcome.SUCCEEDED,
                        new JobResult.Pretrained(
                                2 + random.nextDouble(), 1.2, 16_384, 15_625, 4_000_000, 50_000, 80, false),
                        null));
        held.remove(run);
    }

    /**
     * Tells that all it holds has got further and what its device did.
     *
     * @throws IOException also if the platform does not want exactly these runs to go on
     */
    void heartbeat() throws IOException {
        List<Heartbeat.Observed> observed = held.stream()
                .map(run -> new Heartbeat.Observed(run.run, run.attempt, ++run.step, "training"))
                .toList();
        DeviceSample sample = new DeviceSample(
                0,
                90 + random.nextDouble(10),
                (60L << 30) + random.nextInt(1 << 30),
                600 + random.nextDouble(90),
                60.0,
                1_980);
        Directives directives = LoadClient.JSON.readValue(
                http.post(
                        "/runners/" + id + "/heartbeats",
                        new Heartbeat(instance, MEMORY / 2, observed, List.of(sample))),
                Directives.class);
        if (directives.desired().size() != held.size()
                || directives.desired().stream().anyMatch(d -> d.intent() != Directives.Intent.RUN)) {
            throw new IOException("runner " + id + " holds " + held.size() + " runs and was told " + directives);
        }
    }

    /**
     * Sends the next points of a run: {@value #POINTS} of each of {@value #SERIES} series.
     *
     * @return points acknowledged
     */
    int metrics(Held run) throws IOException {
        List<MetricBatch.Series> series = new ArrayList<>(SERIES);
        for (int s = 0; s < SERIES; s++) {
            long[] steps = new long[POINTS];
            double[] values = new double[POINTS];
            long[] times = new long[POINTS];
            for (int i = 0; i < POINTS; i++) {
                steps[i] = run.batches * POINTS + i + 1;
                values[i] = 2 + 5 / Math.sqrt(1 + steps[i]) + 0.1 * random.nextDouble();
                times[i] = 1_780_000_000_000L + 37 * steps[i];
            }
            series.add(new MetricBatch.Series(s == 0 ? "train/loss" : "load/m" + s, steps, values, times));
        }
        int accepted = LoadClient.JSON
                .readValue(http.post(run.path() + "/metrics", new MetricBatch(run.batches, series)), MetricAck.class)
                .accepted();
        run.batches++;
        return accepted;
    }
}
