package dev.isoflop.db.metric;

import com.zaxxer.hikari.HikariDataSource;
import dev.isoflop.db.testing.TestDatabase;
import org.flywaydb.core.Flyway;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.support.JdbcTransactionManager;

/** A real PostgreSQL with the migrations applied, shared by the tests of this package. */
final class MetricDatabase {

    private static final MetricDatabase INSTANCE = start();

    final HikariDataSource dataSource;
    final JdbcTemplate jdbc;
    final JdbcTransactionManager transactions;
    final MetricStore store;
    final MetricReader reader;

    private MetricDatabase(HikariDataSource dataSource) {
        this.dataSource = dataSource;
        jdbc = new JdbcTemplate(dataSource);
        transactions = new JdbcTransactionManager(dataSource);
        store = new MetricStore(dataSource, transactions);
        reader = new MetricReader(dataSource, transactions);
    }

    static MetricDatabase get() {
        return INSTANCE;
    }

    /** A run without an attempt. */
    long newRun() {
        Long id = jdbc.queryForObject(
                "insert into run (name, kind, state) values ('r', 'pretrain', 'running') returning id", Long.class);
        if (id == null) {
            throw new IllegalStateException("no id");
        }
        return id;
    }

    /** Begins the run's next attempt, which makes earlier ones stale. */
    int newAttempt(long runId, long resumedFromStep) {
        jdbc.update("insert into runner (name, instance, pool, host, pid, version, slots, cores, memory_bytes)"
                + " values ('t', 't', 'default', 'h', 1, '0', 1, 1, 1) on conflict do nothing");
        Integer attempt = jdbc.queryForObject(
                "update run set attempt_no = attempt_no + 1 where id = ? returning attempt_no", Integer.class, runId);
        jdbc.update(
                "insert into attempt (run_id, attempt_no, runner_id, state, resumed_from_step)"
                        + " select ?, ?, id, 'running', ? from runner where name = 't'",
                runId,
                attempt,
                resumedFromStep);
        return attempt == null ? 0 : attempt;
    }

    /** The fence as the platform has it: the run's row locked, the attempt compared. */
    MetricStore.Fence fence(long runId, int attempt) {
        return () -> {
            Integer current =
                    jdbc.queryForObject("select attempt_no from run where id = ? for update", Integer.class, runId);
            if (current == null || current != attempt) {
                throw new StaleAttempt();
            }
        };
    }

    static final class StaleAttempt extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    private static MetricDatabase start() {
        TestDatabase database = TestDatabase.start();
        Runtime.getRuntime().addShutdownHook(new Thread(database::close));
        HikariDataSource dataSource = new HikariDataSource();
        dataSource.setJdbcUrl(database.url());
        dataSource.setUsername(database.user());
        dataSource.setPassword(database.password());
        dataSource.setMaximumPoolSize(12);
        Flyway.configure().dataSource(dataSource).load().migrate();
        return new MetricDatabase(dataSource);
    }
}
