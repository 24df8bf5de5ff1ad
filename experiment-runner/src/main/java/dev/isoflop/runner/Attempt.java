package dev.isoflop.runner;

import dev.isoflop.protocol.job.FileRef;
import dev.isoflop.protocol.job.PretrainSpec;
import dev.isoflop.protocol.runner.CheckpointCommit;
import dev.isoflop.protocol.runner.ClaimGrant;
import dev.isoflop.protocol.runner.FinishAttempt;
import dev.isoflop.protocol.runner.Heartbeat;
import dev.isoflop.protocol.runner.RunProfile;
import dev.isoflop.protocol.runner.RunnerApi;
import dev.isoflop.runner.platform.PlatformClient;
import dev.isoflop.runner.platform.PlatformException;
import dev.isoflop.runner.platform.Retry;
import dev.isoflop.runner.report.LogReporter;
import dev.isoflop.runner.report.MetricReporter;
import dev.isoflop.runner.report.ProfileReporter;
import dev.isoflop.runner.trace.AttemptTrace;
import dev.isoflop.runner.trace.Phase;
import dev.isoflop.runner.work.AttemptContext;
import dev.isoflop.runner.work.Directories;
import dev.isoflop.runner.work.Failures;
import dev.isoflop.runner.work.Outcome;
import dev.isoflop.telemetry.Telemetry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One assignment from its start to the acknowledged report of its end.
 *
 * <p>Concurrency: {@link #run} owns the attempt's thread. The heartbeat thread reads {@link #observed} and tells it to
 * stop; metrics, log and checkpoints travel on virtual threads. A request to stop only ever grows stronger ({@link
 * Stop}); the work sees it between two steps. While the platform is away for longer than is borne, or no more metrics can be kept,
 * work pauses inside {@link #signal}.
 *
 * <p>Crash: of all here only what {@link KeptRun} has survives the process. The platform notices the silence, and the next attempt goes on
 * from the last committed checkpoint, or from the kept one. Whatever throws inside ends this attempt, never the process.
 */
final class Attempt implements AttemptContext, Runnable {

    private static final Logger log = LoggerFactory.getLogger(Attempt.class);

    /** Code of the failure, and how a heartbeat says so before. */
    private static final String STALLED = "stalled";

    /** Work of any kind, chosen by the job's type. */
    interface Work {
        Outcome execute(ClaimGrant.Assignment assignment, AttemptContext context) throws Exception;
    }

    private final ClaimGrant.Assignment assignment;
    private final String label;
    private final PlatformClient platform;
    private final RunnerSettings settings;
    private final LeaseClock lease;
    private final DiskWatch disk;
    private final Work work;
    private final Path directory;
    private final Retry retry;
    private final MetricReporter metrics;
    private final LogReporter logLines;
    private final ProfileReporter profiles;
    private final KeptRun kept;
    private final StallGuard stalls;
    private final AtomicBoolean reported = new AtomicBoolean();
    private final AttemptTrace trace;
    private final StopRequest stop = new StopRequest();
    private final AttemptFiles files;
    private final AtomicReference<@Nullable Exception> undeliverable = new AtomicReference<>();
    private volatile boolean needless;
    private volatile ClaimGrant.@Nullable Resume resume;
    private volatile KeptRun.@Nullable Found found;
    private volatile long step;
    private volatile String stage = "starting";
    private volatile @Nullable Thread thread;
    private String outcome = "lost";
    private @Nullable String failure;

    /**
     * @param directory of this attempt alone, deleted at its end
     * @param keptDirectory of this run alone, for what outlives the process
     */
    Attempt(
            ClaimGrant.Assignment assignment,
            PlatformClient platform,
            RunnerSettings settings,
            LeaseClock lease,
            DiskWatch disk,
            Path directory,
            Path keptDirectory,
            Work work,
            Telemetry telemetry) {
        this.assignment = assignment;
        this.label = "run " + assignment.runId() + " attempt " + assignment.attempt();
        this.platform = platform;
        this.settings = settings;
        this.retry = settings.retry();
        this.lease = lease;
        this.disk = disk;
        this.directory = directory;
        this.work = work;
        this.trace = AttemptTrace.begin(telemetry, assignment);
        this.files = new AttemptFiles(label, platform, retry, trace, stop::isStopped);
        RunnerApi api = platform.api();
        long run = assignment.runId();
        int number = assignment.attempt();
        this.metrics = new MetricReporter(
                label,
                batch -> trace.request("send metrics", () -> api.metrics(run, number, batch)),
                directory.resolve("spool"),
                settings.endurance().spoolBytes(),
                settings.linger(),
                retry,
                this::revoke,
                e -> undeliverable.compareAndSet(null, e));
        this.logLines = new LogReporter(
                label,
                batch -> api.logs(run, number, batch),
                directory.resolve("spool").resolve("log.jsonl"),
                settings.linger(),
                retry,
                this::revoke);
        this.profiles = new ProfileReporter(
                label, profile -> api.profile(run, number, profile), retry, this::lost, this::revoke);
        this.kept = new KeptRun(keptDirectory, assignment, settings.endurance().spoolBytes());
        StallWatch.Settings patience = settings.endurance().stall();
        this.stalls = new StallGuard(
                label,
                new StallWatch(
                        System::nanoTime,
                        patience,
                        assignment.stallAfterSeconds() == null
                                ? null
                                : Duration.ofSeconds(assignment.stallAfterSeconds()),
                        assignment.job() instanceof PretrainSpec),
                patience,
                logLines::line);
        this.resume = assignment.resume();
        this.step = assignment.resume() == null ? 0 : assignment.resume().step();
    }

    long runId() {
        return assignment.runId();
    }

    int number() {
        return assignment.attempt();
    }

    Heartbeat.Observed observed() {
        String why = stalls.why();
        return new Heartbeat.Observed(
                assignment.runId(), assignment.attempt(), step, why == null ? stage : STALLED + ": " + why);
    }

    // --- what others may ask of it

    /** Asks for a checkpoint and the end of the work within the time given. Repeating it does not extend the time. */
    void checkpointAndStop(long withinNanos) {
        if (stop.checkpointWithin(withinNanos)) {
            log.info("{}: asked to checkpoint and stop within {} s", label, withinNanos / 1_000_000_000);
        }
    }

    void kill() {
        raise(Stop.KILL);
    }

    /** The attempt is not this runner's any more. */
    void revoke() {
        raise(Stop.REVOKED);
    }

    /** Ends even the reporting: the process is going away. */
    void abandon() {
        stop.abandon();
    }

    private void raise(Stop to) {
        if (!stop.raise(to)) {
            return;
        }
        log.info(
                "{}: {}",
                label,
                switch (to) {
                    case STALLED -> "stalled; stopping";
                    case KILL -> "told to stop";
                    default -> "no longer ours; stopping";
                });
        Thread worker = thread;
        if (worker != null && !"reporting".equals(stage)) {
            worker.interrupt(); // for work that blocks, such as a download; training looks between steps
        }
    }

    private boolean lost() {
        return stop.isLost();
    }

    // --- its life

    @Override
    public void run() {
        thread = Thread.currentThread();
        try {
            if (retry.untilAcknowledged(
                    "start of " + label,
                    this::stopped,
                    () -> trace.request(
                            "start", () -> platform.api().start(assignment.runId(), assignment.attempt())))) {
                log.info("{} ({}): started", label, assignment.name());
            }
            FinishAttempt end = execute();
            if (reported.compareAndSet(false, true)) {
                report(end);
            }
        } catch (PlatformException e) {
            needless |= e.isStaleAttempt();
            log.info("{}: {}", label, e.getMessage());
        } catch (Throwable e) {
            log.error("{}: could not be ended properly", label, e);
        } finally {
            clear();
        }
    }

    private void clear() {
        metrics.close();
        logLines.close();
        kept.close(needless || stop.now() == Stop.REVOKED);
        trace.end(outcome, failure);
        try {
            Directories.delete(directory);
        } catch (IOException | RuntimeException e) {
            log.warn("{}: {} could not be deleted: {}", label, directory, e.toString());
        }
    }

    // --- stalls

    /**
     * Looks whether the work gets anywhere, and ends it if not.
     *
     * @return true if it does not even end: {@link #giveUp} is to report it as it is, its thread left behind
     */
    boolean lookForStall() {
        if (stop.now() == Stop.STALLED) {
            return stalls.isBeyondHope() && reported.compareAndSet(false, true);
        }
        Thread worker = thread;
        if (lost() || stop.now() != Stop.NONE || worker == null) {
            return false;
        }
        if (!mayWork() || platformAway()) {
            stalls.watch()
                    .excuse(); // it may be waiting for the platform, and nobody else could take the run now anyway
        }
        if (stalls.isToEnd(worker)) {
            raise(Stop.STALLED);
        }
        return false;
    }

    /** Reports the end of work that does not end; {@link #lookForStall} has said so. */
    void giveUp() {
        log.error("{}: it does not end; it is reported as stalled and its thread left behind", label);
        try {
            report(ended());
        } catch (PlatformException e) {
            log.info("{}: {}", label, e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            clear();
        }
    }

    private FinishAttempt execute() {
        Thread.interrupted(); // an interrupt meant for an earlier wait must not end this one
        try {
            Files.createDirectories(directory);
            if (stopped()) {
                return ended();
            }
            takeUp();
            return switch (work.execute(assignment, this)) {
                case Outcome.Succeeded done -> new FinishAttempt(FinishAttempt.Outcome.SUCCEEDED, done.result(), null);
                case Outcome.Preempted _ -> new FinishAttempt(FinishAttempt.Outcome.PREEMPTED, null, null);
                case Outcome.Stopped _ -> ended();
            };
        } catch (Throwable e) {
            return stopped() ? ended() : failed(e);
        }
    }

    /** Goes on from what an earlier attempt of this runner has kept, and tells again what it may not have been able to tell. */
    private void takeUp() {
        kept.begin().ifPresent(f -> {
            found = f;
            CheckpointCommit checkpoint = f.checkpoint();
            resume = new ClaimGrant.Resume(checkpoint.step(), checkpoint.trainSeconds(), checkpoint.files());
            step = checkpoint.step();
            f.points().forEach(p -> metrics.record(p.metric(), p.step(), p.value(), p.timeMillis()));
            info("goes on from the checkpoint at step " + checkpoint.step()
                    + " that this runner kept while the platform was away");
        });
    }

    /** What a stop that was asked for is reported as. */
    private FinishAttempt ended() {
        if (stop.now() == Stop.STALLED) {
            FinishAttempt.Failure failure = new FinishAttempt.Failure(
                    FinishAttempt.Category.INFRASTRUCTURE, STALLED, String.valueOf(stalls.why()), null);
            return new FinishAttempt(FinishAttempt.Outcome.FAILED, null, failure);
        }
        FinishAttempt.Outcome outcome = switch (stop.now()) {
            case KILL, REVOKED -> FinishAttempt.Outcome.CANCELLED;
            case NONE, CHECKPOINT, DEADLINE, STALLED -> FinishAttempt.Outcome.PREEMPTED;
        };
        return new FinishAttempt(outcome, null, null);
    }

    private FinishAttempt failed(Throwable e) {
        FinishAttempt.Failure failure = Failures.of(e);
        log.warn("{}: failed ({}, {})", label, failure.category(), failure.code(), e);
        logLines.line("ERROR", failure.message());
        return new FinishAttempt(FinishAttempt.Outcome.FAILED, null, failure);
    }

    /** Metrics and log first, the end last; each repeated until acknowledged or until the attempt is not ours. */
    private void report(FinishAttempt finish) throws InterruptedException {
        stage = "reporting";
        Thread.interrupted();
        FinishAttempt last = finish;
        if (!metrics.awaitAcknowledged(metrics.recorded(), this::lost)) {
            Exception reason = undeliverable.get();
            if (reason != null && last.outcome() == FinishAttempt.Outcome.SUCCEEDED) {
                last = failed(reason); // a success with metrics missing is none
            }
        }
        boolean unsent = !logLines.awaitSent(this::lost);
        profiles.awaitSent();
        if (lost()) {
            log.info("{}: dropped without a report", label);
            return;
        }
        FinishAttempt end = last;
        outcome = end.outcome().name().toLowerCase(Locale.ROOT);
        failure = end.failure() == null ? null : end.failure().code();
        if (retry.untilAcknowledged(
                "end of " + label,
                this::lost,
                () -> trace.request(
                        "finish", () -> platform.api().finish(assignment.runId(), assignment.attempt(), end)))) {
            needless = end.outcome() == FinishAttempt.Outcome.SUCCEEDED
                    || end.outcome() == FinishAttempt.Outcome.CANCELLED;
            log.info(
                    "{} ({}): {}{}",
                    label,
                    assignment.name(),
                    end.outcome().name().toLowerCase(Locale.ROOT),
                    unsent ? " (some log lines were not delivered)" : "");
        }
    }

    // --- what the work may ask

    @Override
    public Path directory() {
        return directory;
    }

    @Override
    public int threads() {
        return settings.threads();
    }

    @Override
    public ClaimGrant.@Nullable Resume resume() {
        return resume;
    }

    @Override
    public Signal signal() throws IOException, InterruptedException {
        boolean paused = false;
        while (!mayWork() && !stopped()) {
            if (!paused) {
                paused = true;
                String why = lease.mayWork()
                        ? "the platform has not taken metrics for so long that the spool is full"
                        : "no heartbeat has been answered for "
                                + settings.endurance().outage();
                log.warn("{}: paused at step {}: {}", label, step, why);
                logLines.line("WARN", "paused at step " + step + ": " + why);
            }
            if (lease.mayWork()) {
                Thread.sleep(50);
            } else {
                lease.awaitRenewal(100);
            }
        }
        if (paused) {
            stalls.watch().excuse();
        }
        if (paused && !stopped()) {
            log.info("{}: goes on at step {}", label, step);
        }
        Exception reason = undeliverable.get();
        if (reason != null) {
            throw reason instanceof IOException io ? io : new IOException("metrics could not be delivered", reason);
        }
        return switch (stop.now()) {
            case NONE -> Signal.CONTINUE;
            case CHECKPOINT -> Signal.CHECKPOINT_AND_STOP;
            case DEADLINE, STALLED, KILL, REVOKED -> Signal.STOP;
        };
    }

    @Override
    public boolean stopped() {
        return stop.isStopped();
    }

    @Override
    public void metric(String name, long atStep, double value) {
        long now = WallClock.millis();
        kept.record(name, atStep, value, now);
        metrics.record(name, atStep, value, now);
    }

    @Override
    public void progress(long atStep, String atStage) {
        step = atStep;
        stage = atStage;
        stalls.watch().progress(atStep, atStage);
    }

    @Override
    public void alive() {
        stalls.watch().alive();
    }

    @Override
    public void describedBy(Supplier<List<String>> what) {
        stalls.describedBy(what);
    }

    @Override
    public void info(String line) {
        log.info("{}: {}", label, line);
        logLines.line("INFO", line);
    }

    @Override
    public void log(String level, String line) {
        logLines.line(level, line);
    }

    @Override
    public Phase phase(String name) {
        return trace.phase(name);
    }

    @Override
    public long cutNanos() {
        return trace.cutNanos();
    }

    @Override
    public ClaimGrant.Assignment assignment() {
        return assignment;
    }

    @Override
    public boolean mayWork() {
        return lease.mayWork() && !metrics.isOverBound();
    }

    @Override
    public boolean platformAway() {
        return !lease.holds();
    }

    @Override
    public boolean hasRoomFor(long bytes) {
        return disk.hasRoomFor(bytes);
    }

    @Override
    public Path keep(Path saved, CheckpointCommit checkpoint) throws IOException {
        return kept.keep(saved, checkpoint);
    }

    @Override
    public void profile(RunProfile profile) {
        profiles.report(profile);
    }

    @Override
    public long metricsRecorded() {
        return metrics.recorded();
    }

    @Override
    public boolean awaitMetrics(long points) throws InterruptedException {
        return metrics.awaitAcknowledged(points, this::stopped);
    }

    @Override
    public boolean upload(FileRef ref, Path file) {
        return files.upload(ref, file);
    }

    @Override
    public boolean fetch(FileRef ref, Path target) throws IOException {
        KeptRun.Found own = found;
        if (own != null && own.checkpoint().files().contains(ref)) {
            Files.copy(own.directory().resolve(ref.name()), target, StandardCopyOption.REPLACE_EXISTING);
            return true;
        }
        return files.fetch(ref, target);
    }

    @Override
    public boolean commit(CheckpointCommit checkpoint) {
        try {
            boolean committed = retry.untilAcknowledged(
                    label + ": checkpoint at step " + checkpoint.step(),
                    this::stopped,
                    () -> trace.request(
                            "commit checkpoint",
                            () -> platform.api()
                                    .commitCheckpoint(assignment.runId(), assignment.attempt(), checkpoint)));
            if (committed) {
                kept.committed(checkpoint);
            }
            return committed;
        } catch (PlatformException e) {
            if (!e.isStaleAttempt()) {
                throw e;
            }
            revoke();
            return false;
        }
    }
}
