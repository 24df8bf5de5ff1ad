package dev.isoflop.cli.chaos;

import dev.isoflop.cli.client.ApiClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What the runners asked and what the platform answered, with times of one clock.
 *
 * <p>Concurrency: any number of threads.
 */
final class History {

    private static final Pattern CLAIM = Pattern.compile("/api/v1/runners/\\d+/claims");
    private static final Pattern HEARTBEAT = Pattern.compile("/api/v1/runners/\\d+/heartbeats");
    private static final Pattern REPORT = Pattern.compile("/api/v1/runs/(\\d+)/attempts/(\\d+)/([a-z]+)");

    private final JsonMapper json = ApiClient.mapper();
    private final List<Op> ops = new ArrayList<>();
    private final Map<String, Long> claimsFirstSent = new ConcurrentHashMap<>();

    /** Whether a request is one that may be repeated much later: what it does is fenced or keyed. */
    static boolean mayComeLate(String path) {
        return CLAIM.matcher(path).matches() || REPORT.matcher(path).matches();
    }

    /**
     * A request is about to be passed on.
     *
     * @param claimKey its Idempotency-Key
     */
    void sending(String path, @Nullable String claimKey, long nanos) {
        if (claimKey != null && CLAIM.matcher(path).matches()) {
            claimsFirstSent.merge(claimKey, nanos, Math::min);
        }
    }

    /**
     * A request was answered, or was not.
     *
     * @param status HTTP status; 0 if there was no answer
     * @param body of the answer
     */
    void answered(String runner, String path, @Nullable String claimKey, long sent, int status, byte[] body) {
        long now = status == 0 ? Long.MAX_VALUE : System.nanoTime();
        Matcher report = REPORT.matcher(path);
        if (report.matches()) {
            add(new Op(
                    report.group(3).equals("finish") ? Op.Kind.FINISH : Op.Kind.WRITE,
                    Long.parseLong(report.group(1)),
                    Integer.parseInt(report.group(2)),
                    runner,
                    sent,
                    now,
                    answer(status, body)));
        } else if (status == 200 && claimKey != null && CLAIM.matcher(path).matches()) {
            long first = claimsFirstSent.getOrDefault(claimKey, sent);
            each(body, "assignments", Op.Kind.GRANT, runner + " by claim " + claimKey, first, now);
        } else if (status == 200 && HEARTBEAT.matcher(path).matches()) {
            each(body, "desired", Op.Kind.HELD, runner, sent, now);
        }
    }

    private void each(byte[] body, String field, Op.Kind kind, String who, long sent, long now) {
        for (JsonNode item : parse(body).path(field)) {
            add(new Op(
                    kind,
                    item.path("runId").asLong(),
                    item.path("attempt").asInt(),
                    who,
                    sent,
                    now,
                    Op.Answer.ACCEPTED));
        }
    }

    private Op.Answer answer(int status, byte[] body) {
        if (status / 100 == 2) {
            return Op.Answer.ACCEPTED;
        }
        return status == 409 && parse(body).path("code").asString("").equals("stale-attempt")
                ? Op.Answer.STALE
                : Op.Answer.UNKNOWN;
    }

    private JsonNode parse(byte[] body) {
        try {
            return json.readTree(body);
        } catch (JacksonException e) {
            return json.createObjectNode();
        }
    }

    private void add(Op op) {
        synchronized (ops) {
            ops.add(op);
        }
    }

    List<Op> ops() {
        synchronized (ops) {
            return List.copyOf(ops);
        }
    }

    /** One JSON object a line, for whoever has to find out what happened. */
    void save(Path file) throws IOException {
        List<String> lines = new ArrayList<>();
        for (Op op : ops()) {
            lines.add(json.writeValueAsString(op));
        }
        Files.write(file, lines);
    }
}
