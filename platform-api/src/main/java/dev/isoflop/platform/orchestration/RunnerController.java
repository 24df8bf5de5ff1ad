package dev.isoflop.platform.orchestration;

import dev.isoflop.platform.tokens.Caller;
import dev.isoflop.protocol.runner.CheckpointCommit;
import dev.isoflop.protocol.runner.ClaimGrant;
import dev.isoflop.protocol.runner.ClaimRequest;
import dev.isoflop.protocol.runner.Directives;
import dev.isoflop.protocol.runner.FinishAttempt;
import dev.isoflop.protocol.runner.Heartbeat;
import dev.isoflop.protocol.runner.LogBatch;
import dev.isoflop.protocol.runner.MetricAck;
import dev.isoflop.protocol.runner.MetricBatch;
import dev.isoflop.protocol.runner.RegisterRunner;
import dev.isoflop.protocol.runner.Registration;
import dev.isoflop.protocol.runner.RunProfile;
import dev.isoflop.protocol.runner.RunnerApi;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** The platform's side of the conversation with its runners. */
@RestController
class RunnerController implements RunnerApi {

    private final Runners runners;
    private final GroupCommit<Runners.Beat, Directives> heartbeats;
    private final GroupCommit<Claims.Asked, ClaimGrant> claims;
    private final AttemptReports reports;
    private final RunProfiles profiles;
    private final FinishedAttempts finished;
    private final MetricIngest ingest;
    private final Counters counters;

    RunnerController(
            Runners runners,
            Claims claims,
            AttemptReports reports,
            RunProfiles profiles,
            FinishedAttempts finished,
            MetricIngest ingest,
            Counters counters) {
        this.runners = runners;
        this.heartbeats = new GroupCommit<>("heartbeats", 2, 64, Runners.Beat::runnerId, runners::heartbeats);
        this.claims = new GroupCommit<>("claims", 2, 64, Claims.Asked::runnerId, claims::claim);
        this.reports = reports;
        this.profiles = profiles;
        this.finished = finished;
        this.ingest = ingest;
        this.counters = counters;
    }

    @Override
    public Registration register(RegisterRunner request) {
        return runners.register(request, Caller.currentTokenId());
    }

    @Override
    public ClaimGrant claim(long runnerId, String idempotencyKey, ClaimRequest request) {
        return counters.claim(() -> claims.answer(new Claims.Asked(runnerId, idempotencyKey, request)));
    }

    @Override
    public Directives heartbeat(long runnerId, Heartbeat heartbeat) {
        return counters.heartbeat(() -> heartbeats.answer(new Runners.Beat(runnerId, heartbeat)));
    }

    @Override
    @ResponseStatus(HttpStatus.NO_CONTENT)
    public void start(long runId, int attempt) {
        reports.start(runId, attempt);
    }

    @Override
    public MetricAck metrics(long runId, int attempt, MetricBatch batch) {
        return ingest.ingest(runId, attempt, batch);
    }

    @Override
    @ResponseStatus(HttpStatus.NO_CONTENT)
    public void logs(long runId, int attempt, LogBatch batch) {
        reports.logs(runId, attempt, batch);
    }

    @Override
    @ResponseStatus(HttpStatus.NO_CONTENT)
    public void commitCheckpoint(long runId, int attempt, CheckpointCommit checkpoint) {
        reports.commitCheckpoint(runId, attempt, checkpoint);
    }

    @Override
    @ResponseStatus(HttpStatus.NO_CONTENT)
    public void profile(long runId, int attempt, RunProfile profile) {
        profiles.put(runId, attempt, profile);
    }

    @Override
    @ResponseStatus(HttpStatus.NO_CONTENT)
    public void finish(long runId, int attempt, FinishAttempt finish) {
        finished.finish(runId, attempt, finish);
    }
}
