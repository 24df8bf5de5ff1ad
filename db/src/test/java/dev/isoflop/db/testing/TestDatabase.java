package dev.isoflop.db.testing;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import javax.sql.DataSource;
import org.springframework.jdbc.datasource.DriverManagerDataSource;

/**
 * An empty database of a real PostgreSQL: a server of its own, or, with {@code -Disoflop.test.database=container}, one database of a server in
 * a container that the tests of the JVM share. Tests that may run on either are marked {@link DatabaseTest}.
 */
public final class TestDatabase implements AutoCloseable {

    private static final String PROPERTY = "isoflop.test.database";

    private final String url;
    private final String user;
    private final String password;
    private final AutoCloseable server;

    TestDatabase(String url, String user, String password, AutoCloseable server) {
        this.url = url;
        this.user = user;
        this.password = password;
        this.server = server;
    }

    /** Whether this run of the tests is the one on a PostgreSQL in a container. */
    public static boolean inContainer() {
        String where = System.getProperty(PROPERTY, "embedded");
        return switch (where) {
            case "embedded" -> false;
            case "container" -> true;
            default -> throw new IllegalArgumentException(PROPERTY + "=" + where + "; expected embedded or container");
        };
    }

    /** To be closed by the caller, after what uses it. */
    public static TestDatabase start() {
        return inContainer() ? ContainerDatabase.create() : embedded();
    }

    private static TestDatabase embedded() {
        try {
            // without a shutdown hook: it would end before the pools that use it
            EmbeddedPostgres server = EmbeddedPostgres.builder()
                    .setRegisterShutdownHook(false)
                    .setServerConfig("fsync", "off")
                    .setServerConfig("shared_buffers", "128MB")
                    .start();
            return new TestDatabase(server.getJdbcUrl("postgres", "postgres"), "postgres", "postgres", server);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public String url() {
        return url;
    }

    public String user() {
        return user;
    }

    public String password() {
        return password;
    }

    /** A connection for each use. */
    public DataSource dataSource() {
        return new DriverManagerDataSource(url, user, password);
    }

    /** Ends a server of its own. */
    @Override
    public void close() {
        try {
            server.close();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
