package dev.isoflop.platform.metrics;

import dev.isoflop.db.metric.MetricReader;
import dev.isoflop.db.metric.MetricStore;
import javax.sql.DataSource;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.transaction.PlatformTransactionManager;

@Configuration(proxyBeanMethods = false)
class MetricConfiguration {

    @Bean
    MetricStore metricStore(DataSource dataSource, PlatformTransactionManager transactions) {
        return new MetricStore(dataSource, transactions);
    }

    @Bean
    MetricReader metricReader(DataSource dataSource, PlatformTransactionManager transactions) {
        return new MetricReader(dataSource, transactions);
    }
}
