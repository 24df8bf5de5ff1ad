package dev.isoflop.platform.tokens;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;

/**
 * The token of runners that share a file with the platform, so that nobody has to make one by hand. Once the platform is ready the file
 * holds a valid one: the one found there, or, if that was revoked or is none, a new one.
 *
 * <p>Crash: the token is committed before it is written; a platform that dies in between has made one that nobody knows.
 */
@Component
class RunnerTokenFile {

    private static final Logger log = LoggerFactory.getLogger(RunnerTokenFile.class);

    private final Credentials credentials;
    private final RunnerTokens tokens;
    private final TokenFiles files;

    RunnerTokenFile(Credentials credentials, RunnerTokens tokens, TokenFiles files) {
        this.credentials = credentials;
        this.tokens = tokens;
        this.files = files;
    }

    @EventListener(ApplicationReadyEvent.class)
    void makeIfNeeded() {
        files.runnerFile().ifPresent(this::makeIfNeeded);
    }

    private void makeIfNeeded(TokenFile file) {
        boolean good = file.read()
                .flatMap(credentials::ofToken)
                .filter(caller -> caller.scope() == Scope.RUNNER)
                .isPresent();
        if (!good) {
            file.write(tokens.issue("runners that read " + file).secret());
            log.info("a token for runners is in {}", file);
        }
    }
}
