package dev.isoflop.platform.orchestration;

import com.zaxxer.hikari.HikariDataSource;
import dev.isoflop.db.run.LeaseStore;
import dev.isoflop.db.run.NewRun;
import dev.isoflop.db.run.RunEntity;
import dev.isoflop.db.run.RunRepository;
import dev.isoflop.db.run.RunStore;
import dev.isoflop.db.run.RunTransitioned;
import dev.isoflop.db.runner.ClaimStore;
import dev.isoflop.db.runner.DeviceSampleStore;
import dev.isoflop.db.testing.TestDatabase;
import dev.isoflop.platform.artifacts.ArtifactFiles;
import dev.isoflop.platform.datasets.Datasets;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.job.FileRef;
import dev.isoflop.protocol.job.JobResult;
import dev.isoflop.protocol.job.Precision;
import dev.isoflop.protocol.runner.CheckpointCommit;
import dev.isoflop.protocol.runner.ClaimGrant;
import dev.isoflop.protocol.runner.ClaimRequest;
import dev.isoflop.protocol.runner.Directives;
import dev.isoflop.protocol.runner.FinishAttempt;
import dev.isoflop.protocol.runner.FinishAttempt.Category;
import dev.isoflop.protocol.runner.FinishAttempt.Failure;
import dev.isoflop.protocol.runner.FinishAttempt.Outcome;
import dev.isoflop.protocol.runner.Heartbeat;
import dev.isoflop.protocol.runner.MetricAck;
import dev.isoflop.protocol.runner.RegisterRunner;
import dev.isoflop.protocol.runner.RunProfile;
import dev.isoflop.protocol.runner.RunnerApi;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.persistence.autoconfigure.EntityScan;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.ComponentScan;
import org.springframework.context.event.EventListener;
import org.springframework.data.jpa.repository.config.EnableJpaRepositories;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * The orchestration beans over a real PostgreSQL, without the web: one for all tests of the JVM. Each test takes a pool
 * of its own, so that no test sees another's runs. The reaper's thread is not started; tests age leases in the database
 * and let it look when they say so.
 */
final class Orchestra {

    private static final Orchestra INSTANCE = new Orchestra();

    final ConfigurableApplicationContext context;
    final RunnerApi api;
    final JdbcClient jdbc;
    final TransactionTemplate transactions;
    final RunStore runs;
    final RunRepository repository;
    final CancelRuns cancelRuns;
    final AttemptFence fence;
    final LostLeases lost;
    final LeaseSettings settings;
    final Datasets datasets;
    final ArtifactFiles files;
    final Heard heard;

    static Orchestra get() {
        return INSTANCE;
    }

    /** Transitions as listeners hear them. */
    static final class Heard {
        final List<RunTransitioned> events = new CopyOnWriteArrayList<>();

        @EventListener
        void on(RunTransitioned event) {
            events.add(event);
        }
    }

    // No @Configuration: the tests of the whole platform scan these packages and must not find it.
    @EnableAutoConfiguration(
            excludeName = {
                "org.springframework.boot.security.autoconfigure.UserDetailsServiceAutoConfiguration",
                "org.springframework.boot.quartz.autoconfigure.QuartzAutoConfiguration"
            })
    @ComponentScan(
            basePackages = {
                "dev.isoflop.db",
                "dev.isoflop.platform.orchestration",
                "dev.isoflop.platform.scheduling",
                "dev.isoflop.platform.artifacts",
                "dev.isoflop.platform.datasets",
                "dev.isoflop.platform.tracing"
            })
    @EntityScan("dev.isoflop.db")
    @EnableJpaRepositories("dev.isoflop.db")
    static class Beans {

        @Bean(destroyMethod = "close")
        TestDatabase postgres() {
            return TestDatabase.start();
        }

        @Bean
        DataSource dataSource(TestDatabase postgres) {
            HikariDataSource source = new HikariDataSource();
            source.setJdbcUrl(postgres.url());
            source.setUsername(postgres.user());
            source.setPassword(postgres.password());
            source.setMaximumPoolSize(12);
            return source;
        }

        @Bean
        MetricIngest ingest(AttemptFence fence, TransactionTemplate transactions) {
            return (runId, attempt, batch) -> {
                transactions.executeWithoutResult(status -> fence.lock(runId, attempt));
                return new MetricAck(batch.seq() + 1, 0);
            };
        }

        @Bean
        Heard heard() {
            return new Heard();
        }
    }

    private Orchestra() {
        try {
            context = new SpringApplicationBuilder(Beans.class)
                    .web(WebApplicationType.NONE)
                    .properties(
                            "spring.jpa.hibernate.ddl-auto=validate",
                            "spring.jpa.open-in-view=false",
                            "spring.main.banner-mode=off",
                            // The thread looks for the first time when the tests are long over.
                            "isoflop.lease.reaper-interval=1h",
                            "isoflop.lease.backoff=4s",
                            "isoflop.failures.rules[0].name=licence",
                            "isoflop.failures.rules[0].pattern=no licence (left|free)",
                            "isoflop.failures.rules[0].verdict=infrastructure",
                            "isoflop.failures.rules[1].name=our-broken-switch",
                            "isoflop.failures.rules[1].pattern=switch port \\d+ is down",
                            "isoflop.failures.rules[1].verdict=device",
                            "isoflop.failures.rules[1].place=set-aside",
                            // readiness is made of parts that are not here
                            "management.endpoint.health.validate-group-membership=false",
                            "isoflop.artifacts.directory=" + Files.createTempDirectory("artifacts"))
                    .run();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        api = context.getBean(RunnerApi.class);
        jdbc = context.getBean(JdbcClient.class);
        transactions = context.getBean(TransactionTemplate.class);
        runs = context.getBean(RunStore.class);
        repository = context.getBean(RunRepository.class);
        cancelRuns = context.getBean(CancelRuns.class);
        fence = context.getBean(AttemptFence.class);
        lost = context.getBean(LostLeases.class);
        settings = context.getBean(LeaseSettings.class);
        datasets = context.getBean(Datasets.class);
        files = context.getBean(ArtifactFiles.class);
        heard = context.getBean(Heard.class);
    }

    // --- making things

    static String newPool() {
        return "pool-" + UUID.randomUUID();
    }

    RegisterRunner registration(String name, String instance, String pool) {
        return new RegisterRunner(
                name, instance, pool, "host", 1, "test", 4, 2, 1L << 30, List.of(), List.of("pretrain", "data"));
    }

    /** A runner of the pool on a host of its own, with that GPU. */
    Worker workerOn(String pool, String host, String bus) {
        String name = "runner-" + UUID.randomUUID();
        String instance = UUID.randomUUID().toString();
        RegisterRunner registration = new RegisterRunner(
                name,
                instance,
                pool,
                host,
                1,
                "test",
                4,
                2,
                1L << 30,
                List.of(new RegisterRunner.Device(0, "GPU", 1L << 30, bus, null, null, null)),
                List.of("pretrain", "data"));
        return new Worker(api.register(registration).runnerId(), name, instance, pool);
    }

    /** A runner of the pool, under a name and instance of its own. */
    Worker worker(String pool) {
        String name = "runner-" + UUID.randomUUID();
        String instance = UUID.randomUUID().toString();
        return new Worker(api.register(registration(name, instance, pool)).runnerId(), name, instance, pool);
    }

    long run(String pool) {
        return run(pool, null, 0, null, 0, new NewRun.Retries(2, 100, 10));
    }

    long run(
            String pool,
            @Nullable Long sweep,
            int priority,
            @Nullable Long waitsFor,
            long memory,
            NewRun.Retries retries) {
        return inTransaction(() -> runs.create(new NewRun(
                sweep,
                "run-" + UUID.randomUUID(),
                "data",
                "{\"kind\":\"data\",\"corpus\":\"npm:x\",\"vocabSize\":1024,\"validationModulus\":12}",
                pool,
                priority,
                waitsFor,
                memory,
                NewRun.Size.NONE,
                null,
                null,
                null,
                retries)));
    }

    /** A sweep with an experiment and a dataset of its own. */
    long sweep() {
        String unique = UUID.randomUUID().toString();
        long experiment = jdbc.sql("insert into experiment (name) values (?) returning id")
                .param(unique)
                .query(Long.class)
                .single();
        jdbc.sql("insert into dataset (id, corpus, vocab_size, validation_modulus) values (?, 'npm:x', 1024, 12)")
                .param(unique)
                .update();
        return jdbc.sql("""
                        insert into sweep (experiment_id, name, spec, spec_hash, dataset_id, planned_flops)
                        values (?, 's', '{}', 'h', ?, 1) returning id
                        """).param(experiment).param(unique).query(Long.class).single();
    }

    void markSweepCancelled(long sweep) {
        jdbc.sql("update sweep set cancelled_at = now() where id = ?")
                .param(sweep)
                .update();
    }

    <T> T inTransaction(java.util.function.Supplier<T> work) {
        return java.util.Objects.requireNonNull(transactions.execute(status -> work.get()));
    }

    /** A file of that text, stored. */
    FileRef store(String name, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        String sha = sha256(bytes);
        try {
            files.put(sha, new ByteArrayInputStream(bytes));
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        return new FileRef(name, sha, bytes.length);
    }

    static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    // --- looking

    RunEntity look(long run) {
        return repository.findById(run).orElseThrow();
    }

    RunState state(long run) {
        return look(run).state();
    }

    /** The states the run has been through, from its events. */
    List<String> history(long run) {
        return jdbc.sql("select to_state from run_event where run_id = ? order by id")
                .param(run)
                .query((rs, i) -> rs.getString(1))
                .list();
    }

    // --- time

    /** Lets the lease of a run look that many seconds older than it is. */
    void age(long run, int seconds) {
        jdbc.sql("update lease set last_seen = last_seen - make_interval(secs => ?) where run_id = ?")
                .param((double) seconds)
                .param(run)
                .update();
    }

    /** Ends the wait before a retry. */
    void skipBackoff(long run) {
        jdbc.sql("update run set not_before = now() where id = ?").param(run).update();
    }

    /** One round of a reaper whose platform has been listening for a lease. */
    void reap() {
        LeaseReaper reaper = newReaper();
        long start = System.nanoTime();
        reaper.look(start);
        reaper.look(start + settings.ttl().toNanos());
    }

    /** A reaper that has not looked yet. Its own thread is never started. */
    LeaseReaper newReaper() {
        return new LeaseReaper(
                context.getBean(LeaseStore.class),
                lost,
                context.getBean(ClaimStore.class),
                context.getBean(DeviceSampleStore.class),
                transactions,
                settings);
    }

    static FinishAttempt succeeded() {
        return new FinishAttempt(
                Outcome.SUCCEEDED, new JobResult.Dataset("id", 1, 1, 1, 1, 1, 1024, "t", List.of()), null);
    }

    static RunProfile profile() {
        return new RunProfile(
                20,
                2048,
                1e6,
                "CPU, 1 thread",
                Precision.FP32,
                1,
                1,
                null,
                null,
                new RunProfile.Memory(1, 2, 3, 4),
                List.of());
    }

    static FinishAttempt failed(Category category) {
        return new FinishAttempt(Outcome.FAILED, null, new Failure(category, "boom", "It broke.", null));
    }

    static FinishAttempt ended(Outcome outcome) {
        return new FinishAttempt(outcome, null, null);
    }

    /** A runner process seen from the test. */
    final class Worker {
        final long id;
        final String name;
        final String instance;
        final String pool;

        Worker(long id, String name, String instance, String pool) {
            this.id = id;
            this.name = name;
            this.instance = instance;
            this.pool = pool;
        }

        List<ClaimGrant.Assignment> claim(int slots) {
            return claim(UUID.randomUUID().toString(), slots, 1L << 30);
        }

        List<ClaimGrant.Assignment> claim(String key, int slots, long memory) {
            return api.claim(id, key, new ClaimRequest(slots, memory, List.of("data", "pretrain")))
                    .assignments();
        }

        /** Claims the one run there is. */
        ClaimGrant.Assignment claimOne() {
            List<ClaimGrant.Assignment> granted = claim(1);
            org.assertj.core.api.Assertions.assertThat(granted).hasSize(1);
            return granted.getFirst();
        }

        ClaimGrant.Assignment claimAndStart() {
            ClaimGrant.Assignment granted = claimOne();
            api.start(granted.runId(), granted.attempt());
            return granted;
        }

        Directives heartbeat(ClaimGrant.Assignment... observed) {
            return heartbeat(7, observed);
        }

        Directives heartbeat(long step, ClaimGrant.Assignment... observed) {
            return api.heartbeat(
                    id,
                    new Heartbeat(
                            instance,
                            1L << 30,
                            Arrays.stream(observed)
                                    .map(a -> new Heartbeat.Observed(a.runId(), a.attempt(), step, "training"))
                                    .toList(),
                            List.of()));
        }
    }

    static CheckpointCommit checkpoint(long step, FileRef... files) {
        return new CheckpointCommit(step, step * 10, step * 0.5, List.of(files));
    }

    List<Long> runs(String pool, int n) {
        return IntStream.range(0, n).mapToObj(i -> run(pool)).toList();
    }
}
