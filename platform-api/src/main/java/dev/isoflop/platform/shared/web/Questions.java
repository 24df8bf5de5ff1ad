package dev.isoflop.platform.shared.web;

import jakarta.servlet.http.HttpServletRequest;
import java.util.List;
import org.springframework.http.server.PathContainer;
import org.springframework.web.util.pattern.PathPattern;
import org.springframework.web.util.pattern.PathPatternParser;

/**
 * What is asked by POST because a question is a document, and changes nothing: whoever may read may ask it, of what they may see, and
 * it is in no audit.
 */
public final class Questions {

    private static final List<String> PATHS =
            List.of("/api/v1/accounting", "/api/v1/plans", "/api/v1/fits/*/next-runs");
    private static final List<PathPattern> PATTERNS =
            PATHS.stream().map(PathPatternParser.defaultInstance::parse).toList();

    private Questions() {}

    /** Their addresses, {@code *} for one segment. */
    public static String[] paths() {
        return PATHS.toArray(String[]::new);
    }

    /** Whether that is all a request does. */
    public static boolean isOne(HttpServletRequest request) {
        if (!request.getMethod().equals("POST")) {
            return false;
        }
        PathContainer path = PathContainer.parsePath(request.getRequestURI());
        return PATTERNS.stream().anyMatch(pattern -> pattern.matches(path));
    }
}
