package dev.isoflop.platform.sweeps;

import dev.isoflop.db.run.NewRun;
import dev.isoflop.platform.artifacts.ArtifactFiles;
import dev.isoflop.platform.shared.idempotency.Idempotency;
import dev.isoflop.protocol.api.SweepSpec;
import dev.isoflop.protocol.api.Views;
import dev.isoflop.protocol.error.Problem;
import dev.isoflop.protocol.job.CommandSpec;
import dev.isoflop.protocol.job.FileRef;
import dev.isoflop.protocol.job.JobSpec;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/** Sweeps of commands: checked, planned, and turned into runs with their files stored. */
@Component
class CommandSweeps {

    private final ArtifactFiles artifacts;
    private final JsonMapper json;

    CommandSweeps(ArtifactFiles artifacts, JsonMapper json) {
        this.artifacts = artifacts;
        this.json = json;
    }

    /** A sweep that can be stored. */
    record Prepared(
            SweepSpec.Command spec,
            List<CommandPlanning.Cell> cells,
            List<Views.Dropped> dropped,
            List<FileRef> files,
            JsonMapper json) {

        List<NewRun> runs(long sweepId) {
            return cells.stream().map(cell -> run(sweepId, cell)).toList();
        }

        private NewRun run(long sweepId, CommandPlanning.Cell cell) {
            CommandSpec job = job(spec, cell, files);
            return new NewRun(
                    sweepId,
                    cell.name(),
                    "command",
                    json.writerFor(JobSpec.class).writeValueAsString(job),
                    spec.pool() == null ? "default" : spec.pool(),
                    spec.priority() == null ? 0 : spec.priority(),
                    null,
                    job.memoryBytes(),
                    NewRun.Size.NONE,
                    null,
                    null,
                    null,
                    PretrainRuns.retries(spec.retries()));
        }
    }

    /** Cells of the sweep, with nothing stored. */
    Views.Plan plan(SweepSpec.Command spec) {
        CommandPlanning.Planned planned = checked(spec);
        return new Views.Plan(
                planned.cells().stream()
                        .map(cell -> new Views.PlannedRun(cell.name(), 0, 0, 0, 0, 0, 0, 0, 0, 0))
                        .toList(),
                dropped(planned),
                0,
                0);
    }

    /** Stores the files, whose names are their content: a sweep that is not stored after all leaves nothing that matters. */
    Prepared prepare(SweepSpec.Command spec) {
        CommandPlanning.Planned planned = checked(spec);
        List<FileRef> files = new ArrayList<>();
        new TreeMap<>(spec.files() == null ? Map.<String, String>of() : spec.files()).forEach((name, content) -> {
            byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
            String sha256 = Idempotency.hash(content);
            try {
                artifacts.put(sha256, new ByteArrayInputStream(bytes));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            files.add(new FileRef(name, sha256, bytes.length));
        });
        return new Prepared(spec, planned.cells(), dropped(planned), files, json);
    }

    private static CommandPlanning.Planned checked(SweepSpec.Command spec) {
        List<Problem.FieldError> errors = CommandChecks.check(spec);
        if (!errors.isEmpty()) {
            throw SweepPlanning.invalid(errors);
        }
        return CommandPlanning.plan(spec);
    }

    private static List<Views.Dropped> dropped(CommandPlanning.Planned planned) {
        return planned.repeated().stream()
                .map(name -> new Views.Dropped(name, "drawn before with the same values"))
                .toList();
    }

    static CommandSpec job(SweepSpec.Command spec, CommandPlanning.Cell cell, List<FileRef> files) {
        List<String> secrets = or(spec.secrets(), List.of());
        Map<String, String> environment = new java.util.LinkedHashMap<>(or(spec.environment(), Map.of()));
        environment.replaceAll(
                (name, value) -> secrets.contains(name) ? value : CommandPlanning.fill(value, cell.parameters()));
        return new CommandSpec(
                spec.command().stream()
                        .map(argument -> CommandPlanning.fill(argument, cell.parameters()))
                        .toList(),
                cell.parameters(),
                environment,
                secrets,
                files,
                or(spec.outputs(), List.of()),
                or(spec.memoryBytes(), 0L),
                or(spec.gpus(), 0),
                or(spec.metricPrefix(), ""),
                or(spec.checkpointDirectory(), CommandSpec.DEFAULT_CHECKPOINT_DIRECTORY),
                or(spec.graceSeconds(), CommandSpec.DEFAULT_GRACE_SECONDS));
    }

    private static <T> T or(@Nullable T value, T otherwise) {
        return value == null ? otherwise : value;
    }
}
