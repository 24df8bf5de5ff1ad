package dev.isoflop.platform.database;

import dev.isoflop.platform.CannotStartException;
import dev.isoflop.platform.IsoflopSettings;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Optional;
import java.util.Properties;
import org.jspecify.annotations.Nullable;

/**
 * The platform's database for a tool beside it: the external one, the embedded one that a platform is running, or the
 * embedded one that nobody runs, which is then up until this is closed.
 */
public final class DatabaseForTools implements AutoCloseable {

    private final String url;
    private final @Nullable String user;
    private final @Nullable String password;
    private final @Nullable EmbeddedDatabase own;

    private DatabaseForTools(
            String url, @Nullable String user, @Nullable String password, @Nullable EmbeddedDatabase own) {
        this.url = url;
        this.user = user;
        this.password = password;
        this.own = own;
    }

    /** @throws CannotStartException if there is none */
    public static DatabaseForTools open(IsoflopSettings settings) {
        if (!settings.database().embedded()) {
            return external(settings.database());
        }
        Path home = settings.home().toAbsolutePath().normalize();
        if (!EmbeddedDatabase.exists(home)) {
            throw new CannotStartException("There is no database under " + home
                    + "; name another directory with --home, or a PostgreSQL with --database.");
        }
        Optional<EmbeddedDatabase.Running> running = EmbeddedDatabase.running(home);
        return running.map(r -> new DatabaseForTools(r.url(), EmbeddedDatabase.USER, r.password(), null))
                .orElseGet(() -> started(home, settings));
    }

    /**
     * The embedded database is made if there is none.
     *
     * @throws CannotStartException if a platform is running the embedded one
     */
    public static DatabaseForTools openAlone(IsoflopSettings settings) {
        return settings.database().embedded()
                ? started(settings.home().toAbsolutePath().normalize(), settings)
                : external(settings.database());
    }

    private static DatabaseForTools started(Path home, IsoflopSettings settings) {
        EmbeddedDatabase own = EmbeddedDatabase.start(home, settings.database().port());
        return new DatabaseForTools(own.url(), own.user(), own.password(), own);
    }

    private static DatabaseForTools external(IsoflopSettings.Database external) {
        String url = external.url();
        return new DatabaseForTools(url == null ? "" : url, external.user(), external.password(), null);
    }

    public Connection connect() throws SQLException {
        Properties properties = new Properties();
        if (user != null) {
            properties.setProperty("user", user);
        }
        if (password != null) {
            properties.setProperty("password", password);
        }
        return DriverManager.getConnection(url, properties);
    }

    @Override
    public void close() {
        if (own != null) {
            own.close();
        }
    }
}
