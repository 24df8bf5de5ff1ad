package dev.isoflop.platform.schedules;

import com.zaxxer.hikari.HikariDataSource;
import java.util.Properties;
import java.util.UUID;
import javax.sql.DataSource;
import org.quartz.impl.jdbcjobstore.PostgreSQLDelegate;
import org.quartz.spi.InstanceIdGenerator;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.boot.quartz.autoconfigure.QuartzDataSource;
import org.springframework.boot.quartz.autoconfigure.QuartzTransactionManager;
import org.springframework.boot.quartz.autoconfigure.SchedulerFactoryBeanCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.transaction.PlatformTransactionManager;

/**
 * Quartz: clustered over the platform's database, in a schema and with connections of its own, so that neither a burst of
 * requests keeps it from its clock nor its locks a request from a connection.
 */
@Configuration(proxyBeanMethods = false)
class QuartzConfiguration {

    /** Two for jobs, one each for the scheduler, the check-in of the cluster and whoever changes a schedule. */
    private static final int CONNECTIONS = 5;

    private static final int JOB_THREADS = 2;

    @Bean(defaultCandidate = false, destroyMethod = "close")
    @QuartzDataSource
    HikariDataSource quartzDataSource(JdbcConnectionDetails database) {
        HikariDataSource source = new HikariDataSource();
        source.setPoolName("quartz");
        source.setJdbcUrl(database.getJdbcUrl());
        source.setUsername(database.getUsername());
        source.setPassword(database.getPassword());
        source.setDriverClassName(database.getDriverClassName());
        source.setMaximumPoolSize(CONNECTIONS);
        source.setMinimumIdle(1);
        return source;
    }

    @Bean(defaultCandidate = false)
    @QuartzTransactionManager
    PlatformTransactionManager quartzTransactionManager(@QuartzDataSource DataSource quartz) {
        return new JdbcTransactionManager(quartz);
    }

    @Bean
    SchedulerFactoryBeanCustomizer quartzCluster(ScheduleSettings settings) {
        Properties quartz = new Properties();
        quartz.setProperty("org.quartz.scheduler.instanceId", "AUTO");
        quartz.setProperty("org.quartz.scheduler.instanceIdGenerator.class", ProcessName.class.getName());
        quartz.setProperty("org.quartz.threadPool.threadCount", Integer.toString(JOB_THREADS));
        quartz.setProperty("org.quartz.jobStore.driverDelegateClass", PostgreSQLDelegate.class.getName());
        quartz.setProperty("org.quartz.jobStore.tablePrefix", "quartz.qrtz_");
        quartz.setProperty("org.quartz.jobStore.isClustered", "true");
        quartz.setProperty("org.quartz.jobStore.clusterCheckinInterval", "5000");
        // Quartz wakes its thread for a changed trigger before the transaction commits; without the lock it would look
        // too early, see nothing, and look again only after the idle time
        quartz.setProperty("org.quartz.jobStore.acquireTriggersWithinLock", "true");
        // what another platform has changed, or left behind when it was killed, nobody wakes us for
        quartz.setProperty("org.quartz.scheduler.idleWaitTime", "5000");
        quartz.setProperty(
                "org.quartz.jobStore.misfireThreshold",
                Long.toString(settings.quartzMisfire().toMillis()));
        // text in the database instead of serialized objects
        quartz.setProperty("org.quartz.jobStore.useProperties", "true");
        return factory -> factory.setQuartzProperties(quartz);
    }

    /** Names this process in Quartz's tables; the generator it comes with needs a host name that can be resolved. */
    public static final class ProcessName implements InstanceIdGenerator {

        @Override
        public String generateInstanceId() {
            return "pid-" + ProcessHandle.current().pid() + "-"
                    + UUID.randomUUID().toString().substring(0, 8);
        }
    }
}
