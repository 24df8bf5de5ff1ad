package dev.isoflop.platform.orchestration;

import dev.isoflop.db.artifact.ArtifactStore;
import dev.isoflop.db.run.AttemptStore;
import dev.isoflop.db.run.CheckpointStore;
import dev.isoflop.db.run.RunEntity;
import dev.isoflop.db.run.RunLogStore;
import dev.isoflop.db.run.RunStore;
import dev.isoflop.db.run.RunTransitions;
import dev.isoflop.platform.artifacts.ArtifactFiles;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.error.Problem;
import dev.isoflop.protocol.job.CommandSpec;
import dev.isoflop.protocol.job.FileRef;
import dev.isoflop.protocol.runner.CheckpointCommit;
import dev.isoflop.protocol.runner.LogBatch;
import java.util.List;
import java.util.Map;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;
import tools.jackson.databind.json.JsonMapper;

/** What an attempt reports between its grant and its end, each report behind the fence and harmless when repeated. */
@Component
class AttemptReports {

    private static final int MOST_LINES = 10_000;
    private static final int LONGEST_LINE = 16_384;

    private final AttemptFence fence;
    private final AttemptStore attempts;
    private final RunStore runs;
    private final RunTransitions transitions;
    private final RunLogStore logs;
    private final CheckpointStore checkpoints;
    private final ArtifactStore artifacts;
    private final ArtifactFiles files;
    private final JsonMapper json;

    AttemptReports(
            AttemptFence fence,
            AttemptStore attempts,
            RunStore runs,
            RunTransitions transitions,
            RunLogStore logs,
            CheckpointStore checkpoints,
            ArtifactStore artifacts,
            ArtifactFiles files,
            JsonMapper json) {
        this.fence = fence;
        this.attempts = attempts;
        this.runs = runs;
        this.transitions = transitions;
        this.logs = logs;
        this.checkpoints = checkpoints;
        this.artifacts = artifacts;
        this.files = files;
        this.json = json;
    }

    @Transactional
    public void start(long runId, int attempt) {
        fence.lock(runId, attempt);
        RunEntity run = runs.lock(runId).orElseThrow();
        attempts.start(runId, attempt);
        if (run.state() != RunState.RUNNING) {
            transitions.begin(run);
        }
    }

    @Transactional
    public void logs(long runId, int attempt, LogBatch batch) {
        if (batch.firstSeq() < 0) {
            throw new ProblemException(ErrorCode.INVALID_REQUEST, "Lines are numbered from 0.");
        }
        if (batch.lines().size() > MOST_LINES) {
            throw new ProblemException(
                    ErrorCode.PAYLOAD_TOO_LARGE, "At most %,d lines go into a batch.".formatted(MOST_LINES));
        }
        fence.lock(runId, attempt);
        logs.append(
                runId,
                attempt,
                batch.firstSeq(),
                batch.lines().stream()
                        .map(line -> new RunLogStore.Line(line.timeMillis(), line.level(), storable(line.text())))
                        .toList());
    }

    /** PostgreSQL's text holds no NUL, and one endless line must not fill the table. */
    private static String storable(String text) {
        String shortened = text.length() <= LONGEST_LINE ? text : text.substring(0, LONGEST_LINE) + " …";
        return shortened.replace('\0', '\uFFFD');
    }

    @Transactional
    public void commitCheckpoint(long runId, int attempt, CheckpointCommit checkpoint) {
        if (checkpoint.step() < 0 || checkpoint.files().isEmpty()) {
            throw new ProblemException(ErrorCode.INVALID_REQUEST, "A checkpoint has a step and at least one file.");
        }
        fence.lock(runId, attempt);
        checkFiles(checkpoint.files());
        String filesJson = json.writeValueAsString(checkpoint.files());
        boolean made = checkpoints.commit(
                runId,
                attempt,
                checkpoint.step(),
                checkpoint.tokens(),
                checkpoint.trainSeconds(),
                filesJson,
                checkpoint.files().stream().mapToLong(FileRef::bytes).sum());
        if (!made && !checkpoints.isSame(runId, attempt, checkpoint.step(), filesJson)) {
            throw new ProblemException(
                    ErrorCode.INVALID_REQUEST,
                    "Step %d of this attempt has been committed with other files.".formatted(checkpoint.step()));
        }
    }

    /**
     * Every file must be there, whole: a checkpoint that cannot be read back is worse than none. Another runner will write it under its
     * name, so that must stay inside.
     */
    void checkFiles(List<FileRef> refs) {
        for (FileRef ref : refs) {
            String name = ref.name();
            if (name == null || !CommandSpec.isInside(name) || name.chars().anyMatch(Character::isISOControl)) {
                throw new ProblemException(
                        ErrorCode.INVALID_REQUEST,
                        "A file's name would lie outside its directory.",
                        List.of(new Problem.FieldError(
                                "/files",
                                "Not a name of a file.",
                                "a relative path without .. and control characters",
                                null)));
            }
        }
        Map<String, Long> held =
                artifacts.hold(refs.stream().map(FileRef::sha256).distinct().toList());
        for (FileRef ref : refs) {
            Long bytes = held.get(ref.sha256());
            if (bytes == null || bytes != ref.bytes() || !files.isWhole(ref.sha256(), ref.bytes())) {
                throw new ProblemException(
                        ErrorCode.INVALID_REQUEST,
                        "The file %s (%s, %d bytes) is not stored: put it under /api/v1/artifacts first."
                                .formatted(ref.name(), ref.sha256(), ref.bytes()));
            }
        }
    }
}
