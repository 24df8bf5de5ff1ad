package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** Tokens that the platform hands over in files, as containers have them. */
@ExtendWith(OutputCaptureExtension.class)
class TokenFileTests {

    private static final String REGISTRATION = """
            {"name":"%s","instance":"1","pool":"default","host":"h","pid":1,"version":"0","slots":1,"cores":1,
             "memoryBytes":1,"devices":[],"kinds":["data"]}""";

    private static String token(Path file) throws Exception {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .as("for its owner alone")
                .isEqualTo("rw-------");
        return Files.readString(file).strip();
    }

    private static int register(OwnPlatform platform, String token) {
        // a living runner keeps its name from others' tokens
        String registration = REGISTRATION.formatted(UUID.randomUUID());
        return platform.client
                .send("POST", "/api/v1/runners", token, registration, Map.of())
                .status();
    }

    private static int listTokens(OwnPlatform platform, String token) {
        return platform.client
                .send("GET", "/api/v1/tokens", token, null, Map.of())
                .status();
    }

    @Test
    void areMadeOnceKeptWhileTheyAreGoodAndReplacedWhenTheyAreNot(@TempDir Path directory, CapturedOutput output)
            throws Exception {
        Path home = directory.resolve("home");
        Path adminFile = directory.resolve("admin/token");
        Path runnerFile = directory.resolve("runner/token");
        String[] options = {"--isoflop.token-file.admin=" + adminFile, "--isoflop.token-file.runner=" + runnerFile};
        String admin;
        String runner;
        try (OwnPlatform platform = OwnPlatform.start(home, options)) {
            admin = token(adminFile);
            runner = token(runnerFile);
            assertThat(listTokens(platform, admin)).isEqualTo(200);
            assertThat(register(platform, runner)).isEqualTo(200);
            assertThat(listTokens(platform, runner))
                    .as("good for runners alone")
                    .isEqualTo(403);
        }
        try (OwnPlatform platform = OwnPlatform.start(home, options)) {
            assertThat(token(adminFile)).isEqualTo(admin);
            assertThat(token(runnerFile)).isEqualTo(runner);
            var tokens = platform.client
                    .send("GET", "/api/v1/tokens", admin, null, Map.of())
                    .body();
            long id = tokens.valueStream()
                    .filter(t -> t.path("scope").asString().equals("runner"))
                    .findFirst()
                    .orElseThrow()
                    .path("id")
                    .asLong();
            assertThat(platform.client
                            .send("DELETE", "/api/v1/tokens/" + id, admin, null, Map.of())
                            .status())
                    .isEqualTo(204);
        }
        try (OwnPlatform platform = OwnPlatform.start(home, options)) {
            String fresh = token(runnerFile);
            assertThat(fresh).isNotEqualTo(runner);
            assertThat(register(platform, runner))
                    .as("a revoked token stays so")
                    .isEqualTo(401);
            assertThat(register(platform, fresh)).isEqualTo(200);
            Files.writeString(runnerFile, admin);
        }
        try (OwnPlatform platform = OwnPlatform.start(home, options)) {
            assertThat(token(runnerFile)).as("more than a runner needs").isNotEqualTo(admin);
            assertThat(register(platform, token(runnerFile))).isEqualTo(200);
        }
        assertThat(output.getAll()).doesNotContain("isf_");
    }

    @Test
    void aFileThatCannotBeWrittenIsSaidAtTheStart(@TempDir Path directory) throws Exception {
        Path notADirectory = Files.writeString(directory.resolve("file"), "x");
        assertThatThrownBy(() -> OwnPlatform.start(
                                directory.resolve("home"),
                                "--isoflop.token-file.runner=" + notADirectory.resolve("token"))
                        .close())
                .hasStackTraceContaining("The token file " + notADirectory.resolve("token"));
    }
}
