package dev.isoflop.runner;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.error.Problem;
import dev.isoflop.protocol.runner.CheckpointCommit;
import dev.isoflop.protocol.runner.ClaimGrant;
import dev.isoflop.protocol.runner.Directives;
import dev.isoflop.protocol.runner.FinishAttempt;
import dev.isoflop.protocol.runner.Heartbeat;
import dev.isoflop.protocol.runner.LogBatch;
import dev.isoflop.protocol.runner.MetricAck;
import dev.isoflop.protocol.runner.MetricBatch;
import dev.isoflop.protocol.runner.RegisterRunner;
import dev.isoflop.protocol.runner.Registration;
import dev.isoflop.protocol.runner.RunProfile;
import dev.isoflop.runner.platform.PlatformClient;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.security.MessageDigest;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.function.Function;
import tools.jackson.databind.json.JsonMapper;

/**
 * A platform in memory that keeps the protocol's promises (fence, sequence numbers, idempotent claims) and breaks the
 * network's on request: lost requests, lost replies, 5xx, slow answers.
 */
final class FakePlatform implements AutoCloseable {

    /** What happens to one request. */
    enum Fault {
        NONE,
        /** Never handled, no answer. */
        LOST_REQUEST,
        /** Handled, no answer. */
        LOST_REPLY,
        /** Not handled, 503. */
        UNAVAILABLE,
        /** Not handled, 507 and when to come back. */
        STORAGE_FULL,
        /** Handled after a second. */
        SLOW
    }

    /** One attempt as the platform knows it. */
    static final class Attempt {
        boolean current = true;
        int starts;
        long nextSeq;
        long nextLog;
        final Map<String, TreeMap<Long, Double>> series = new LinkedHashMap<>();
        final List<String> log = new ArrayList<>();
        final List<CheckpointCommit> checkpoints = new ArrayList<>();
        final List<RunProfile> profiles = new ArrayList<>();
        final List<Integer> pointsAtCheckpoint = new ArrayList<>();
        FinishAttempt finish;
        int duplicates;

        int points() {
            return series.values().stream().mapToInt(Map::size).sum();
        }
    }

    final Map<String, Attempt> attempts = new ConcurrentHashMap<>();
    final Map<String, byte[]> artifacts = new ConcurrentHashMap<>();
    final Queue<ClaimGrant.Assignment> queue = new ConcurrentLinkedQueue<>();
    final Map<String, ClaimGrant> claims = new HashMap<>();
    final Set<String> claimKeys = new HashSet<>();
    final List<Heartbeat> heartbeats = new CopyOnWriteArrayList<>();
    final Map<String, Directives.Directive> intents = new ConcurrentHashMap<>();
    final List<String> refused = new CopyOnWriteArrayList<>();
    final Map<String, ArrayDeque<Fault>> faults = new ConcurrentHashMap<>();
    volatile Function<String, Fault> chaos = path -> Fault.NONE;
    volatile int registrations;
    /** False: a platform older than profiles. */
    volatile boolean takesProfiles = true;

    volatile RegisterRunner registered;
    private final int heartbeatSeconds;
    private final int leaseSeconds;
    private final HttpServer server;
    private final JsonMapper json = PlatformClient.mapper();

    FakePlatform(int heartbeatSeconds, int leaseSeconds) throws IOException {
        this.heartbeatSeconds = heartbeatSeconds;
        this.leaseSeconds = leaseSeconds;
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/api/v1/", this::serve);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.start();
    }

    URI url() {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    }

    Attempt attempt(long run, int number) {
        return attempts.computeIfAbsent(run + "/" + number, k -> new Attempt());
    }

    /** Queues faults for the next requests whose path ends in the word given. */
    void fail(String ending, Fault... next) {
        faults.computeIfAbsent(ending, k -> new ArrayDeque<>()).addAll(List.of(next));
    }

    /** As if the lease had been lost and the run given away: later writes of the attempt are refused. */
    void takeAway(long run, int number) {
        synchronized (this) {
            attempt(run, number).current = false;
        }
    }

    private void serve(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath().substring("/api/v1".length());
        byte[] body = exchange.getRequestBody().readAllBytes();
        Fault fault = next(path);
        try {
            switch (fault) {
                case NONE -> answer(exchange, handle(exchange, path, body));
                case LOST_REQUEST -> exchange.close();
                case LOST_REPLY -> {
                    handle(exchange, path, body);
                    exchange.close();
                }
                case UNAVAILABLE -> answer(exchange, new Answer(503, "<html>a proxy's page</html>".getBytes()));
                case STORAGE_FULL -> {
                    exchange.getResponseHeaders().set("Retry-After", "1");
                    answer(exchange, problem(ErrorCode.STORAGE_FULL, null));
                }
                case SLOW -> {
                    Thread.sleep(1_000);
                    answer(exchange, handle(exchange, path, body));
                }
            }
        } catch (InterruptedException e) {
            exchange.close();
        } catch (RuntimeException e) {
            e.printStackTrace();
            exchange.close();
        }
    }

    private synchronized Fault next(String path) {
        for (Map.Entry<String, ArrayDeque<Fault>> e : faults.entrySet()) {
            if (path.endsWith(e.getKey()) && !e.getValue().isEmpty()) {
                return e.getValue().poll();
            }
        }
        return chaos.apply(path);
    }

    private record Answer(int status, byte[] body) {}

    private static void answer(HttpExchange exchange, Answer answer) throws IOException {
        boolean problem = answer.status >= 400;
        exchange.getResponseHeaders().set("Content-Type", problem ? "application/problem+json" : "application/json");
        boolean empty = answer.body.length == 0 || "HEAD".equals(exchange.getRequestMethod());
        exchange.sendResponseHeaders(answer.status, empty ? -1 : answer.body.length);
        if (!empty) {
            exchange.getResponseBody().write(answer.body);
        }
        exchange.close();
    }

    private Answer ok(Object body) {
        return new Answer(200, json.writeValueAsBytes(body));
    }

    private Answer problem(ErrorCode code, Long expectedSeq) {
        return new Answer(
                code.status(),
                json.writeValueAsBytes(new Problem(
                        "/problems/" + code.slug(), code.slug(), code.status(), "no", code.slug(), null, expectedSeq)));
    }

    private synchronized Answer handle(HttpExchange exchange, String path, byte[] body) {
        String[] p = path.substring(1).split("/");
        return switch (p[0]) {
            case "runners" -> runners(exchange, p, body);
            case "artifacts" -> artifact(exchange.getRequestMethod(), p[1], body);
            case "runs" -> write(p, body);
            default -> problem(ErrorCode.NOT_FOUND, null);
        };
    }

    private Answer runners(HttpExchange exchange, String[] p, byte[] body) {
        if (p.length == 1) {
            registrations++;
            registered = json.readValue(body, RegisterRunner.class);
            return ok(new Registration(7, heartbeatSeconds, leaseSeconds));
        }
        if (p[2].equals("claims")) {
            String key = exchange.getRequestHeaders().getFirst("Idempotency-Key");
            claimKeys.add(key);
            return ok(claims.computeIfAbsent(key, k -> {
                ClaimGrant.Assignment next = queue.poll();
                if (next != null) {
                    attempt(next.runId(), next.attempt());
                }
                return new ClaimGrant(next == null ? List.of() : List.of(next));
            }));
        }
        heartbeats.add(json.readValue(body, Heartbeat.class));
        List<Directives.Directive> desired = new ArrayList<>();
        attempts.forEach((key, attempt) -> {
            String[] id = key.split("/");
            if (attempt.current && attempt.finish == null) {
                desired.add(intents.getOrDefault(
                        key,
                        new Directives.Directive(
                                Long.parseLong(id[0]), Integer.parseInt(id[1]), Directives.Intent.RUN, 0)));
            }
        });
        return ok(new Directives(desired));
    }

    private Answer artifact(String method, String sha, byte[] body) {
        byte[] held = artifacts.get(sha);
        return switch (method) {
            case "HEAD" -> held == null ? problem(ErrorCode.NOT_FOUND, null) : new Answer(200, new byte[0]);
            case "GET" -> held == null ? problem(ErrorCode.NOT_FOUND, null) : new Answer(200, held);
            default -> {
                if (!sha(body).equals(sha)) {
                    yield problem(ErrorCode.CHECKSUM_MISMATCH, null);
                }
                artifacts.put(sha, body);
                yield new Answer(201, new byte[0]);
            }
        };
    }

    static String sha(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private Answer write(String[] p, byte[] body) {
        Attempt attempt = attempt(Long.parseLong(p[1]), Integer.parseInt(p[3]));
        if (!attempt.current) {
            refused.add(p[4]);
            return problem(ErrorCode.STALE_ATTEMPT, null);
        }
        switch (p[4]) {
            case "start" -> attempt.starts++;
            case "finish" -> attempt.finish = json.readValue(body, FinishAttempt.class);
            case "logs" -> {
                LogBatch batch = json.readValue(body, LogBatch.class);
                for (int i = 0; i < batch.lines().size(); i++) {
                    if (batch.firstSeq() + i == attempt.nextLog) {
                        attempt.nextLog++;
                        attempt.log.add(batch.lines().get(i).text());
                    }
                }
            }
            case "profile" -> {
                if (!takesProfiles) {
                    return problem(ErrorCode.METHOD_NOT_ALLOWED, null);
                }
                attempt.profiles.add(json.readValue(body, RunProfile.class));
            }
            case "checkpoints" -> {
                CheckpointCommit commit = json.readValue(body, CheckpointCommit.class);
                if (!commit.files().stream().allMatch(f -> artifacts.containsKey(f.sha256()))) {
                    return problem(ErrorCode.NOT_FOUND, null);
                }
                if (attempt.checkpoints.stream().noneMatch(c -> c.step() == commit.step())) {
                    attempt.checkpoints.add(commit);
                    TreeMap<Long, Double> loss = attempt.series.getOrDefault("train/loss", new TreeMap<>());
                    attempt.pointsAtCheckpoint.add(
                            loss.headMap(commit.step(), true).size());
                }
            }
            case "metrics" -> {
                return metrics(attempt, json.readValue(body, MetricBatch.class));
            }
            default -> {
                return problem(ErrorCode.NOT_FOUND, null);
            }
        }
        return new Answer(204, new byte[0]);
    }

    private Answer metrics(Attempt attempt, MetricBatch batch) {
        if (batch.seq() < attempt.nextSeq) {
            return ok(new MetricAck(attempt.nextSeq, 0));
        }
        if (batch.seq() > attempt.nextSeq) {
            return problem(ErrorCode.BATCH_GAP, attempt.nextSeq);
        }
        int points = 0;
        for (MetricBatch.Series s : batch.series()) {
            TreeMap<Long, Double> series = attempt.series.computeIfAbsent(s.metric(), k -> new TreeMap<>());
            for (int i = 0; i < s.steps().length; i++, points++) {
                if (series.put(s.steps()[i], s.values()[i]) != null) {
                    attempt.duplicates++;
                }
            }
        }
        attempt.nextSeq++;
        return ok(new MetricAck(attempt.nextSeq, points));
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
