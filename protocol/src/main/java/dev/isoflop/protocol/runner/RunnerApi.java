package dev.isoflop.protocol.runner;

import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.service.annotation.HttpExchange;
import org.springframework.web.service.annotation.PostExchange;
import org.springframework.web.service.annotation.PutExchange;

/**
 * Everything a runner says to the platform, implemented there and proxied here. Every request carries a bearer token of
 * scope {@code runner}. Writes about a run name the run and the attempt in their path: when that attempt is not the
 * run's current one the answer is 409 {@code stale-attempt} and the runner stops that work at once (the fence).
 *
 * <p>Every call may be repeated after a lost reply: registration is keyed by the runner's name and instance, claims by
 * their Idempotency-Key, metric batches by their sequence number, logs by theirs, checkpoints by their step, a
 * profile by replacing the one before, and {@code finish} by being terminal.
 *
 * <p>Artifact bytes travel beside this interface: {@code HEAD}, {@code PUT} and {@code GET /api/v1/artifacts/{sha256}}
 * with {@code application/octet-stream}; a PUT whose bytes do not hash to the name is refused and leaves nothing.
 */
@HttpExchange(
        url = "/api/v1",
        accept = MediaType.APPLICATION_JSON_VALUE,
        contentType = MediaType.APPLICATION_JSON_VALUE)
public interface RunnerApi {

    @PostExchange("/runners")
    Registration register(@RequestBody RegisterRunner request);

    /** Asks for work. Repeating the key returns the same grant. */
    @PostExchange("/runners/{runnerId}/claims")
    ClaimGrant claim(
            @PathVariable("runnerId") long runnerId,
            @RequestHeader("Idempotency-Key") String idempotencyKey,
            @RequestBody ClaimRequest request);

    /** Reports all the runner is doing; the reply is all it should be doing. */
    @PostExchange("/runners/{runnerId}/heartbeats")
    Directives heartbeat(@PathVariable("runnerId") long runnerId, @RequestBody Heartbeat heartbeat);

    /** The attempt has begun to execute: assigned becomes running. */
    @PostExchange("/runs/{runId}/attempts/{attempt}/start")
    void start(@PathVariable("runId") long runId, @PathVariable("attempt") int attempt);

    /** Stores a batch of points, all or nothing. */
    @PostExchange("/runs/{runId}/attempts/{attempt}/metrics")
    MetricAck metrics(
            @PathVariable("runId") long runId, @PathVariable("attempt") int attempt, @RequestBody MetricBatch batch);

    @PostExchange("/runs/{runId}/attempts/{attempt}/logs")
    void logs(@PathVariable("runId") long runId, @PathVariable("attempt") int attempt, @RequestBody LogBatch batch);

    /** Makes a checkpoint visible. Its files must have been stored as artifacts before. */
    @PostExchange("/runs/{runId}/attempts/{attempt}/checkpoints")
    void commitCheckpoint(
            @PathVariable("runId") long runId,
            @PathVariable("attempt") int attempt,
            @RequestBody CheckpointCommit checkpoint);

    /** Says where the attempt's time goes, in place of what was said before. */
    @PutExchange("/runs/{runId}/attempts/{attempt}/profile")
    void profile(
            @PathVariable("runId") long runId, @PathVariable("attempt") int attempt, @RequestBody RunProfile profile);

    /** Ends the attempt. Repeated until acknowledged. */
    @PostExchange("/runs/{runId}/attempts/{attempt}/finish")
    void finish(
            @PathVariable("runId") long runId, @PathVariable("attempt") int attempt, @RequestBody FinishAttempt finish);
}
