package dev.isoflop.protocol.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.isoflop.protocol.job.FileRef;
import dev.isoflop.protocol.job.JobResult;
import dev.isoflop.protocol.job.JobSpec;
import dev.isoflop.protocol.runner.RunProfile;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What the REST API serves about experiments, sweeps, runs and runners. Times are UTC, losses nats per token. */
public final class Views {

    private Views() {}

    /**
     * @param flopBudget FLOPs that its runs may execute; absent: no bound
     * @param gpuHourBudget hours of a GPU that they may use; absent: no bound
     * @param weight of its fair share of each pool, 1 unless it was set
     * @param version for If-Match
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Experiment(
            long id,
            String name,
            Instant createdAt,
            int sweeps,
            @Nullable Double flopBudget,
            @Nullable Double gpuHourBudget,
            double weight,
            long version) {}

    /**
     * @param datasetId what it trains on; absent for a sweep of commands
     * @param plannedFlops sum of C over its runs
     * @param doneFlops part of it that succeeded runs account for
     * @param counts runs by state, every state present
     * @param state queued, running, succeeded, failed or cancelled: derived from the runs, never stored
     * @param spec as it was submitted
     * @param additions what came to it since, oldest first
     * @param version for If-Match
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Sweep(
            long id,
            long experimentId,
            String experiment,
            String name,
            String state,
            SweepSpec spec,
            @Nullable String datasetId,
            Map<RunState, Integer> counts,
            double plannedFlops,
            double doneFlops,
            List<Dropped> dropped,
            List<Added> additions,
            Instant createdAt,
            @Nullable Instant startedAt,
            @Nullable Instant finishedAt,
            long version) {}

    /**
     * Runs that were added to a sweep.
     *
     * @param id of the addition, of no other one of any sweep; two may have come at the same time
     * @param flops sum of their C
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Added(long id, SweepAddition addition, int runs, double flops, Instant addedAt) {}

    /** A cell of the plan that will not be trained, and why. */
    public record Dropped(String label, String reason) {}

    /** What a submission would do, answered by {@code validateOnly=true}. */
    public record Plan(List<PlannedRun> runs, List<Dropped> dropped, double totalFlops, long totalTokens) {}

    public record PlannedRun(
            String name,
            double budget,
            long parameters,
            long nonEmbeddingParameters,
            long tokens,
            double flops,
            double flopsExact,
            long steps,
            double epochs,
            long seed) {}

    /**
     * @param name such as {@code C1e11-d32-s1}
     * @param kind pretrain, data or command
     * @param parameters N with embeddings; 0 where the kind has none
     * @param nonEmbeddingParameters N without them
     * @param tokens D planned
     * @param flops C = 6ND by the sweep's convention
     * @param flopsExact forward and backward counted matrix by matrix, attention and head included
     * @param budget the compute budget the run belongs to
     * @param tokensPerStep to turn steps into tokens; tokens times flops/tokens gives FLOPs
     * @param step last step reported
     * @param trainLoss last training loss reported
     * @param finalLoss held-out loss at the end
     * @param doneTokens tokens trained so far
     * @param failure why it failed, if it did
     * @param waitsFor the run it depends on, while that has not succeeded
     * @param version for If-Match
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Run(
            long id,
            @Nullable Long sweepId,
            @Nullable String sweep,
            String name,
            String kind,
            RunState state,
            int attempt,
            int priority,
            String pool,
            long parameters,
            long nonEmbeddingParameters,
            long tokens,
            double flops,
            double flopsExact,
            double budget,
            @Nullable Long seed,
            @Nullable Double learningRate,
            long tokensPerStep,
            long steps,
            long step,
            long doneTokens,
            @Nullable Double trainLoss,
            @Nullable Double finalLoss,
            @Nullable Double bitsPerByte,
            @Nullable Double tokensPerSecond,
            boolean diverged,
            @Nullable Failure failure,
            @Nullable Long waitsFor,
            @Nullable String runner,
            Instant createdAt,
            @Nullable Instant startedAt,
            @Nullable Instant finishedAt,
            long version) {}

    public record Failure(String category, String code, String message) {}

    /**
     * A run with what only its own page needs.
     *
     * @param waiting why it does not run, if it is queued
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record RunDetail(
            Run run,
            JobSpec job,
            @Nullable JobResult result,
            RetriesLeft retriesLeft,
            @Nullable Waiting waiting) {}

    /**
     * Why a queued run does not run.
     *
     * @param code dependency, back-off, budget, no-runner, wrong-kind, too-large, runner-unwell, room, busy, fair-share, ahead or next
     * @param reason a sentence, with what to do about it where something can be done
     * @param until when it may be tried again, for back-off
     * @param ahead queued runs of its pool that come before it
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Waiting(
            String code, String reason, @Nullable Instant until, int ahead) {}

    public record RetriesLeft(int failures, int preemptions, int infrastructure) {}

    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Attempt(
            int number,
            long runnerId,
            String runner,
            String state,
            @Nullable String cause,
            long resumedFromStep,
            Instant assignedAt,
            @Nullable Instant startedAt,
            @Nullable Instant endedAt,
            @Nullable Verdict verdict) {}

    /**
     * What an attempt's failure was judged to be.
     *
     * @param failureClass user, data, out_of_memory, device, infrastructure or diverged
     * @param rule name of the rule that decided, as-reported where none did
     * @param evidence the line it decided by
     * @param meaning what follows, in words
     */
    public record Verdict(String failureClass, String rule, String evidence, String meaning) {}

    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record RunEvent(
            long id,
            long runId,
            Instant at,
            @Nullable RunState from,
            RunState to,
            int attempt,
            @Nullable String cause) {}

    public record LogLine(long seq, int attempt, Instant at, String level, String text) {}

    public record Checkpoint(
            long id, int attempt, long step, long tokens, long bytes, Instant createdAt, List<FileRef> files) {}

    /**
     * Where a run's time and memory go, from its newest attempt that told.
     *
     * @param attempt that told
     * @param at when it told
     */
    public record Profile(int attempt, Instant at, RunProfile profile) {}

    /**
     * @param state online, suspect (silent for less than a lease) or gone
     * @param devices its accelerators, empty on a CPU runner
     * @param runs ids of the runs it holds
     * @param trouble why it takes no runs, as it says itself, such as a full disk
     * @param setAside why it is granted none, if so
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Runner(
            long id,
            String name,
            String pool,
            String host,
            long pid,
            String version,
            String state,
            int slots,
            int cores,
            long memoryBytes,
            List<Device> devices,
            List<Long> runs,
            @Nullable String trouble,
            @Nullable SetAside setAside,
            Instant registeredAt,
            Instant lastSeen) {}

    /** Why and until when a host with its GPUs is granted nothing. */
    public record SetAside(String reason, Instant since, Instant until) {}

    /**
     * An accelerator of a runner. What the runner did not tell is absent.
     *
     * @param index number of the device on its host
     * @param name as the driver names it
     * @param memoryBytes total memory of the device
     * @param pciBusId its address on the bus
     * @param multiprocessors streaming multiprocessors
     * @param computeCapability such as {@code 9.0}
     * @param cudaVersion the newest CUDA its driver speaks, such as {@code 13.0}
     * @param latest what it did last
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Device(
            int index,
            String name,
            long memoryBytes,
            @Nullable String pciBusId,
            @Nullable Integer multiprocessors,
            @Nullable String computeCapability,
            @Nullable String cudaVersion,
            @Nullable DeviceState latest) {}

    /**
     * What a device did over one heartbeat. What it does not tell is absent.
     *
     * @param at when the heartbeat came
     * @param utilisationPercent share of the time in which some kernel ran, 0 to 100
     * @param memoryUsedBytes by all processes and the driver
     * @param powerWatts of the whole board
     * @param temperatureCelsius of the chip
     * @param smClockMhz of the multiprocessors
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record DeviceState(
            Instant at,
            @Nullable Double utilisationPercent,
            @Nullable Long memoryUsedBytes,
            @Nullable Double powerWatts,
            @Nullable Double temperatureCelsius,
            @Nullable Integer smClockMhz) {}

    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Token(
            long id,
            String name,
            String prefix,
            String scope,
            Instant createdAt,
            @Nullable Instant lastUsedAt,
            @Nullable Instant expiresAt) {}

    /**
     * A request that may have changed something.
     *
     * @param tokenId where it was made with a token of the platform
     * @param token name of the token or the user it was made by, as it was then; empty where nobody was recognised
     * @param principal token:ID or user:SUBJECT; absent where nobody was recognised
     * @param address it came from
     * @param status of the answer; absent while it goes on, and if the platform ended meanwhile
     * @param location of what was made
     * @param detail what it was about, in a few words
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record AuditEntry(
            long id,
            Instant at,
            @Nullable Long tokenId,
            String token,
            @Nullable String principal,
            @Nullable String address,
            String method,
            String path,
            @Nullable Integer status,
            @Nullable String location,
            @Nullable String detail) {}

    /** The only answer that ever carries a token's secret. */
    public record NewToken(Token token, String secret) {}

    /** @param scope read, submit, admin or runner; each of the first three includes those before it */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record CreateToken(
            String name, String scope, @Nullable Instant expiresAt) {}

    /**
     * @param id hash of the options
     * @param state preparing, ready or failed
     * @param runId the data run that prepares or prepared it
     * @param detail there once ready
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Dataset(
            String id,
            String corpus,
            int vocabSize,
            int validationModulus,
            String state,
            long runId,
            JobResult.@Nullable Dataset detail,
            Instant createdAt) {}

    /** Counts for the front page. */
    public record Overview(
            Map<RunState, Integer> runs,
            int runnersOnline,
            int slots,
            int busySlots,
            double tokensPerSecond,
            double flopsDone,
            long metricPoints,
            List<Sweep> recentSweeps,
            List<Run> activeRuns) {}
}
