package dev.isoflop.platform.bench;

import dev.isoflop.platform.bench.SimulatedRunner.Held;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.atomic.LongAdder;

/**
 * What runners do, by so many at once: claims alone, whole short lives of runs, heartbeats and batches of metrics. Every grant is kept
 * and compared with all others and with the database.
 */
final class RunnerLoad {

    /** Runs a simulated runner holds before another takes its place. */
    private static final int MOST_HELD = 16;

    private static final int HELD = 2;

    private final LoadClient http;
    private final BenchDatabase database;
    private final SeededData data;
    private final int runners;
    private final double seconds;
    private final Phase.Meter meter;
    private final Map<String, Long> grants = new ConcurrentHashMap<>();
    private final LongAdder duplicates = new LongAdder();

    RunnerLoad(
            LoadClient http, BenchDatabase database, SeededData data, int runners, double seconds, Phase.Meter meter) {
        this.http = http;
        this.database = database;
        this.data = data;
        this.runners = runners;
        this.seconds = seconds;
        this.meter = meter;
    }

    /**
     * A phase and what was found wrong with it.
     *
     * @param duplicates grants of a run that was granted already and had not been given back
     * @param disagreements between what was acknowledged and what the database holds
     */
    record Checked(Phase phase, long duplicates, long disagreements, Map<String, Object> more) {}

    private SimulatedRunner[] register(int number) throws Exception {
        SimulatedRunner[] all = new SimulatedRunner[number];
        Phase registering = new Phase(Math.min(number, 32), 600, 0, meter);
        AtomicInteger next = new AtomicInteger();
        registering.run(client -> {
            int i = next.getAndIncrement();
            if (i >= number) {
                return false;
            }
            all[i] = SimulatedRunner.register(http);
            return true;
        });
        if (registering.errors() > 0) {
            throw new IllegalStateException("registering runners: " + registering.firstError());
        }
        return all;
    }

    private void note(SimulatedRunner runner, Held run) {
        // a run is granted once, whatever its attempt: within a phase none goes back to the queue
        if (grants.putIfAbsent(Long.toString(run.run), runner.id()) != null) {
            duplicates.increment();
        }
        grants.put(run.key(), runner.id());
    }

    private void forget() {
        grants.clear();
        duplicates.reset();
    }

    private long attemptsThatDiffer() throws SQLException {
        Map<String, Long> acknowledged = new LinkedHashMap<>(grants);
        acknowledged.keySet().removeIf(key -> !key.contains(":"));
        Map<String, Long> stored = database.attempts(data);
        long differ = acknowledged.entrySet().stream()
                .filter(grant -> !grant.getValue().equals(stored.get(grant.getKey())))
                .count();
        return differ
                + stored.keySet().stream()
                        .filter(key -> !acknowledged.containsKey(key))
                        .count();
    }

    /** Claims of one slot each, and nothing but claims. */
    Checked claims() throws Exception {
        forget();
        AtomicReferenceArray<SimulatedRunner> at = new AtomicReferenceArray<>(register(runners));
        Phase claiming = new Phase(runners, seconds, 0, meter);
        claiming.run(client -> {
            SimulatedRunner runner = at.get(client);
            if (runner.held().size() >= MOST_HELD) {
                runner = SimulatedRunner.register(http);
                at.set(client, runner);
            }
            SimulatedRunner asking = runner;
            List<Held> granted = claiming.timed("claim", () -> asking.claim(1));
            granted.forEach(run -> note(asking, run));
            return !granted.isEmpty();
        });
        long leases = database.count(data, "select count(*) from lease where run_id >= %1$d");
        Checked checked = new Checked(
                claiming, duplicates.sum(), attemptsThatDiffer() + Math.abs(leases - grants.size() / 2), Map.of());
        database.reset(data);
        return checked;
    }

    /** A run at a time is claimed, started and finished. */
    Checked lives() throws Exception {
        forget();
        SimulatedRunner[] at = register(runners);
        Phase phase = new Phase(runners, seconds, 0, meter);
        LongAdder finished = new LongAdder();
        phase.run(client -> {
            SimulatedRunner runner = at[client];
            return phase.timed("life", () -> {
                List<Held> granted = phase.timed("claim", () -> runner.claim(1));
                if (granted.isEmpty()) {
                    return false;
                }
                Held run = granted.getFirst();
                note(runner, run);
                phase.timed("start", () -> {
                    runner.start(run);
                    return run;
                });
                phase.timed("finish", () -> {
                    runner.succeed(run);
                    return run;
                });
                finished.increment();
                return true;
            });
        });
        long stored = database.count(
                data,
                "select count(*) from run r join attempt a on a.run_id = r.id and a.attempt_no = r.attempt_no"
                        + " where r.id >= %1$d and r.state = 'succeeded' and a.state = 'succeeded'"
                        + " and not exists (select 1 from lease l where l.run_id = r.id)");
        Checked checked = new Checked(
                phase, duplicates.sum(), attemptsThatDiffer() + Math.abs(stored - finished.sum()), Map.of());
        database.reset(data);
        return checked;
    }

    /** Runners that each hold started runs. */
    SimulatedRunner[] fleet() throws Exception {
        forget();
        SimulatedRunner[] fleet = register(runners);
        Phase starting = new Phase(Math.min(runners, 16), 600, 0, meter);
        starting.run(client -> {
            for (int i = client; i < fleet.length; i += Math.min(runners, 16)) {
                for (Held run : fleet[i].claim(HELD)) {
                    note(fleet[i], run);
                    fleet[i].start(run);
                }
            }
            return false;
        });
        if (starting.errors() > 0) {
            throw new IllegalStateException("starting runs: " + starting.firstError());
        }
        return fleet;
    }

    Checked heartbeats(SimulatedRunner[] fleet) throws Exception {
        Phase phase = new Phase(fleet.length, seconds, 0, meter);
        phase.run(client -> phase.timed("heartbeat", () -> {
            fleet[client].heartbeat();
            return true;
        }));
        // the newest step of each run is what the heartbeat that was answered last had said
        long wrong = 0;
        for (SimulatedRunner runner : fleet) {
            for (Held run : runner.held()) {
                long stored = database.count(data, "select step from lease where run_id = " + run.run);
                wrong += stored == run.step || phase.errors() > 0 ? 0 : 1;
            }
        }
        return new Checked(phase, duplicates.sum(), wrong, Map.of("leasesEach", HELD, "devicesEach", 1));
    }

    Checked metrics(SimulatedRunner[] fleet) throws Exception {
        LongAdder acknowledged = new LongAdder();
        Phase phase = new Phase(fleet.length, seconds, 0, meter);
        phase.run(client -> {
            SimulatedRunner runner = fleet[client];
            Held run = runner.held().getFirst();
            acknowledged.add(phase.timed("batch", () -> runner.metrics(run)));
            return true;
        });
        long stored = database.count(
                data,
                "select (select coalesce(sum(n), 0) from metric_chunk where run_id >= %1$d)"
                        + " + (select coalesce(sum(n), 0) from metric_tail where run_id >= %1$d)");
        Map<String, Object> more = new LinkedHashMap<>();
        more.put("seriesPerBatch", SimulatedRunner.SERIES);
        more.put("pointsPerSeries", SimulatedRunner.POINTS);
        more.put("points", acknowledged.sum());
        more.put("pointsPerSecond", acknowledged.sum() / phase.seconds());
        return new Checked(phase, 0, stored == acknowledged.sum() ? 0 : 1, more);
    }

    /** Heartbeats and metrics of a fleet as they come in life, until closed: each runner speaks every ten seconds. */
    Phase background(SimulatedRunner[] fleet) {
        return new Phase(fleet.length, 3_600, 10, meter);
    }

    static Phase.Round backgroundRound(Phase phase, SimulatedRunner[] fleet) {
        return client -> {
            SimulatedRunner runner = fleet[client];
            phase.timed("heartbeat", () -> {
                runner.heartbeat();
                return true;
            });
            Held run = runner.held().getFirst();
            phase.timed("batch", () -> runner.metrics(run));
            return true;
        };
    }
}
