package dev.isoflop.platform.tokens;

import dev.isoflop.platform.shared.problem.Problems;
import dev.isoflop.platform.shared.web.Questions;
import dev.isoflop.protocol.error.ErrorCode;
import jakarta.servlet.DispatcherType;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpMethod;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.http.SessionCreationPolicy;
import org.springframework.security.config.observation.SecurityObservationSettings;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.authentication.AnonymousAuthenticationFilter;
import org.springframework.security.web.header.writers.ReferrerPolicyHeaderWriter.ReferrerPolicy;

/** Who may call what. The rules are read from the top; the first that matches decides. */
@Configuration(proxyBeanMethods = false)
class SecurityConfiguration {

    private static final String READ = "read";
    private static final String SUBMIT = "submit";
    private static final String ADMIN = "admin";
    private static final String RUNNER = "runner";

    /** Requests are measured as a whole; to observe each filter of the chain as well costs more than the filters do. */
    @Bean
    SecurityObservationSettings noObservations() {
        return SecurityObservationSettings.noObservations();
    }

    @Bean
    SecurityFilterChain securityFilterChain(
            HttpSecurity http, Credentials credentials, AuditTrail audit, Limits limits, Problems problems)
            throws Exception {
        return http.csrf(csrf -> csrf.disable()) // see CallerFilter for what stands in its place
                .httpBasic(basic -> basic.disable())
                .formLogin(form -> form.disable())
                .logout(logout -> logout.disable())
                .requestCache(cache -> cache.disable())
                .sessionManagement(session -> session.sessionCreationPolicy(SessionCreationPolicy.STATELESS))
                .headers(headers -> headers.referrerPolicy(r -> r.policy(ReferrerPolicy.SAME_ORIGIN))
                        .contentSecurityPolicy(c -> c.policyDirectives("default-src 'self'; img-src 'self' data: blob:;"
                                + " style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self';"
                                + " frame-ancestors 'none'; form-action 'self'")))
                .addFilterBefore(
                        new CallerFilter(credentials, limits, audit, problems), AnonymousAuthenticationFilter.class)
                .addFilterBefore(new LimitFilter(limits, problems), AnonymousAuthenticationFilter.class)
                .addFilterAfter(new AuditFilter(audit), AnonymousAuthenticationFilter.class)
                .exceptionHandling(errors -> errors.authenticationEntryPoint((request, response, e) -> {
                            response.setHeader("WWW-Authenticate", "Bearer");
                            problems.send(
                                    response,
                                    ErrorCode.UNAUTHENTICATED,
                                    "Send a token as Authorization: Bearer isf_…, or sign in on the dashboard.");
                        })
                        .accessDeniedHandler((request, response, e) ->
                                problems.send(response, ErrorCode.FORBIDDEN, "The token's scope does not allow this.")))
                .authorizeHttpRequests(requests -> requests.dispatcherTypeMatchers(
                                DispatcherType.FORWARD, DispatcherType.ASYNC, DispatcherType.ERROR)
                        .permitAll()
                        .requestMatchers(HttpMethod.POST, "/api/v1/session")
                        .permitAll()
                        .requestMatchers("/api/v1/session")
                        .authenticated()
                        .requestMatchers(HttpMethod.GET, "/api/v1/schema/**")
                        .permitAll()
                        .requestMatchers("/api/v1/tokens/**", "/api/v1/audit/**")
                        .hasAuthority(ADMIN)
                        .requestMatchers(HttpMethod.DELETE, "/api/v1/runners/**")
                        .hasAuthority(ADMIN)
                        .requestMatchers(HttpMethod.PUT, "/api/v1/experiments/*/budget")
                        .hasAuthority(ADMIN)
                        .requestMatchers(HttpMethod.POST, "/api/v1/runners/**", "/api/v1/runs/*/attempts/**")
                        .hasAuthority(RUNNER)
                        .requestMatchers(HttpMethod.PUT, "/api/v1/artifacts/**", "/api/v1/runs/*/attempts/**")
                        .hasAuthority(RUNNER)
                        .requestMatchers("/api/v1/artifacts/**")
                        .hasAnyAuthority(RUNNER, READ)
                        .requestMatchers(HttpMethod.GET, "/api/**")
                        .hasAuthority(READ)
                        .requestMatchers(HttpMethod.HEAD, "/api/**")
                        .hasAuthority(READ)
                        .requestMatchers(HttpMethod.POST, Questions.paths())
                        .hasAuthority(READ)
                        .requestMatchers("/api/**")
                        .hasAuthority(SUBMIT)
                        .requestMatchers("/actuator/health/**", "/actuator/health")
                        .permitAll()
                        .requestMatchers(HttpMethod.GET, "/actuator/prometheus")
                        .hasAuthority(READ)
                        .requestMatchers("/actuator/**")
                        .hasAuthority(ADMIN)
                        .anyRequest()
                        .permitAll())
                .build();
    }
}
