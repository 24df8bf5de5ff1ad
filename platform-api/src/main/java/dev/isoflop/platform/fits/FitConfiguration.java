package dev.isoflop.platform.fits;

import dev.isoflop.db.fit.FitStore;
import javax.sql.DataSource;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

@Configuration(proxyBeanMethods = false)
class FitConfiguration {

    @Bean
    FitStore fitStore(DataSource dataSource) {
        return new FitStore(dataSource);
    }
}
