package dev.isoflop.platform.providers;

import com.zaxxer.hikari.HikariDataSource;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(PoolsSettings.class)
class ProviderConfiguration {

    /** Of the connections that hold the locks of pools. */
    static final String LOCKS = "poolLocks";

    /**
     * A connection for each pool, made when it is first looked at. A look holds its lock for as long as a provider takes to answer:
     * out of the platform's own connections, many pools with a provider that hangs would leave none for requests.
     */
    @Bean(name = LOCKS, defaultCandidate = false, destroyMethod = "close")
    HikariDataSource poolLocks(JdbcConnectionDetails database, PoolsSettings settings) {
        HikariDataSource source = new HikariDataSource();
        source.setPoolName("pool-locks");
        source.setJdbcUrl(database.getJdbcUrl());
        source.setUsername(database.getUsername());
        source.setPassword(database.getPassword());
        source.setDriverClassName(database.getDriverClassName());
        source.setMaximumPoolSize(Math.max(1, settings.byName().size()));
        source.setMinimumIdle(0);
        return source;
    }
}
