package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.jdbc.core.simple.JdbcClient;

/** The platform's own disks fill up. */
class ShortageTests {

    private final HttpClient http = HttpClient.newHttpClient();

    private HttpRequest.Builder request(OwnPlatform platform, String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + platform.port() + path))
                .header("Authorization", "Bearer " + platform.client.token("runner"));
    }

    private HttpResponse<String> put(OwnPlatform platform, byte[] body, boolean sayLength) throws Exception {
        String sha =
                HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(body));
        HttpRequest.BodyPublisher publisher = sayLength
                ? HttpRequest.BodyPublishers.ofByteArray(body)
                : HttpRequest.BodyPublishers.ofInputStream(() -> new java.io.ByteArrayInputStream(body));
        return http.send(
                request(platform, "/api/v1/artifacts/" + sha)
                        .header("Content-Type", "application/octet-stream")
                        .PUT(publisher)
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private static byte[] bytes(int megabytes, long seed) {
        byte[] bytes = new byte[megabytes << 20];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private static long filesIn(Path directory) throws Exception {
        try (Stream<Path> all = Files.walk(directory)) {
            return all.filter(Files::isRegularFile).count();
        }
    }

    private static boolean run(String... command) throws Exception {
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        return process.waitFor(20, TimeUnit.SECONDS) && process.exitValue() == 0;
    }

    @Test
    void aFullDiskOfArtifactsRefusesForNowAndKeepsNoHalfOfAnything(@TempDir Path home) throws Exception {
        Path artifacts = Files.createDirectories(home.resolve("small"));
        assumeTrue(
                run("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", artifacts.toString()),
                "a file system of its own can be mounted by root on Linux only");
        try (OwnPlatform platform = OwnPlatform.start(home, "--isoflop.artifacts.directory=" + artifacts)) {
            assertThat(put(platform, bytes(3, 1), true).statusCode()).isEqualTo(204);
            for (boolean sayLength : new boolean[] {true, false}) {
                HttpResponse<String> refused = put(platform, bytes(6, 2), sayLength);
                assertThat(refused.statusCode()).as("length said: " + sayLength).isEqualTo(507);
                assertThat(refused.headers().firstValue("Retry-After")).hasValue("5");
                assertThat(refused.body()).contains("\"code\":\"storage-full\"", "make room");
                assertThat(filesIn(artifacts)).as("nothing of it stays").isEqualTo(1);
            }
            assertThat(platform.context
                            .getBean(JdbcClient.class)
                            .sql("select count(*) from artifact")
                            .query(Integer.class)
                            .single())
                    .isEqualTo(1);
            assertThat(put(platform, bytes(4, 3), true).statusCode())
                    .as("what fits")
                    .isEqualTo(204);
            HttpResponse<String> health = http.send(
                    request(platform, "/actuator/health/readiness").build(), HttpResponse.BodyHandlers.ofString());
            assertThat(health.statusCode()).isEqualTo(503);
        } finally {
            run("umount", artifacts.toString());
        }
    }

    @Test
    void aDatabaseWithoutRoomRefusesForNow(@TempDir Path home) throws Exception {
        try (OwnPlatform platform = OwnPlatform.start(home)) {
            JdbcClient jdbc = platform.context.getBean(JdbcClient.class);
            // PostgreSQL's own words when it cannot extend a table
            jdbc.sql("""
                            create function full_disk() returns trigger language plpgsql as
                            $$ begin raise exception 'could not extend file' using errcode = '53100'; end $$
                            """).update();
            jdbc.sql("create trigger full_disk before insert on artifact for each row execute function full_disk()")
                    .update();
            HttpResponse<String> refused = put(platform, bytes(1, 1), true);
            assertThat(refused.statusCode()).isEqualTo(507);
            assertThat(refused.headers().firstValue("Retry-After")).hasValue("5");
            assertThat(refused.body()).contains("storage-full", "database's disk is full");
            assertThat(filesIn(home.resolve("artifacts"))).isZero();
            jdbc.sql("drop trigger full_disk on artifact").update();
            assertThat(put(platform, bytes(1, 1), true).statusCode()).isEqualTo(204);
        }
    }
}
