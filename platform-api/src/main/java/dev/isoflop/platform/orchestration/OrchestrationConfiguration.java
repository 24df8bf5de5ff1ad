package dev.isoflop.platform.orchestration;

import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Configuration;

@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties({LeaseSettings.class, FailureSettings.class})
class OrchestrationConfiguration {}
