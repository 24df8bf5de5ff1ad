package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.isoflop.db.testing.DatabaseTest;
import dev.isoflop.db.testing.TestDatabase;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Platforms as processes, ended by SIGTERM and started again, while people submit and runners report. */
@DatabaseTest
class RestartTests {

    private static final JsonMapper JSON = JsonMapper.shared();

    @TempDir
    private Path directory;

    private TestDatabase postgres;
    private JdbcClient jdbc;
    private final List<Process> processes = new ArrayList<>();
    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(2))
            .build();

    @BeforeEach
    void start() {
        postgres = TestDatabase.start();
        jdbc = JdbcClient.create(postgres.dataSource());
    }

    @AfterEach
    void end() throws Exception {
        for (Process process : processes) {
            process.destroyForcibly().waitFor();
        }
        postgres.close();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private Process platform(int port) throws IOException {
        Path log = Files.createTempFile(directory, "platform", ".log");
        Process process = new ProcessBuilder(Stream.of(
                                Path.of(System.getProperty("java.home"), "bin", "java")
                                        .toString(),
                                "-cp",
                                System.getProperty("java.class.path"),
                                "-XX:TieredStopAtLevel=1",
                                PlatformApplication.class.getName(),
                                "--server.port=" + port,
                                "--isoflop.home=" + directory.resolve("home"),
                                "--isoflop.database.url=" + postgres.url(),
                                "--isoflop.database.user=" + postgres.user(),
                                "--isoflop.database.password=" + postgres.password())
                        .toList())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        processes.add(process);
        await().atMost(Duration.ofSeconds(90)).until(() -> {
            assertThat(process.isAlive()).as(Files.readString(log)).isTrue();
            return Files.readString(log).contains("ISOFLOP_READY");
        });
        return process;
    }

    /** SIGTERM, as systemd, Docker and {@code isoflop down} send it. */
    private static void terminate(Process process) throws InterruptedException {
        process.destroy();
        assertThat(process.waitFor(25, TimeUnit.SECONDS)).as("it has ended").isTrue();
        assertThat(process.exitValue()).as("by SIGTERM").isEqualTo(143);
    }

    private String token(String scope) {
        String token = "isf_restart-" + scope;
        jdbc.sql(
                        "insert into api_token (name, prefix, sha256, scope) values (?, 'isf_restart', ?, ?) on conflict do nothing")
                .param(token)
                .param(PlatformClient.sha256(token))
                .param(scope)
                .update();
        return token;
    }

    private HttpRequest.Builder request(int port, String path, String scope) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/api/v1" + path))
                .timeout(Duration.ofSeconds(20))
                .header("Authorization", "Bearer isf_restart-" + scope);
    }

    // --- the load

    /** Speaks to whichever platform answers, and repeats with the same key until one has. */
    private final class Caller {
        private final int[] ports;
        private int at;

        Caller(int... ports) {
            this.ports = ports;
        }

        JsonNode post(String path, String scope, String body) throws Exception {
            String key = UUID.randomUUID().toString();
            for (long end = System.nanoTime() + 60_000_000_000L; System.nanoTime() < end; ) {
                try {
                    HttpResponse<String> reply = http.send(
                            request(ports[at], path, scope)
                                    .header("Content-Type", "application/json")
                                    .header("Idempotency-Key", key)
                                    .POST(HttpRequest.BodyPublishers.ofString(body))
                                    .build(),
                            HttpResponse.BodyHandlers.ofString());
                    if (reply.statusCode() < 300) {
                        return reply.body().isEmpty() ? JSON.createObjectNode() : JSON.readTree(reply.body());
                    }
                    boolean transients =
                            reply.statusCode() >= 500 || reply.body().contains("idempotency-in-progress");
                    assertThat(transients).as(path + ": " + reply.body()).isTrue();
                } catch (IOException e) {
                    at = (at + 1) % ports.length; // it is going away: the other one then
                }
                Thread.sleep(20);
            }
            throw new AssertionError("nobody answered " + path);
        }
    }

    private final AtomicBoolean enough = new AtomicBoolean();
    private final Queue<String> submitted = new ConcurrentLinkedQueue<>();
    private final AtomicInteger points = new AtomicInteger();

    private void submit(int worker, Caller caller) throws Exception {
        for (int i = 0; !enough.get(); i++) {
            String name = "s" + worker + "-" + i;
            caller.post("/sweeps", "submit", """
                    {"kind":"command","name":"%s","experiment":"restart","command":["true"],"pool":"w%d"}""".formatted(name, worker));
            submitted.add(name);
            Thread.sleep(30);
        }
    }

    private void execute(int worker, Caller caller) throws Exception {
        long runner = caller.post("/runners", "runner", """
                        {"name":"r%d","instance":"1","pool":"w%d","host":"h","pid":1,"version":"0","slots":4,"cores":2,
                         "memoryBytes":1024,"devices":[],"kinds":["command"]}""".formatted(worker, worker))
                .path("runnerId")
                .asLong();
        while (!enough.get()) {
            for (JsonNode granted :
                    caller.post("/runners/" + runner + "/claims", "runner", """
                            {"slots":2,"freeMemoryBytes":1024,"kinds":["command"]}""").path("assignments")) {
                String attempt = "/runs/%d/attempts/%d"
                        .formatted(
                                granted.path("runId").asLong(),
                                granted.path("attempt").asInt());
                caller.post(attempt + "/start", "runner", "{}");
                for (int seq = 0; seq < 3; seq++) {
                    caller.post(attempt + "/metrics", "runner", """
                            {"seq":%d,"series":[{"metric":"m","steps":[%d],"values":[1],"timesMillis":[1]}]}""".formatted(seq, seq));
                    points.incrementAndGet();
                    JsonNode beat = caller.post("/runners/" + runner + "/heartbeats", "runner", """
                            {"instance":"1","freeMemoryBytes":1,"observed":[{"runId":%d,"attempt":%d,"step":%d,"stage":"x"}]}""".formatted(
                                    granted.path("runId").asLong(),
                                    granted.path("attempt").asInt(),
                                    seq));
                    assertThat(beat.path("desired").values())
                            .as("the lease is still held")
                            .anyMatch(d -> d.path("runId").equals(granted.path("runId")));
                }
                caller.post(attempt + "/finish", "runner", """
                        {"outcome":"SUCCEEDED","result":{"kind":"command","exitCode":0,"metrics":{},"outputs":[],"wallSeconds":1.0}}""");
            }
            Thread.sleep(20);
        }
    }

    private interface Work {
        void run() throws Exception;
    }

    private static CompletableFuture<Void> begin(Work work) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        Thread.ofVirtual().start(() -> {
            try {
                work.run();
                done.complete(null);
            } catch (Throwable e) {
                done.completeExceptionally(e);
            }
        });
        return done;
    }

    private int count(String sql) {
        return jdbc.sql(sql).query(Integer.class).single();
    }

    @Test
    void nothingIsLostWhenPlatformsAreReplacedOneByOneAndThenAllAtOnceUnderLoad() throws Exception {
        int first = freePort();
        int second = freePort();
        Process a = platform(first);
        List.of("read", "submit", "runner").forEach(this::token);
        List<CompletableFuture<Void>> load = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            int worker = i;
            load.add(begin(() -> submit(worker, new Caller(first, second))));
            load.add(begin(() -> execute(worker, new Caller(first, second))));
        }
        await().atMost(Duration.ofSeconds(30)).until(() -> points.get() > 30);
        Process b = platform(second);
        terminate(a);
        int before = points.get();
        await().atMost(Duration.ofSeconds(30)).until(() -> points.get() > before + 30);
        terminate(b);
        Process c = platform(second); // nobody was up meanwhile
        int after = points.get();
        await().atMost(Duration.ofSeconds(30)).until(() -> points.get() > after + 30);

        enough.set(true);
        for (CompletableFuture<Void> worker : load) {
            worker.get(60, TimeUnit.SECONDS);
        }
        assertThat(jdbc.sql("select name from sweep order by name")
                        .query(String.class)
                        .list())
                .as("each submission that was acknowledged is there, and once")
                .isEqualTo(submitted.stream().sorted().toList());
        assertThat(count("select count(*) from run where attempt_no > 1"))
                .as("no lease was lost")
                .isZero();
        assertThat(count("select count(*) from attempt where state not in ('running', 'succeeded', 'assigned')"))
                .isZero();
        assertThat(count("select count(*) from run_event where to_state in ('suspect', 'failed')"))
                .isZero();
        assertThat(count("select coalesce(sum(n), 0) from metric_head"))
                .as("each point that was acknowledged, once")
                .isEqualTo(points.get());
        terminate(c);
    }

    @Test
    void aPlatformThatIsToldToEndFinishesWhatItHasBegunAndSaysGoodbye() throws Exception {
        int port = freePort();
        Process platform = platform(port);
        List.of("read", "submit", "runner").forEach(this::token);
        Caller caller = new Caller(port);
        caller.post("/sweeps", "submit", """
                {"kind":"command","name":"left","experiment":"restart","command":["true"],"pool":"left"}""");
        long runner = caller.post("/runners", "runner", """
                        {"name":"left","instance":"1","pool":"left","host":"h","pid":1,"version":"0","slots":4,"cores":2,
                         "memoryBytes":1024,"devices":[],"kinds":["command"]}""").path("runnerId").asLong();
        caller.post("/runners/" + runner + "/claims", "runner", """
                {"slots":1,"freeMemoryBytes":1024,"kinds":["command"]}""");

        HttpResponse<InputStream> stream = http.send(
                request(port, "/stream?topics=runs", "read").build(), HttpResponse.BodyHandlers.ofInputStream());
        assertThat(stream.statusCode()).isEqualTo(200);
        String content = "a large checkpoint, slowly";
        try (Socket upload = new Socket("127.0.0.1", port)) {
            OutputStream out = upload.getOutputStream();
            out.write("""
                    PUT /api/v1/artifacts/%s HTTP/1.1
                    Host: 127.0.0.1
                    Authorization: Bearer isf_restart-runner
                    Content-Type: application/octet-stream
                    Content-Length: %d

                    """.formatted(PlatformClient.sha256(content), content.length())
                    .replace("\n", "\r\n")
                    .getBytes(StandardCharsets.US_ASCII));
            out.write(content.substring(0, 5).getBytes(StandardCharsets.UTF_8));
            out.flush();
            await().atMost(Duration.ofSeconds(30)).until(() -> {
                try (Stream<Path> files = Files.list(directory.resolve("home/artifacts/tmp"))) {
                    return files.findAny().isPresent();
                }
            });

            platform.destroy();
            String said = new String(stream.body().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(said).as("when to come back").containsPattern("(?s)retry:\\d+\\n:the platform is restarting");
            assertThat(platform.isAlive()).as("still at it").isTrue();
            out.write(content.substring(5).getBytes(StandardCharsets.UTF_8));
            out.flush();
            assertThat(new BufferedReader(new InputStreamReader(upload.getInputStream(), StandardCharsets.US_ASCII))
                            .readLine())
                    .startsWith("HTTP/1.1 204");
        }
        assertThat(platform.waitFor(20, TimeUnit.SECONDS)).isTrue();
        assertThat(count("select count(*) from artifact")).isEqualTo(1);
        assertThat(count("select count(*) from lease")).as("left alone").isEqualTo(1);
        assertThat(count("select count(*) from run where state = 'assigned'")).isEqualTo(1);
    }
}
