package dev.isoflop.platform.operations;

import java.io.IOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.core.io.support.PathMatchingResourcePatternResolver;
import org.springframework.stereotype.Component;

/**
 * Whether the database answers and has every migration that this platform was built with.
 *
 * <p>Asked over a connection of its own, opened for each look: the pool makes one wait for half a minute before it says that
 * there is no database, and a pool that is merely busy is no reason to be taken out of service.
 *
 * <p>Concurrency: one look at a time, and its answer is good for a second, so that many who ask cost no more than one.
 */
@Component("database")
class DatabaseHealth implements HealthIndicator {

    private static final String TIMEOUT_SECONDS = "3";
    private static final long GOOD_FOR_NANOS = 1_000_000_000L;

    private final JdbcConnectionDetails database;
    private final Set<String> known;
    private long lookedAt;
    private @Nullable Health last;

    DatabaseHealth(JdbcConnectionDetails database) throws IOException {
        this.database = database;
        this.known = Arrays.stream(
                        new PathMatchingResourcePatternResolver().getResources("classpath*:db/migration/V*__*.sql"))
                .map(script -> Objects.requireNonNull(script.getFilename()))
                .map(name -> name.substring(1, name.indexOf("__")))
                .collect(Collectors.toUnmodifiableSet());
    }

    @Override
    public synchronized Health health() {
        Health before = last;
        if (before != null && System.nanoTime() - lookedAt < GOOD_FOR_NANOS) {
            return before;
        }
        Health now = look();
        last = now;
        lookedAt = System.nanoTime();
        return now;
    }

    private Health look() {
        Properties properties = new Properties();
        String user = database.getUsername();
        String password = database.getPassword();
        if (user != null) {
            properties.setProperty("user", user);
        }
        if (password != null) {
            properties.setProperty("password", password);
        }
        properties.setProperty("connectTimeout", TIMEOUT_SECONDS);
        properties.setProperty("loginTimeout", TIMEOUT_SECONDS);
        properties.setProperty("socketTimeout", TIMEOUT_SECONDS);
        try (Connection connection = DriverManager.getConnection(database.getJdbcUrl(), properties);
                Statement statement = connection.createStatement();
                ResultSet applied = statement.executeQuery(
                        "select version from flyway_schema_history where success and version is not null")) {
            Set<String> versions = new HashSet<>();
            while (applied.next()) {
                versions.add(applied.getString(1));
            }
            Set<String> pending = new TreeSet<>(known);
            pending.removeAll(versions);
            return pending.isEmpty()
                    ? Health.up().build()
                    : Health.down()
                            .withDetail("reason", "migrations are pending")
                            .withDetail("pending", pending)
                            .build();
        } catch (SQLException e) {
            String state = e.getSQLState();
            // not the message: it may name hosts and users
            return Health.down()
                    .withDetail("reason", "the database does not answer")
                    .withDetail("sqlState", state == null ? "" : state)
                    .build();
        }
    }
}
