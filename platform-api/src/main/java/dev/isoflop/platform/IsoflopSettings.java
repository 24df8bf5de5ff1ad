package dev.isoflop.platform;

import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Settings of the platform as a whole.
 *
 * @param home directory everything the product writes lies under
 * @param database an external PostgreSQL; without a url the platform runs its own under {@code home/postgres}
 * @param adminToken the token made on first start
 * @param session sign-ins of the dashboard
 */
@ConfigurationProperties("isoflop")
public record IsoflopSettings(
        Path home,
        @DefaultValue Database database,
        @DefaultValue AdminToken adminToken,
        @DefaultValue Session session) {

    /**
     * @param url JDBC url of a PostgreSQL 15 or newer
     * @param user its user
     * @param password its password
     * @param port port of the embedded PostgreSQL; 0 takes a free one
     */
    public record Database(
            @Nullable String url,
            @Nullable String user,
            @Nullable String password,
            @DefaultValue("0") int port) {

        /** Whether the platform runs a PostgreSQL of its own. */
        public boolean embedded() {
            return url == null || url.isBlank();
        }
    }

    /** @param reset whether to revoke every admin token and print a new one */
    public record AdminToken(@DefaultValue("false") boolean reset) {}

    /** @param ttl how long a sign-in lasts */
    public record Session(@DefaultValue("30d") Duration ttl) {}
}
