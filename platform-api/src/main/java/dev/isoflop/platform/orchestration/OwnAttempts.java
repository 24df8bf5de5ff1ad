package dev.isoflop.platform.orchestration;

import dev.isoflop.db.runner.RunnerStore;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.platform.shared.web.PathNumbers;
import dev.isoflop.platform.tokens.Caller;
import dev.isoflop.protocol.error.ErrorCode;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.util.Map;
import java.util.Optional;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionTemplate;
import org.springframework.web.servlet.HandlerInterceptor;
import org.springframework.web.servlet.HandlerMapping;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/**
 * A token of scope runner speaks for the runners registered with it and for their attempts, and for no others. What does not exist is left
 * to whoever serves the request.
 */
@Component
class OwnAttempts implements HandlerInterceptor, WebMvcConfigurer {

    private final RunnerStore runners;
    private final TransactionTemplate transaction;

    OwnAttempts(RunnerStore runners, TransactionTemplate transaction) {
        this.runners = runners;
        this.transaction = transaction;
    }

    @Override
    public void addInterceptors(InterceptorRegistry registry) {
        registry.addInterceptor(this).addPathPatterns("/api/v1/runners/*/**", "/api/v1/runs/*/attempts/*/**");
    }

    /** @throws ProblemException forbidden, for another token's runner or attempt */
    @Override
    public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler) {
        if (!(SecurityContextHolder.getContext().getAuthentication() instanceof Caller caller) || !caller.isRunner()) {
            return true;
        }
        Optional<Long> owner = owner(request);
        if (owner.isPresent() && !owner.get().equals(caller.tokenId())) {
            throw new ProblemException(
                    ErrorCode.FORBIDDEN,
                    "This runner is registered with another token: a runner's token speaks for its own runners and their attempts alone.");
        }
        return true;
    }

    private Optional<Long> owner(HttpServletRequest request) {
        if (!(request.getAttribute(HandlerMapping.URI_TEMPLATE_VARIABLES_ATTRIBUTE) instanceof Map<?, ?> path)) {
            return Optional.empty();
        }
        Long runner = PathNumbers.read(path.get("runnerId"));
        Long run = PathNumbers.read(path.get("runId"));
        Long attempt = PathNumbers.read(path.get("attempt"));
        return Optional.ofNullable(transaction.execute(status -> {
                    if (runner != null) {
                        return runners.token(runner);
                    }
                    return run != null && attempt != null && attempt == (int) (long) attempt
                            ? runners.tokenOfAttempt(run, (int) (long) attempt)
                            : Optional.<Long>empty();
                }))
                .flatMap(found -> found);
    }
}
