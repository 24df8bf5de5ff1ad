package dev.isoflop.platform.tokens;

import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;

/**
 * Files that tokens are written to, for containers, where nobody is at hand to pass them on.
 *
 * @param admin gets the admin token that is otherwise printed when it is made
 * @param runner holds a valid token of scope runner once the platform is ready
 */
@ConfigurationProperties("isoflop.token-file")
record TokenFiles(@Nullable Path admin, @Nullable Path runner) {

    Optional<TokenFile> adminFile() {
        return file(admin);
    }

    Optional<TokenFile> runnerFile() {
        return file(runner);
    }

    private static Optional<TokenFile> file(@Nullable Path path) {
        return Optional.ofNullable(path).filter(p -> !p.toString().isBlank()).map(TokenFile::new);
    }
}
