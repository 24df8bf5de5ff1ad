package dev.isoflop.platform.orchestration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.get;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.head;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.post;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.put;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.content;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.jsonPath;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.status;

import dev.isoflop.db.testing.DatabaseTest;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.job.FileRef;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.springframework.http.MediaType;
import org.springframework.stereotype.Controller;
import org.springframework.test.web.servlet.MockMvc;
import org.springframework.test.web.servlet.setup.MockMvcBuilders;
import tools.jackson.databind.json.JsonMapper;

/** The endpoints as they are addressed on the wire, and the files behind them. */
@DatabaseTest
class RunnerHttpTests {

    private final Orchestra on = Orchestra.get();
    private final MockMvc http = MockMvcBuilders.standaloneSetup(
                    on.context.getBeansWithAnnotation(Controller.class).values().toArray())
            .build();

    @Test
    void wholeLifeOfARunOverTheWire() throws Exception {
        String pool = Orchestra.newPool();
        long run = on.run(pool);
        String registration =
                new JsonMapper().writeValueAsString(on.registration("http-" + UUID.randomUUID(), "i", pool));
        String registered = http.perform(post("/api/v1/runners")
                        .contentType(MediaType.APPLICATION_JSON)
                        .content(registration))
                .andExpect(status().isOk())
                .andExpect(jsonPath("$.heartbeatSeconds").value(10))
                .andExpect(jsonPath("$.leaseSeconds").value(60))
                .andReturn()
                .getResponse()
                .getContentAsString();
        long runner = new JsonMapper().readTree(registered).get("runnerId").asLong();
        http.perform(post("/api/v1/runners/{id}/claims", runner)
                        .header("Idempotency-Key", "k")
                        .contentType(MediaType.APPLICATION_JSON)
                        .content("{\"slots\":1,\"freeMemoryBytes\":1,\"kinds\":[\"data\"]}"))
                .andExpect(status().isOk())
                .andExpect(jsonPath("$.assignments[0].runId").value(run))
                .andExpect(jsonPath("$.assignments[0].job.kind").value("data"));
        http.perform(post("/api/v1/runs/{run}/attempts/1/start", run).contentType(MediaType.APPLICATION_JSON))
                .andExpect(status().isNoContent());
        http.perform(post("/api/v1/runners/{id}/heartbeats", runner)
                        .contentType(MediaType.APPLICATION_JSON)
                        .content(
                                "{\"instance\":\"i\",\"freeMemoryBytes\":1,\"observed\":[{\"runId\":%d,\"attempt\":1,\"step\":3,\"stage\":\"x\"}]}"
                                        .formatted(run)))
                .andExpect(status().isOk())
                .andExpect(jsonPath("$.desired[0].intent").value("RUN"));
        http.perform(
                        post("/api/v1/runs/{run}/attempts/1/finish", run)
                                .contentType(MediaType.APPLICATION_JSON)
                                .content(
                                        "{\"outcome\":\"FAILED\",\"failure\":{\"category\":\"OUT_OF_MEMORY\",\"code\":\"out-of-memory\",\"message\":\"m\"}}"))
                .andExpect(status().isNoContent());
        assertThat(on.history(run)).containsExactly("queued", "assigned", "running", "failed");
    }

    @Test
    void artifactComesBackWholeOrInPart() throws Exception {
        byte[] bytes = ("0123456789 " + UUID.randomUUID()).getBytes(StandardCharsets.UTF_8);
        String sha = Orchestra.sha256(bytes);
        String path = "/api/v1/artifacts/" + sha;
        FenceTests.assertCode(ErrorCode.NOT_FOUND, () -> find(sha));
        http.perform(put(path).contentType(MediaType.APPLICATION_OCTET_STREAM).content(bytes))
                .andExpect(status().isNoContent());
        http.perform(head(path)).andExpect(status().isOk());
        http.perform(get(path)).andExpect(status().isOk()).andExpect(content().bytes(bytes));
        http.perform(get(path).header("Range", "bytes=2-4"))
                .andExpect(status().isPartialContent())
                .andExpect(content().string("234"));
    }

    @Test
    void bytesThatDoNotHashToTheNameLeaveNothing() throws Exception {
        byte[] bytes = ("good " + UUID.randomUUID()).getBytes(StandardCharsets.UTF_8);
        String sha = Orchestra.sha256(bytes);
        byte[] bad = bytes.clone();
        bad[0] ^= 1;
        FenceTests.assertCode(ErrorCode.CHECKSUM_MISMATCH, () -> on.files.put(sha, new ByteArrayInputStream(bad)));
        assertThat(on.files.find(sha)).isEmpty();
        assertThatThrownBy(() -> on.files.put(sha, new Broken(bytes))).isInstanceOf(java.io.UncheckedIOException.class);
        assertThat(on.files.find(sha)).isEmpty();
        FenceTests.assertCode(
                ErrorCode.INVALID_REQUEST, () -> on.files.put("../../etc/passwd", new ByteArrayInputStream(bad)));
        on.files.put(sha, new ByteArrayInputStream(bytes));
        Path stored = on.files.find(sha).orElseThrow().path();
        try (Stream<Path> left = Files.list(stored.getParent().getParent().resolve("tmp"))) {
            assertThat(left).isEmpty();
        }
    }

    @Test
    void spoiltArtifactCountsAsAbsentUntilItIsPutAgain() throws Exception {
        FileRef file = on.store("f", "spoilt " + UUID.randomUUID());
        Path path = on.files.find(file.sha256()).orElseThrow().path();
        byte[] bytes = Files.readAllBytes(path);
        Files.write(path, new byte[] {1});
        FenceTests.assertCode(ErrorCode.NOT_FOUND, () -> find(file.sha256()));
        on.files.put(file.sha256(), new ByteArrayInputStream(bytes));
        assertThat(on.files.find(file.sha256())).isPresent();
    }

    @Test
    void onlyFilesNothingNeedsArePruned() {
        String pool = Orchestra.newPool();
        long run = on.run(pool);
        on.worker(pool).claimAndStart();
        FileRef shared = on.store("config", "shared by every checkpoint of " + run);
        FileRef[] models = new FileRef[4];
        for (int i = 0; i < models.length; i++) {
            models[i] = on.store("model", "model " + i + " of " + run);
            on.api.commitCheckpoint(run, 1, Orchestra.checkpoint(i + 1, models[i], shared));
        }
        FileRef loose = on.store("loose", "never committed " + run);
        FileRef fresh = on.store("fresh", "not committed yet " + run);
        on.jdbc
                .sql("update artifact set created_at = now() - interval '2 hours' where sha256 <> ?")
                .param(fresh.sha256())
                .update();
        on.files.prune();
        assertThat(Stream.of(models).map(f -> on.files.find(f.sha256()).isPresent()))
                .containsExactly(false, false, true, true);
        assertThat(on.files.find(shared.sha256())).isPresent();
        assertThat(on.files.find(loose.sha256())).isEmpty();
        assertThat(on.files.find(fresh.sha256())).isPresent();
    }

    private void find(String sha256) {
        try {
            http.perform(get("/api/v1/artifacts/" + sha256));
        } catch (Exception e) {
            if (e.getCause() instanceof ProblemException problem) {
                throw problem;
            }
            throw new AssertionError(e);
        }
    }

    /** A connection that breaks after its last byte. */
    private static final class Broken extends ByteArrayInputStream {
        Broken(byte[] bytes) {
            super(bytes);
        }

        @Override
        public int read(byte[] buffer, int offset, int length) {
            int n = super.read(buffer, offset, length);
            if (n < 0) {
                throw new java.io.UncheckedIOException(new IOException("connection reset"));
            }
            return n;
        }
    }
}
