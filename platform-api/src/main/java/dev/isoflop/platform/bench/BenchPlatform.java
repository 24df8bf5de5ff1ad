package dev.isoflop.platform.bench;

import dev.isoflop.db.metric.MetricReader;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.util.Map;
import javax.sql.DataSource;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.persistence.autoconfigure.EntityScan;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.ComponentScan;
import org.springframework.data.jpa.repository.config.EnableJpaRepositories;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.web.SecurityFilterChain;

/**
 * The platform's way of a batch, and nothing else: real HTTP, the runner's controller, the fence, the metric store, and
 * a real PostgreSQL that commits durably. The check of the bearer token is left out.
 */
final class BenchPlatform implements AutoCloseable {

    private final EmbeddedPostgres postgres;
    private final ConfigurableApplicationContext context;
    private final JdbcClient jdbc;

    private BenchPlatform(EmbeddedPostgres postgres, ConfigurableApplicationContext context) {
        this.postgres = postgres;
        this.context = context;
        this.jdbc = context.getBean(JdbcClient.class);
        jdbc.sql(
                        "insert into runner (name, instance, pool, host, pid, version, slots, cores, memory_bytes, last_seen)"
                                + " values ('bench', 'bench', 'default', 'localhost', 1, '0', 1, 1, 1, now() + interval '1 day')")
                .update();
    }

    @EnableAutoConfiguration(excludeName = "org.springframework.boot.quartz.autoconfigure.QuartzAutoConfiguration")
    @ComponentScan({
        "dev.isoflop.db",
        "dev.isoflop.platform.orchestration",
        "dev.isoflop.platform.scheduling",
        "dev.isoflop.platform.artifacts",
        "dev.isoflop.platform.metrics",
        "dev.isoflop.platform.tracing"
    })
    @EntityScan("dev.isoflop.db")
    @EnableJpaRepositories("dev.isoflop.db")
    static class Application {

        @Bean
        SecurityFilterChain open(HttpSecurity security) {
            return security.csrf(csrf -> csrf.disable())
                    .authorizeHttpRequests(requests -> requests.anyRequest().permitAll())
                    .build();
        }
    }

    static BenchPlatform start() throws IOException {
        EmbeddedPostgres postgres = EmbeddedPostgres.builder()
                .setRegisterShutdownHook(false)
                // the library starts PostgreSQL with -F; commits that do not reach the disk would flatter us
                .setServerConfig("fsync", "on")
                .setServerConfig("full_page_writes", "on")
                .setServerConfig("synchronous_commit", "on")
                .setServerConfig("shared_buffers", "256MB")
                .setServerConfig("max_wal_size", "2GB")
                .start();
        SpringApplication application = new SpringApplication(Application.class);
        application.setDefaultProperties(Map.of(
                "spring.datasource.url", postgres.getJdbcUrl("postgres", "postgres"),
                "spring.datasource.hikari.maximum-pool-size", "12",
                "spring.jpa.open-in-view", "false",
                "spring.jpa.hibernate.ddl-auto", "none",
                "spring.main.banner-mode", "off",
                // readiness is made of parts that are not here
                "management.endpoint.health.validate-group-membership", "false",
                "spring.threads.virtual.enabled", "true",
                "server.address", "127.0.0.1",
                "server.port", "0",
                "logging.level.root", "WARN"));
        return new BenchPlatform(postgres, application.run());
    }

    String url() {
        return "http://127.0.0.1:" + context.getEnvironment().getProperty("local.server.port") + "/api/v1";
    }

    MetricReader reader() {
        return context.getBean(MetricReader.class);
    }

    DataSource dataSource() {
        return context.getBean(DataSource.class);
    }

    /** A run in its first attempt, with a lease that outlives the benchmark. */
    long newRun() {
        long run = jdbc.sql("insert into run (name, kind, state, attempt_no) values ('bench', 'pretrain',"
                        + " 'running', 1) returning id")
                .query(Long.class)
                .single();
        jdbc.sql("insert into attempt (run_id, attempt_no, runner_id, state, started_at)"
                        + " select ?, 1, id, 'running', now() from runner")
                .param(run)
                .update();
        jdbc.sql("insert into lease (run_id, attempt_no, runner_id, last_seen)"
                        + " select ?, 1, id, now() + interval '1 day' from runner")
                .param(run)
                .update();
        return run;
    }

    long storedPoints(long run) {
        return jdbc.sql("select (select coalesce(sum(n), 0) from metric_chunk where run_id = :run)"
                        + " + (select coalesce(sum(n), 0) from metric_tail where run_id = :run)")
                .param("run", run)
                .query(Long.class)
                .single();
    }

    String postgresVersion() {
        return jdbc.sql("show server_version").query(String.class).single();
    }

    @Override
    public void close() throws IOException {
        context.close();
        postgres.close();
    }
}
