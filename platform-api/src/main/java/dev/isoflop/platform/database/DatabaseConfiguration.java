package dev.isoflop.platform.database;

import dev.isoflop.platform.IsoflopSettings;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Where the database is: its own bean, which the pool depends on, so that Spring closes the pool before the server. */
@Configuration(proxyBeanMethods = false)
class DatabaseConfiguration {

    @Bean(destroyMethod = "close")
    DatabaseAddress databaseAddress(IsoflopSettings settings) {
        IsoflopSettings.Database external = settings.database();
        String url = external.url();
        if (url != null && !url.isBlank()) {
            return new DatabaseAddress(url, external.user(), external.password(), null);
        }
        EmbeddedDatabase own =
                EmbeddedDatabase.start(settings.home().toAbsolutePath().normalize(), external.port());
        return new DatabaseAddress(own.url(), own.user(), own.password(), own);
    }

    /**
     * What Spring Boot makes the pool of.
     *
     * @param own the embedded server, if there is one
     */
    record DatabaseAddress(
            String url,
            @Nullable String user,
            @Nullable String secret,
            @Nullable EmbeddedDatabase own) implements JdbcConnectionDetails, AutoCloseable {

        @Override
        public String getJdbcUrl() {
            return url;
        }

        @Override
        public @Nullable String getUsername() {
            return user;
        }

        @Override
        public @Nullable String getPassword() {
            return secret;
        }

        @Override
        public String getDriverClassName() {
            return "org.postgresql.Driver";
        }

        /** Without the password: addresses end up in logs. */
        @Override
        public String toString() {
            return url;
        }

        @Override
        public void close() {
            if (own != null) {
                own.close();
            }
        }
    }
}
