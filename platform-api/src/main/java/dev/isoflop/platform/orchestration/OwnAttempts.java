package dev.isoflop.platform.orchestration;

import dev.isoflop.db.runner.RunnerStore;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.platform.shared.web.PathNumbers;
import dev.isoflop.platform.tokens.Caller;
import dev.isoflop.protocol.error.ErrorCode;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
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

    private static final long REMEMBERED_NANOS = Duration.ofSeconds(5).toNanos();
    private static final int MOST = 50_000;

    private final RunnerStore runners;
    private final TransactionTemplate transaction;
    private final Map<List<Long>, Known> known = new ConcurrentHashMap<>();

    /** What a token was found to speak for, for as long as {@code Credentials} remember the token itself. */
    private record Known(long token, long untilNanos) {

        boolean isOf(@Nullable Long other) {
            return other != null && other == token && untilNanos - System.nanoTime() > 0;
        }
    }

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
        List<Long> subject = subject(request);
        Known remembered = known.get(subject);
        if (subject.isEmpty() || remembered != null && remembered.isOf(caller.tokenId())) {
            return true;
        }
        Optional<Long> owner = owner(subject);
        owner.ifPresent(token -> {
            if (known.size() >= MOST) {
                known.clear();
            }
            known.put(subject, new Known(token, System.nanoTime() + REMEMBERED_NANOS));
        });
        if (owner.isPresent() && !owner.get().equals(caller.tokenId())) {
            throw new ProblemException(
                    ErrorCode.FORBIDDEN,
                    "This runner is registered with another token: a runner's token speaks for its own runners and their attempts alone.");
        }
        return true;
    }

    /** Looks everything up again: a runner has registered anew, with another token perhaps. */
    void forget() {
        known.clear();
    }

    /** The runner, or the run and the attempt; empty if the request is about neither. */
    private static List<Long> subject(HttpServletRequest request) {
        if (!(request.getAttribute(HandlerMapping.URI_TEMPLATE_VARIABLES_ATTRIBUTE) instanceof Map<?, ?> path)) {
            return List.of();
        }
        Long runner = PathNumbers.read(path.get("runnerId"));
        Long run = PathNumbers.read(path.get("runId"));
        Long attempt = PathNumbers.read(path.get("attempt"));
        if (runner != null) {
            return List.of(runner);
        }
        return run != null && attempt != null && attempt == (int) (long) attempt ? List.of(run, attempt) : List.of();
    }

    private Optional<Long> owner(List<Long> subject) {
        return Optional.ofNullable(transaction.execute(status -> subject.size() == 1
                        ? runners.token(subject.getFirst())
                        : runners.tokenOfAttempt(subject.getFirst(), (int) (long) subject.getLast())))
                .flatMap(found -> found);
    }
}
