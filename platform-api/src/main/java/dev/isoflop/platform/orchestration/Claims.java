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
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;
import tools.jackson.databind.json.JsonMapper;

/**
 * Answers claims, those that come together in one transaction. A grant and its stored answer commit together, so a repeated key
 * gets the same runs or, if the first claim never committed, a fresh grant.
 *
 * <p>Concurrency: claims of one runner come one after another on its row; those of different transactions do not meet, see
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
    private final Ending ending;
    private final Traces traces;
    private final JsonMapper json;

    Claims(
            ClaimStore claims,
            Shares shares,
            RunnerStore runners,
            DatasetStore datasets,
            Ending ending,
            Traces traces,
            JsonMapper json) {
        this.claims = claims;
        this.shares = shares;
        this.runners = runners;
        this.datasets = datasets;
        this.ending = ending;
        this.traces = traces;
        this.json = json;
    }

    /**
     * A claim to be answered.
     *
     * @param begun when it came in
     */
    record Asked(long runnerId, String key, ClaimRequest request, Instant begun) {

        /** @throws ProblemException idempotency-key-missing, if there is none, or one that is too long */
        Asked {
            if (key.isBlank() || key.length() > 200) {
                throw new ProblemException(
                        ErrorCode.IDEMPOTENCY_KEY_MISSING, "A claim needs an Idempotency-Key of 1 to 200 characters.");
            }
        }

        Asked(long runnerId, String key, ClaimRequest request) {
            this(runnerId, key, request, Instant.now());
        }

        int slots() {
            return request.kinds().isEmpty() ? 0 : Math.clamp(request.slots(), 0, MOST_SLOTS);
        }
    }

    /**
     * Grants to each runner, in the order in which they asked.
     *
     * @param asked at most one claim of each runner
     * @return by runner; those that are not known are absent
     */
    @Transactional
    public Map<Long, ClaimGrant> claim(List<Asked> asked) {
        Map<Long, RunnerStore.Claimant> claimants =
                runners.lock(asked.stream().map(Asked::runnerId).toList());
        Map<Long, String> before = claims.find(asked.stream().collect(Collectors.toMap(Asked::runnerId, Asked::key)));
        Map<Long, ClaimGrant> grants = new HashMap<>();
        Map<String, List<Asked>> fresh = new LinkedHashMap<>();
        for (Asked one : asked) {
            RunnerStore.Claimant claimant = claimants.get(one.runnerId);
            if (claimant == null) {
                continue;
            }
            String repeated = before.get(one.runnerId);
            if (repeated != null) {
                grants.put(one.runnerId, json.readValue(repeated, ClaimGrant.class));
            } else if (ending.isTold() || one.slots() == 0 || claimant.setAside()) {
                grants.put(one.runnerId, new ClaimGrant(List.of()));
            } else {
                fresh.computeIfAbsent(claimant.pool(), p -> new ArrayList<>()).add(one);
            }
        }
        fresh.forEach((pool, claiming) -> grants.putAll(grant(pool, claiming)));
        return grants;
    }

    private Map<Long, ClaimGrant> grant(String pool, List<Asked> claiming) {
        Shares.Round round =
                shares.round(pool, claiming.stream().mapToInt(Asked::slots).sum());
        for (Asked one : claiming) {
            round.pick(one.runnerId, one.slots(), one.request.freeMemoryBytes(), one.request.kinds());
        }
        Map<Long, List<ClaimStore.Granted>> granted =
                round.grant().stream().collect(Collectors.groupingBy(ClaimStore.Granted::runnerId));
        Map<Long, ClaimGrant> grants = new HashMap<>();
        List<ClaimStore.Remembered> remembered = new ArrayList<>();
        for (Asked one : claiming) {
            ClaimGrant grant = new ClaimGrant(granted.getOrDefault(one.runnerId, List.of()).stream()
                    .map(run -> assignment(run, one.begun))
                    .toList());
            grants.put(one.runnerId, grant);
            if (!grant.assignments().isEmpty()) {
                remembered.add(new ClaimStore.Remembered(one.runnerId, one.key, json.writeValueAsString(grant)));
            }
        }
        claims.remember(remembered);
        return grants;
    }

    private Assignment assignment(ClaimStore.Granted granted, Instant begun) {
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
                traces.granted(granted.runId(), granted.attempt(), granted.runnerId(), granted.traceParent(), begun));
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
