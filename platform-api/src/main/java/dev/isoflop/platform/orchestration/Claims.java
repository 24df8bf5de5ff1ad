package dev.isoflop.platform.orchestration;

import dev.isoflop.db.dataset.DatasetStore;
import dev.isoflop.db.runner.ClaimStore;
import dev.isoflop.db.runner.RunnerStore;
import dev.isoflop.platform.scheduling.Shares;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.platform.tracing.Traces;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.job.CommandSpec;
import dev.isoflop.protocol.job.DataSpec;
import dev.isoflop.protocol.job.DatasetRef;
import dev.isoflop.protocol.job.FileRef;
import dev.isoflop.protocol.job.JobResult;
import dev.isoflop.protocol.job.JobSpec;
import dev.isoflop.protocol.job.PretrainSpec;
import dev.isoflop.protocol.runner.ClaimGrant;
import dev.isoflop.protocol.runner.ClaimGrant.Assignment;
import dev.isoflop.protocol.runner.ClaimGrant.Resume;
import dev.isoflop.protocol.runner.ClaimRequest;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;
import tools.jackson.databind.json.JsonMapper;

/**
 * Answers claims. The grant and its stored answer commit together, so a repeated key gets the same runs or, if the first
 * claim never committed, a fresh grant.
 *
 * <p>Concurrency: claims of one runner come one after another on its row; those of different runners do not meet, see
 * {@link ClaimStore}.
 *
 * <p>A platform that has been told to end grants nothing more: the runner asks again, and another platform, or this one when
 * it is back, answers. What was granted before is repeated all the same.
 */
@Component
class Claims {

    private static final int MOST_SLOTS = 256;

    private final ClaimStore claims;
    private final Shares shares;
    private final RunnerStore runners;
    private final DatasetStore datasets;
    private final Places places;
    private final Ending ending;
    private final Traces traces;
    private final JsonMapper json;

    Claims(
            ClaimStore claims,
            Shares shares,
            RunnerStore runners,
            DatasetStore datasets,
            Places places,
            Ending ending,
            Traces traces,
            JsonMapper json) {
        this.claims = claims;
        this.shares = shares;
        this.runners = runners;
        this.datasets = datasets;
        this.places = places;
        this.ending = ending;
        this.traces = traces;
        this.json = json;
    }

    @Transactional
    public ClaimGrant claim(long runnerId, String key, ClaimRequest request) {
        if (key.isBlank() || key.length() > 200) {
            throw new ProblemException(
                    ErrorCode.IDEMPOTENCY_KEY_MISSING, "A claim needs an Idempotency-Key of 1 to 200 characters.");
        }
        Instant begun = Instant.now();
        String pool = runners.lockPool(runnerId).orElseThrow(() -> Runners.unknown(runnerId));
        Optional<String> before = claims.find(runnerId, key);
        if (before.isPresent()) {
            return json.readValue(before.get(), ClaimGrant.class);
        }
        if (ending.isTold() || request.slots() < 1 || request.kinds().isEmpty() || places.isSetAside(runnerId)) {
            return new ClaimGrant(List.of());
        }
        ClaimGrant grant = new ClaimGrant(shares
                .claim(
                        runnerId,
                        pool,
                        Math.min(request.slots(), MOST_SLOTS),
                        request.freeMemoryBytes(),
                        request.kinds())
                .stream()
                .map(granted -> assignment(granted, runnerId, begun))
                .toList());
        if (!grant.assignments().isEmpty()) {
            claims.remember(runnerId, key, json.writeValueAsString(grant));
        }
        return grant;
    }

    private Assignment assignment(ClaimStore.Granted granted, long runnerId, Instant begun) {
        ClaimStore.Checkpointed checkpoint = granted.resume();
        return new Assignment(
                granted.runId(),
                granted.attempt(),
                granted.name(),
                complete(json.readValue(granted.specJson(), JobSpec.class)),
                checkpoint == null
                        ? null
                        : new Resume(
                                checkpoint.step(),
                                checkpoint.trainSeconds(),
                                List.of(json.readValue(checkpoint.filesJson(), FileRef[].class))),
                granted.stallAfterSeconds(),
                traces.granted(granted.runId(), granted.attempt(), runnerId, granted.traceParent(), begun));
    }

    /** A run planned before its dataset was ready names it without files; the run it waited for has made them since. */
    private JobSpec complete(JobSpec job) {
        return switch (job) {
            case DataSpec data -> data;
            case CommandSpec command -> command;
            case PretrainSpec p ->
                p.dataset().files().isEmpty()
                        ? new PretrainSpec(
                                p.model(),
                                p.training(),
                                p.seed(),
                                ready(p.dataset()),
                                p.metricsEverySteps(),
                                p.evalEverySteps(),
                                p.evalTokens(),
                                p.checkpointEverySeconds())
                        : p;
        };
    }

    private DatasetRef ready(DatasetRef dataset) {
        return datasets.find(dataset.id())
                .map(DatasetStore.DatasetRow::detailJson)
                .map(detail -> new DatasetRef(
                        dataset.id(),
                        json.readValue(detail, JobResult.Dataset.class).files()))
                // Left as it is: the runner refuses a dataset without files, and the run fails with that reason.
                .orElse(dataset);
    }
}
