package dev.isoflop.runner.work.command;

import dev.isoflop.protocol.job.CommandSpec;
import dev.isoflop.protocol.job.FileRef;
import dev.isoflop.protocol.runner.ClaimGrant;
import dev.isoflop.protocol.runner.FinishAttempt;
import dev.isoflop.runner.work.AttemptContext;
import dev.isoflop.runner.work.CheckpointPublisher;
import dev.isoflop.runner.work.CheckpointRoom;
import dev.isoflop.runner.work.Failures.CommandFailedException;
import dev.isoflop.runner.work.Failures.InvalidInputException;
import dev.isoflop.runner.work.Outcome;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** One program from its start to its end, see {@link CommandExecutor}. */
final class CommandRun {

    private static final long LOOK_MILLIS = 100;
    private static final int LONGEST_START = 500;
    private static final int LAST_WORDS = 40;
    private static final int SIGNALLED = 128;
    private static final long ROOM_SECONDS = 10;
    private static final long READERS_MILLIS = 10_000;

    private final CommandSpec spec;
    private final AttemptContext context;
    private final Path work;
    private final Map<String, String> environment;
    private final CheckpointDirectory directory;
    private final CheckpointPublisher publisher;
    private final CheckpointRoom room;
    private final OutputLog log;
    private final MetricLines lines;
    private final Deque<String> lastWords = new ArrayDeque<>();
    private final long begun = System.nanoTime();
    private final double secondsBefore;
    private boolean asked;
    private long askedNanos;
    private long retryNanos = System.nanoTime();

    CommandRun(
            CommandSpec spec,
            AttemptContext context,
            Path work,
            Path checkpoints,
            Map<String, String> environment,
            OutputLog.Limits limits) {
        ClaimGrant.Resume resume = context.resume();
        long from = resume == null ? 0 : resume.step();
        this.spec = spec;
        this.context = context;
        this.work = work;
        this.environment = environment;
        this.secondsBefore = resume == null ? 0 : resume.trainSeconds();
        this.directory = new CheckpointDirectory(checkpoints, from);
        this.publisher = new CheckpointPublisher(context);
        this.room = new CheckpointRoom(context);
        this.log = new OutputLog(limits, context::log, spec::mask, System::nanoTime);
        this.lines = new MetricLines(context, spec.metricPrefix(), from, text -> log.line("WARN", text));
    }

    Outcome run() throws Exception {
        OutOfMemoryEvidence memory = OutOfMemoryEvidence.begin();
        String line = spec.mask(String.join(" ", spec.argv())).replaceAll("\\s+", " ");
        context.info("starts " + (line.length() > LONGEST_START ? line.substring(0, LONGEST_START) + " …" : line));
        context.progress(lines.step(), "running");
        try (ProcessGroup group = ProcessGroup.start(spec.argv(), work, environment)) {
            context.describedBy(group::describe);
            Thread output = reader("output", group.output(), this::printed);
            Thread errors = reader("errors", group.errors(), this::complained);
            boolean ended = watch(group);
            // Whatever it left behind goes with it, and only then do its pipes end.
            boolean gone = group.killAll();
            output.join(READERS_MILLIS);
            errors.join(READERS_MILLIS);
            log.end();
            if (!gone) {
                throw new IOException("processes of the command do not end on SIGKILL");
            }
            return ended ? ended(group.exitCode(), memory) : new Outcome.Stopped();
        }
    }

    /** Waits for the program's end; false if the work was told to stop before. */
    private boolean watch(ProcessGroup group) throws IOException, InterruptedException {
        while (!group.awaitExit(LOOK_MILLIS)) {
            if (!context.mayWork() && !context.stopped()) {
                group.signal(Signals.STOP);
                context.log("WARN", "halted: the platform has been away for too long");
            }
            switch (context.signal()) { // waits while it may not work
                case CONTINUE -> {}
                case CHECKPOINT_AND_STOP -> ask(group);
                case STOP -> {
                    return false; // SIGKILL ends what is halted, too
                }
            }
            group.resumeIfHalted();
            if (asked && System.nanoTime() - askedNanos > TimeUnit.SECONDS.toNanos(Math.max(0, spec.graceSeconds()))) {
                context.log("WARN", "killed: it did not end within " + spec.graceSeconds() + " s of SIGTERM");
                group.killAll();
            }
            publishIfDue();
        }
        return true;
    }

    private void ask(ProcessGroup group) {
        if (!asked) {
            asked = true;
            askedNanos = System.nanoTime();
            context.info("asked to checkpoint and stop: SIGTERM");
            context.progress(lines.step(), "stopping");
            group.signal(Signals.TERM);
        }
    }

    private void publishIfDue() throws IOException, InterruptedException {
        if (publisher.takesAnother() && System.nanoTime() - retryNanos >= 0) {
            if (publisher.idle() && !publisher.await()) {
                return; // the work is being stopped
            }
            OptionalLong due = directory.due();
            if (due.isPresent()) {
                begin(due.getAsLong());
            }
        }
    }

    private boolean begin(long step) throws IOException, InterruptedException {
        Path copy = context.directory().resolve("step-" + step);
        if (!room.write(copy, step, into -> directory.take(step, into))) {
            if (room.isFull()) {
                retryNanos = System.nanoTime() + ROOM_SECONDS * 1_000_000_000L;
                return false; // its marker stays, so it is taken once there is room
            }
            context.log(
                    "WARN",
                    "checkpoint at step " + step + " left out: it is empty, or files were written after its DONE file");
            return false;
        }
        publisher.makeWay();
        publisher.begin(copy, step, 0, wallSeconds());
        return true;
    }

    /** What the end of the program means, after what it last saved has been brought home. */
    private Outcome ended(int exitCode, OutOfMemoryEvidence memory) throws Exception {
        OptionalLong due = directory.due();
        boolean begun = due.isPresent() && begin(due.getAsLong());
        if (!begun && asked && exitCode == 0 && lines.step() > directory.taken()) {
            // It heard SIGTERM and ended in good order: its directory is as it wants it.
            Path copy = context.directory().resolve("step-" + lines.step());
            if (room.write(copy, lines.step(), into -> directory.takeAsIs(lines.step(), into))) {
                publisher.makeWay();
                publisher.begin(copy, lines.step(), 0, wallSeconds());
            }
        }
        boolean committed = publisher.await();
        if (context.stopped()) {
            return new Outcome.Stopped();
        }
        if (asked) {
            // Also when it finished by itself just now: nobody can tell a program that gave way from one that was done.
            context.info("stopped with exit code " + exitCode + " at step " + lines.step());
            return new Outcome.Preempted();
        }
        if (exitCode != 0) {
            throw new CommandFailedException(failure(exitCode, memory));
        }
        List<FileRef> outputs = committed ? outputs() : null;
        return outputs == null ? new Outcome.Stopped() : CommandExecutor.succeeded(lines, outputs, wallSeconds());
    }

    private FinishAttempt.Failure failure(int exitCode, OutOfMemoryEvidence memory) {
        List<String> words;
        synchronized (lastWords) {
            words = lastWords.stream().map(spec::mask).toList();
        }
        String said = words.isEmpty() ? "" : ": " + words.getLast();
        String trace = words.isEmpty() ? null : String.join("\n", words);
        boolean killed = exitCode == SIGNALLED + Signals.KILL;
        if (killed && memory.kernelKilled()) {
            return new FinishAttempt.Failure(
                    FinishAttempt.Category.OUT_OF_MEMORY,
                    "out-of-memory",
                    "The kernel killed the program for want of memory (exit code 137)" + said,
                    trace);
        }
        if (OutOfMemoryEvidence.saidSo(words)) {
            return new FinishAttempt.Failure(
                    FinishAttempt.Category.OUT_OF_MEMORY,
                    "out-of-memory",
                    "The program got no memory (exit code " + exitCode + ")" + said,
                    trace);
        }
        String how = exitCode > SIGNALLED && exitCode < SIGNALLED + 65
                ? "signal " + (exitCode - SIGNALLED) + " (exit code " + exitCode + ")"
                : "exit code " + exitCode;
        return new FinishAttempt.Failure(
                FinishAttempt.Category.USER, "command-failed", "The program ended with " + how + said, trace, exitCode);
    }

    /** Uploads what the globs match; null if the work was stopped before. */
    private @Nullable List<FileRef> outputs() throws IOException, InvalidInputException {
        if (spec.outputs().isEmpty()) {
            return List.of();
        }
        context.progress(lines.step(), "uploading");
        List<FileRef> uploaded = new ArrayList<>();
        for (Path file : OutputFiles.matching(work, spec.outputs())) {
            FileRef ref = OutputFiles.ref(work, file);
            if (!context.upload(ref, file)) {
                return null;
            }
            uploaded.add(ref);
        }
        if (uploaded.isEmpty()) {
            context.log("WARN", "no file matches " + String.join(", ", spec.outputs()));
        }
        return uploaded;
    }

    private double wallSeconds() {
        return secondsBefore + (System.nanoTime() - begun) * 1e-9;
    }

    // --- output

    private void printed(String line) {
        context.alive();
        if (!lines.take(line)) {
            log.line("INFO", line);
        }
    }

    private void complained(String line) {
        context.alive();
        synchronized (lastWords) {
            if (!line.isBlank()) {
                lastWords.addLast(line.length() > 1_000 ? line.substring(0, 1_000) : line);
            }
            if (lastWords.size() > LAST_WORDS) {
                lastWords.removeFirst();
            }
        }
        log.line("WARN", line);
    }

    private Thread reader(String what, InputStream from, Consumer<String> to) {
        return Thread.ofPlatform()
                .name(what + "-" + context.assignment().runId())
                .daemon()
                .start(() -> {
                    try {
                        new LineReader(to, System::nanoTime).read(from);
                    } catch (IOException e) {
                        log.line("WARN", "the " + what + " of the program cannot be read any more: " + e.getMessage());
                    }
                });
    }
}
