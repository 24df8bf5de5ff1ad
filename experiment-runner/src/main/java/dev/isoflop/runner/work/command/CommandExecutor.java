package dev.isoflop.runner.work.command;

import dev.isoflop.protocol.job.CommandSpec;
import dev.isoflop.protocol.job.FileRef;
import dev.isoflop.protocol.job.JobResult;
import dev.isoflop.protocol.runner.ClaimGrant;
import dev.isoflop.runner.work.AttemptContext;
import dev.isoflop.runner.work.Failures.InvalidInputException;
import dev.isoflop.runner.work.JobExecutor;
import dev.isoflop.runner.work.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Runs a program for one attempt. What is true of it:
 *
 * <ul>
 *   <li>It has a working directory of its own with its inputs in it, and its checkpoint directory filled from the last committed
 *       checkpoint.
 *   <li>While it may not work (the platform has been away for too long) the whole group is halted (SIGSTOP): a program cannot be asked to wait.
 *   <li>Asked to checkpoint and stop, it gets SIGTERM, and SIGKILL when its grace or the deadline is over; told to stop, SIGKILL at
 *       once. However it ends, nothing that it started stays.
 *   <li>The runner's token is not in its environment: that token could write to any run. A program reports by printing.
 * </ul>
 *
 * <p>Concurrency: the attempt's thread watches the program; two threads read its output; checkpoints travel beside. Crash: see
 * {@link ProcessGroup}.
 */
public final class CommandExecutor implements JobExecutor<CommandSpec> {

    private final GpuShares gpus;
    private final OutputLog.Limits limits;
    private final Map<String, String> inherited;

    /** @param gpus the devices that programs may have */
    public CommandExecutor(GpuShares gpus) {
        this(gpus, OutputLog.Limits.STANDARD, System.getenv());
    }

    /** @param inherited environment of the runner */
    CommandExecutor(GpuShares gpus, OutputLog.Limits limits, Map<String, String> inherited) {
        this.gpus = gpus;
        this.limits = limits;
        this.inherited = Map.copyOf(inherited);
    }

    /** Whether programs can be run on this machine. */
    public static boolean isSupported() {
        return ProcessGroup.isSupported();
    }

    @Override
    public Outcome execute(CommandSpec spec, AttemptContext context) throws Exception {
        check(spec);
        ClaimGrant.Resume resume = context.resume();
        long from = resume == null ? 0 : resume.step();
        context.progress(from, "preparing");
        Path work = context.directory().resolve("work");
        Path checkpoints = work.resolve(spec.checkpointDirectory());
        Files.createDirectories(checkpoints);
        if (!fetch(spec.inputs(), work, context) || (resume != null && !fetch(resume.files(), checkpoints, context))) {
            return new Outcome.Stopped();
        }
        if (resume != null) {
            context.info("goes on from the checkpoint at step " + from);
        }
        context.progress(from, spec.gpus() > 0 ? "waiting for a GPU" : "starting");
        Optional<GpuShares.Share> share = gpus.take(spec.gpus(), context);
        if (share.isEmpty()) {
            // Nothing has been done since the last checkpoint, so there is nothing to save either.
            return context.stopped() ? new Outcome.Stopped() : new Outcome.Preempted();
        }
        try (GpuShares.Share held = share.get()) {
            Map<String, String> environment = environment(spec, context, checkpoints, from, held);
            require(spec.argv().getFirst(), work, environment);
            return new CommandRun(spec, context, work, checkpoints, environment, limits).run();
        }
    }

    private static void check(CommandSpec spec) throws InvalidInputException {
        if (spec.argv().isEmpty() || spec.argv().getFirst().isBlank()) {
            throw new InvalidInputException("the command names no program");
        }
        for (String argument : spec.argv()) {
            if (argument.indexOf('\0') >= 0) {
                throw new InvalidInputException("an argument holds a NUL character");
            }
        }
        if (!CommandSpec.isInside(spec.checkpointDirectory())) {
            throw new InvalidInputException(
                    "the checkpoint directory " + spec.checkpointDirectory() + " lies outside the working directory");
        }
        for (String name : spec.environment().keySet()) {
            if (!CommandSpec.isVariable(name)) {
                throw new InvalidInputException("the environment variable " + name + " cannot be set");
            }
        }
    }

    private static boolean fetch(List<FileRef> files, Path into, AttemptContext context)
            throws IOException, InvalidInputException {
        for (FileRef file : files) {
            if (!CommandSpec.isInside(file.name())) {
                throw new InvalidInputException("the file " + file.name() + " would lie outside its directory");
            }
            Path target = into.resolve(file.name());
            Files.createDirectories(target.getParent());
            if (!context.fetch(file, target)) {
                return false;
            }
        }
        return true;
    }

    private Map<String, String> environment(
            CommandSpec spec, AttemptContext context, Path checkpoints, long from, GpuShares.Share share) {
        Map<String, String> all = new HashMap<>(inherited);
        all.keySet().removeIf(name -> name.startsWith("ISOFLOP_")); // the runner's token among them
        all.putIfAbsent("PYTHONUNBUFFERED", "1"); // metrics are due when printed, not when a buffer is full
        all.putIfAbsent("OMP_NUM_THREADS", Integer.toString(context.threads()));
        all.putAll(spec.environment());
        all.put("ISOFLOP_RUN", Long.toString(context.assignment().runId()));
        all.put("ISOFLOP_ATTEMPT", Integer.toString(context.assignment().attempt()));
        all.put("ISOFLOP_CHECKPOINT_DIR", checkpoints.toString());
        all.put("ISOFLOP_RESUME_STEP", Long.toString(from));
        all.put("CUDA_VISIBLE_DEVICES", share.variable());
        return all;
    }

    /** Says by name what is missing, which an exit code of 127 would not. */
    private static void require(String program, Path work, Map<String, String> environment)
            throws InvalidInputException {
        boolean there = program.indexOf('/') < 0
                ? ProcessGroup.find(program, environment.getOrDefault("PATH", ""))
                        .isPresent()
                : Files.isRegularFile(work.resolve(program)) && Files.isReadable(work.resolve(program));
        if (!there) {
            throw new InvalidInputException("there is no program " + program + " on this runner");
        }
    }

    /** What a success hands back. */
    static Outcome succeeded(MetricLines lines, List<FileRef> outputs, double wallSeconds) {
        return new Outcome.Succeeded(new JobResult.Command(0, lines.lastValues(), outputs, wallSeconds));
    }
}
