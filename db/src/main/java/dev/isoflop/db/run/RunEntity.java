package dev.isoflop.db.run;

import dev.isoflop.protocol.api.RunState;
import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import jakarta.persistence.Version;
import java.time.Duration;
import java.time.Instant;
import org.hibernate.annotations.ColumnTransformer;
import org.hibernate.annotations.DynamicUpdate;
import org.jspecify.annotations.Nullable;

/**
 * A unit of work and where it stands. Read anywhere; changed only by {@link RunTransitions}, on a row locked by
 * {@link RunStore#lock}.
 *
 * <p>Concurrency: {@code step} and {@code train_loss} are also written by heartbeats and metric batches, with plain SQL
 * and without raising the version, so that watching a run does not make the ETag of its cancellation stale. Updates
 * write only the columns that changed for the same reason.
 */
@Entity
@Table(name = "run")
@DynamicUpdate
public class RunEntity {

    @Id
    private long id;

    @Column(updatable = false)
    private @Nullable Long sweepId;

    @Column(updatable = false)
    private String name;

    @Column(updatable = false)
    private String kind;

    private RunState state;

    @Column(updatable = false)
    private int attemptNo;

    @Column(updatable = false)
    private String pool;

    @Column(updatable = false)
    private int priority;

    private Instant notBefore;

    @Column(updatable = false)
    private @Nullable Long waitsFor;

    @Column(updatable = false)
    private long memoryBytes;

    @Column(name = "n_params", updatable = false)
    private long parameters;

    @Column(name = "n_params_nonembed", updatable = false)
    private long nonEmbeddingParameters;

    @Column(updatable = false)
    private long tokens;

    @Column(updatable = false)
    private double flops;

    @Column(updatable = false)
    private double flopsExact;

    @Column(updatable = false)
    private double budget;

    @Column(updatable = false)
    private @Nullable Long seed;

    @Column(updatable = false)
    private @Nullable Double learningRate;

    @Column(updatable = false)
    private long tokensPerStep;

    @Column(updatable = false)
    private long steps;

    @Column(updatable = false)
    private @Nullable String comparability;

    private long step;

    @Column(updatable = false)
    private @Nullable Double trainLoss;

    private @Nullable Double finalLoss;

    private @Nullable Double bitsPerByte;

    private @Nullable Double tokensPerSecond;

    private boolean diverged;

    @Column(columnDefinition = "jsonb")
    @ColumnTransformer(write = "?::jsonb")
    private @Nullable String result;

    private @Nullable String failureCategory;

    private @Nullable String failureCode;

    private @Nullable String failureMessage;

    private int retriesFailure;

    private int retriesPreemption;

    private int retriesInfrastructure;

    private int runnersLost;

    private @Nullable String stopIntent;

    private @Nullable Instant stopDeadline;

    private @Nullable Long stopFor;

    @Column(updatable = false)
    private Instant createdAt;

    private @Nullable Instant startedAt;

    private @Nullable Instant finishedAt;

    @Version
    private long version;

    @SuppressWarnings("NullAway.Init") // filled by Hibernate
    protected RunEntity() {}

    // Changes. Each checks the table of legal moves; RunTransitions writes the event that belongs to it.

    void begin(Instant now) {
        moveTo(RunState.RUNNING);
        if (startedAt == null) {
            startedAt = now;
        }
    }

    void suspect() {
        moveTo(RunState.SUSPECT);
    }

    /** The runner of a suspect run has spoken again. */
    void reachable(boolean begun) {
        moveTo(begun ? RunState.RUNNING : RunState.ASSIGNED);
    }

    void succeed(RunOutcome outcome, Instant now) {
        moveTo(RunState.SUCCEEDED);
        result = outcome.resultJson();
        finalLoss = outcome.finalLoss();
        bitsPerByte = outcome.bitsPerByte();
        tokensPerSecond = outcome.tokensPerSecond();
        diverged = outcome.diverged();
        Long done = outcome.steps();
        if (done != null) {
            step = done;
        }
        end(now);
    }

    void fail(RunFailure failure, Instant now) {
        moveTo(RunState.FAILED);
        failureCategory = failure.category();
        failureCode = failure.code();
        failureMessage = failure.message();
        end(now);
    }

    void cancel(Instant now) {
        moveTo(RunState.CANCELLED);
        end(now);
    }

    void preempt() {
        moveTo(RunState.PREEMPTED);
    }

    void requeue(RetryBudget charged, Instant now, Duration delay, long resumeStep) {
        if (retriesLeft(charged) <= 0) {
            throw new IllegalStateException("run %d has no %s retries left".formatted(id, charged));
        }
        moveTo(RunState.QUEUED);
        switch (charged) {
            case FAILURE -> retriesFailure--;
            case PREEMPTION -> retriesPreemption--;
            case INFRASTRUCTURE -> retriesInfrastructure--;
            case FREE -> {}
        }
        notBefore = now.plus(delay);
        step = resumeStep;
        forgetStop();
    }

    /** Back into the queue after it has failed for good, with budgets anew. */
    void release(Instant now, int failures, int preemptions, int infrastructure) {
        moveTo(RunState.QUEUED);
        failureCategory = null;
        failureCode = null;
        failureMessage = null;
        finishedAt = null;
        notBefore = now;
        retriesFailure = failures;
        retriesPreemption = preemptions;
        retriesInfrastructure = infrastructure;
        runnersLost = 0;
    }

    void askToStop() {
        if (!state.isLeased()) {
            throw new IllegalStateException("run %d is %s: nobody to ask".formatted(id, state.wireName()));
        }
        stopIntent = "kill";
        stopDeadline = null;
        stopFor = null;
    }

    void askToMakeRoom(long forRun, Instant deadline) {
        if (!state.isLeased() || stopIntent != null) {
            throw new IllegalStateException(
                    "run %d is %s, asked to %s: it cannot make room".formatted(id, state.wireName(), stopIntent));
        }
        stopIntent = "checkpoint";
        stopDeadline = deadline;
        stopFor = forRun;
    }

    private void forgetStop() {
        stopIntent = null;
        stopDeadline = null;
        stopFor = null;
    }

    private void moveTo(RunState to) {
        if (!LegalTransitions.allows(state, to)) {
            throw new IllegalTransitionException(id, state, to);
        }
        state = to;
    }

    private void end(Instant now) {
        finishedAt = now;
        forgetStop();
    }

    // Questions

    /** Whether this attempt has the right to write. */
    public boolean isHeldBy(int attempt) {
        return attemptNo == attempt && state.isLeased();
    }

    /** Whether its runner has been told to stop it for good. */
    public boolean isBeingCancelled() {
        return "kill".equals(stopIntent);
    }

    /** Whether its runner has been told to stop it, for good or to give it back. */
    public boolean isAskedToStop() {
        return stopIntent != null;
    }

    /** The run it was asked to make room for, if it was. */
    public @Nullable Long makesRoomFor() {
        return stopFor;
    }

    /** Retries left in that budget; without end for {@link RetryBudget#FREE}. */
    public int retriesLeft(RetryBudget kind) {
        return switch (kind) {
            case FAILURE -> retriesFailure;
            case PREEMPTION -> retriesPreemption;
            case INFRASTRUCTURE -> retriesInfrastructure;
            case FREE -> Integer.MAX_VALUE;
        };
    }

    /** Why it failed, if it did. */
    public @Nullable RunFailure failure() {
        String category = failureCategory;
        String code = failureCode;
        String message = failureMessage;
        return category == null || code == null || message == null ? null : new RunFailure(category, code, message);
    }

    public long id() {
        return id;
    }

    public @Nullable Long sweepId() {
        return sweepId;
    }

    public String name() {
        return name;
    }

    public String kind() {
        return kind;
    }

    public RunState state() {
        return state;
    }

    public int attempt() {
        return attemptNo;
    }

    public String pool() {
        return pool;
    }

    public int priority() {
        return priority;
    }

    public Instant notBefore() {
        return notBefore;
    }

    public @Nullable Long waitsFor() {
        return waitsFor;
    }

    public long memoryBytes() {
        return memoryBytes;
    }

    public long parameters() {
        return parameters;
    }

    public long nonEmbeddingParameters() {
        return nonEmbeddingParameters;
    }

    public long tokens() {
        return tokens;
    }

    public double flops() {
        return flops;
    }

    public double flopsExact() {
        return flopsExact;
    }

    public double budget() {
        return budget;
    }

    public @Nullable Long seed() {
        return seed;
    }

    public @Nullable Double learningRate() {
        return learningRate;
    }

    public long tokensPerStep() {
        return tokensPerStep;
    }

    public long steps() {
        return steps;
    }

    public @Nullable String comparability() {
        return comparability;
    }

    public long step() {
        return step;
    }

    public @Nullable Double trainLoss() {
        return trainLoss;
    }

    public @Nullable Double finalLoss() {
        return finalLoss;
    }

    public @Nullable Double bitsPerByte() {
        return bitsPerByte;
    }

    public @Nullable Double tokensPerSecond() {
        return tokensPerSecond;
    }

    public boolean diverged() {
        return diverged;
    }

    /** A {@link dev.isoflop.protocol.job.JobResult} as JSON, once succeeded. */
    public @Nullable String resultJson() {
        return result;
    }

    /** How much points to it as what brings its runners down: two for each death in a row, one where others were there, too. */
    public int runnersLost() {
        return runnersLost;
    }

    public void runnersLost(int points) {
        runnersLost = points;
    }

    public @Nullable String stopIntent() {
        return stopIntent;
    }

    public Instant createdAt() {
        return createdAt;
    }

    public @Nullable Instant startedAt() {
        return startedAt;
    }

    public @Nullable Instant finishedAt() {
        return finishedAt;
    }

    /** Raised by every transition and every cancellation request, not by progress. */
    public long version() {
        return version;
    }
}
