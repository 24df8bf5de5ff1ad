package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.isoflop.platform.PlatformClient.Reply;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** The disk of the artifacts is full of checkpoints that nobody needs any more, all of them young. */
@PlatformTest
class ArtifactRoomApiTests {

    private final PlatformClient client;

    ArtifactRoomApiTests(PlatformClient client) {
        this.client = client;
    }

    private int put(String sha256, String content) throws Exception {
        return client.http()
                .send(
                        HttpRequest.newBuilder(client.uri("/api/v1/artifacts/" + sha256))
                                .header("Authorization", "Bearer " + client.token("runner"))
                                .header("Content-Type", "application/octet-stream")
                                .PUT(HttpRequest.BodyPublishers.ofString(content))
                                .build(),
                        HttpResponse.BodyHandlers.discarding())
                .statusCode();
    }

    private String store(String content) throws Exception {
        String sha256 = PlatformClient.sha256(content);
        assertThat(put(sha256, content)).isEqualTo(204);
        return sha256;
    }

    private boolean isThere(String sha256) {
        return client.get("/api/v1/artifacts/" + sha256).status() == 200;
    }

    /** Says that a file is coming which no disk holds, and sends none of it. */
    private String statusOfAnUploadTooLarge() throws Exception {
        URI uri = client.uri("/api/v1/artifacts/" + "0".repeat(64));
        try (Socket socket = new Socket(uri.getHost(), uri.getPort())) {
            socket.getOutputStream()
                    .write(("PUT %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
                                    + "Content-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n")
                            .formatted(uri.getPath(), client.token("runner"), 1L << 60)
                            .getBytes(StandardCharsets.US_ASCII));
            return new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII))
                    .readLine();
        }
    }

    @Test
    void anUploadThatFindsNoRoomHasSupersededCheckpointsDeletedAtOnce() throws Exception {
        String mark = UUID.randomUUID().toString();
        String pool = "p" + mark.substring(0, 8);
        client.readyDataset("room.txt", 10_000_000);
        assertThat(client.submitSweep(pool, "room", "room.txt", pool, 1, 1).status())
                .isEqualTo(201);
        long runner = client.registerRunner("runner-" + pool, pool, 1L << 34);
        JsonNode assignment = client.claim(runner, 1, "pretrain").getFirst();
        String attempt = "/api/v1/runs/%d/attempts/%d"
                .formatted(
                        assignment.path("runId").asLong(),
                        assignment.path("attempt").asInt());
        assertThat(client.post(attempt + "/start", "runner", "").status()).isEqualTo(204);
        List<String> models = IntStream.range(0, 4)
                .mapToObj(i -> "model " + i + " of " + mark)
                .toList();
        for (int i = 0; i < models.size(); i++) {
            Reply committed = client.post(attempt + "/checkpoints", "runner", """
                    {"step":%d,"tokens":1,"trainSeconds":1,"files":[{"name":"model","sha256":"%s","bytes":%d}]}""".formatted(
                            i + 1, store(models.get(i)), models.get(i).length()));
            assertThat(committed.status()).as(committed.text()).isLessThan(300);
        }
        String onItsWay = store("of a checkpoint that is not committed yet " + mark);
        assertThat(statusOfAnUploadTooLarge()).contains("507");
        await().atMost(Duration.ofSeconds(10))
                .until(() -> !isThere(PlatformClient.sha256(models.get(0)))
                        && !isThere(PlatformClient.sha256(models.get(1))));
        assertThat(isThere(PlatformClient.sha256(models.get(2))))
                .as("the last two stay")
                .isTrue();
        assertThat(isThere(PlatformClient.sha256(models.get(3)))).isTrue();
        assertThat(isThere(onItsWay)).isTrue();
    }
}
