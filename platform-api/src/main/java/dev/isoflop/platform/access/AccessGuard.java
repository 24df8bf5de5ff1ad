package dev.isoflop.platform.access;

import dev.isoflop.db.access.AccessStore.Kind;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.platform.shared.web.PathNumbers;
import dev.isoflop.platform.shared.web.Questions;
import dev.isoflop.protocol.error.ErrorCode;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import org.springframework.web.servlet.HandlerInterceptor;
import org.springframework.web.servlet.HandlerMapping;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/**
 * Asks before every request about one thing of an experiment whether the caller may see it, or change it. It goes by the address alone,
 * so that an endpoint beneath one of these is guarded without knowing of it.
 */
@Component
class AccessGuard implements HandlerInterceptor, WebMvcConfigurer {

    private static final Set<String> READING = Set.of("GET", "HEAD", "OPTIONS");
    private static final Map<String, Kind> KINDS = Map.of(
            "experiments", Kind.EXPERIMENT,
            "sweeps", Kind.SWEEP,
            "runs", Kind.RUN,
            "fits", Kind.FIT,
            "predictions", Kind.PREDICTION,
            "schedules", Kind.SCHEDULE);
    private static final String FILE = "/api/v1/artifacts/{sha256}";
    private static final Pattern ONE = Pattern.compile("/api/v1/([a-z]+)/\\{(\\w+)}(/.*)?");

    private final ExperimentAccess access;

    AccessGuard(ExperimentAccess access) {
        this.access = access;
    }

    @Override
    public void addInterceptors(InterceptorRegistry registry) {
        registry.addInterceptor(this).addPathPatterns("/api/v1/**");
    }

    /** @throws dev.isoflop.platform.shared.problem.ProblemException not-found, forbidden */
    @Override
    public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler) {
        Object pattern = request.getAttribute(HandlerMapping.BEST_MATCHING_PATTERN_ATTRIBUTE);
        if (FILE.equals(String.valueOf(pattern)) && READING.contains(request.getMethod())) {
            file(variable(request, "sha256"));
            return true;
        }
        Matcher one = ONE.matcher(String.valueOf(pattern));
        if (!one.matches() || !KINDS.containsKey(one.group(1))) {
            return true;
        }
        Kind kind = KINDS.get(one.group(1));
        Long id = PathNumbers.read(variable(request, one.group(2)));
        if (id != null) {
            access.require(kind, id, needed(kind, request));
        }
        return true;
    }

    private static Level needed(Kind kind, HttpServletRequest request) {
        if (READING.contains(request.getMethod()) || Questions.isOne(request)) {
            return Level.VIEWER;
        }
        return kind == Kind.EXPERIMENT ? Level.OWNER : Level.EDITOR;
    }

    private void file(@Nullable Object sha256) {
        if (sha256 != null && access.isHiddenFile(sha256.toString())) {
            throw new ProblemException(ErrorCode.NOT_FOUND, "There is no artifact " + sha256 + ".");
        }
    }

    private static @Nullable Object variable(HttpServletRequest request, String name) {
        return request.getAttribute(HandlerMapping.URI_TEMPLATE_VARIABLES_ATTRIBUTE) instanceof Map<?, ?> path
                ? path.get(name)
                : null;
    }
}
