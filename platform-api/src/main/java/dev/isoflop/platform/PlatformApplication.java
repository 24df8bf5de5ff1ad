package dev.isoflop.platform;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.ConfigurationPropertiesScan;
import org.springframework.boot.persistence.autoconfigure.EntityScan;
import org.springframework.data.jpa.repository.config.EnableJpaRepositories;
import org.springframework.scheduling.annotation.EnableScheduling;

/** The platform service. */
@SpringBootApplication(scanBasePackages = {"dev.isoflop.platform", "dev.isoflop.db"})
@ConfigurationPropertiesScan("dev.isoflop.platform")
@EntityScan("dev.isoflop.db")
@EnableJpaRepositories("dev.isoflop.db")
@EnableScheduling
public class PlatformApplication {

    public static void main(String[] args) {
        SpringApplication.run(PlatformApplication.class, args);
    }
}
