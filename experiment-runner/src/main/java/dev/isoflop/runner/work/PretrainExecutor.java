package dev.isoflop.runner.work;

import dev.isoflop.lm.train.StepResult;
import dev.isoflop.protocol.job.FileRef;
import dev.isoflop.protocol.job.JobResult;
import dev.isoflop.protocol.job.PretrainSpec;
import dev.isoflop.protocol.runner.ClaimGrant;
import dev.isoflop.protocol.runner.RunProfile;
import dev.isoflop.runner.trace.Phase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Trains a model on a prepared dataset, recording metrics and checkpoints.
 *
 * <p>Which steps are recorded depends on the step alone, never on time, so that a resumed run records exactly what an
 * undisturbed one does. When checkpoints are made depends on time, which changes nothing else.
 *
 * <p>Concurrency: one training thread per execution; checkpoints travel beside it. Crash: a later attempt goes on from
 * the last committed checkpoint.
 */
public final class PretrainExecutor implements JobExecutor<PretrainSpec> {

    /** How often a run that goes ahead by many steps stops to see whether it is still wanted. */
    private static final double LOOK_EVERY_SECONDS = 0.5;
    /** A GPU's results come in bursts, between whose steps hardly any time passes here: over less than this the speed is what it was. */
    private static final double SHORTEST_MEASURED = 0.01;

    /** Steps of an execution after which it is asked where its time goes: clocks, caches and code are warm by then. */
    private static final long PROFILE_AFTER_STEPS = 20;

    /** How long a run that is done but for its last checkpoint waits for room on the disk. */
    private static final long ROOM_SECONDS = 600;

    private static final long ROOM_LOOK_MILLIS = 500;

    private final TrainingEngine engine;
    private final DatasetCache datasets;
    private final PreparedDataset.Opener opener;

    public PretrainExecutor(TrainingEngine engine, DatasetCache datasets, PreparedDataset.Opener opener) {
        this.engine = engine;
        this.datasets = datasets;
        this.opener = opener;
    }

    @Override
    public Outcome execute(PretrainSpec spec, AttemptContext context) throws Exception {
        context.progress(0, "preparing");
        Optional<Path> directory;
        try (Phase _ = context.phase("fetch dataset")) {
            directory = datasets.obtain(spec.dataset(), context);
        }
        if (directory.isEmpty()) {
            return new Outcome.Stopped();
        }
        try (PreparedDataset data = opener.open(directory.get())) {
            return train(spec, context, data);
        }
    }

    private Outcome train(PretrainSpec spec, AttemptContext context, PreparedDataset data)
            throws IOException, InterruptedException {
        ClaimGrant.Resume resume = context.resume();
        if (resume == null) {
            try (TrainingEngine.Session session = setUp(context, () -> engine.create(spec, data, context.threads()))) {
                return new Training(spec, context, data, session, 0).run();
            }
        }
        context.progress(resume.step(), "resuming");
        Path checkpoint = context.directory().resolve("resume");
        try (Phase _ = context.phase("fetch checkpoint").with("step", resume.step())) {
            if (!fetch(resume, checkpoint, context)) {
                return new Outcome.Stopped();
            }
        }
        try (TrainingEngine.Session session =
                setUp(context, () -> engine.resume(spec, checkpoint, data, context.threads()))) {
            Directories.delete(checkpoint);
            context.info("resumed from the checkpoint at step " + session.stepsDone());
            return new Training(spec, context, data, session, resume.trainSeconds()).run();
        }
    }

    /** Makes the model ready to train. */
    private interface SetUp {
        TrainingEngine.Session session() throws IOException, InterruptedException;
    }

    private static TrainingEngine.Session setUp(AttemptContext context, SetUp setUp)
            throws IOException, InterruptedException {
        try (Phase _ = context.phase("set up")) {
            return setUp.session();
        }
    }

    private static boolean fetch(ClaimGrant.Resume resume, Path checkpoint, AttemptContext context) throws IOException {
        Files.createDirectories(checkpoint);
        for (FileRef file : resume.files()) {
            Path target = checkpoint.resolve(file.name()).normalize();
            if (!target.startsWith(checkpoint)) {
                throw new IOException("checkpoint file " + file.name() + " would lie outside its directory");
            }
            Files.createDirectories(target.getParent());
            if (!context.fetch(file, target)) {
                return false;
            }
        }
        return true;
    }

    /** One execution's loop and clocks. */
    private static final class Training {
        private final PretrainSpec spec;
        private final AttemptContext context;
        private final PreparedDataset data;
        private final TrainingEngine.Session session;
        private final CheckpointPublisher checkpoints;
        private final CheckpointRoom room;
        private final StepBlocks blocks;
        private final long steps;
        private final long tokensPerStep;
        private final long startStep;
        private double trainSeconds;
        private long checkpointNanos = System.nanoTime();

        /** Since the last recorded point: seconds, and where tokens and FLOPs stood. */
        private double sinceSeconds;

        private long sinceStep;
        private double stepsPerSecond;
        private double flopsPerStep;
        private long begun;
        private boolean profiled;
        private @Nullable StepResult last;

        Training(
                PretrainSpec spec,
                AttemptContext context,
                PreparedDataset data,
                TrainingEngine.Session session,
                double trainSeconds) {
            this.spec = spec;
            this.context = context;
            this.data = data;
            this.session = session;
            this.checkpoints = new CheckpointPublisher(context);
            this.room = new CheckpointRoom(context);
            this.blocks = new StepBlocks(context);
            this.steps = spec.training().steps();
            this.tokensPerStep =
                    (long) spec.training().batchSequences() * spec.model().contextLength();
            this.trainSeconds = trainSeconds;
            this.startStep = session.stepsDone();
            this.sinceStep = startStep;
        }

        Outcome run() throws IOException, InterruptedException {
            try {
                return trained();
            } finally {
                blocks.end(session.stepsDone());
            }
        }

        private Outcome trained() throws IOException, InterruptedException {
            while (session.stepsDone() < steps) {
                context.progress(session.stepsDone(), "training");
                switch (context.signal()) {
                    case CONTINUE -> {}
                    case STOP -> {
                        return new Outcome.Stopped();
                    }
                    case CHECKPOINT_AND_STOP -> {
                        return checkpointNow() ? new Outcome.Preempted() : new Outcome.Stopped();
                    }
                }
                blocks.steps(session.stepsDone());
                begun = System.nanoTime();
                session.advance(nextStop(), this::record);
                passed();
                blocks.done(session.stepsDone());
                StepResult result = last;
                if (result != null && !result.finite()) {
                    return diverged(result);
                }
                long step = session.stepsDone();
                profile(step);
                if (spec.evalEverySteps() > 0 && step % spec.evalEverySteps() == 0 && step < steps) {
                    context.metric("eval/loss", step, evaluate(spec.evalTokens()));
                }
                if (checkpointIsDue()) {
                    beginCheckpoint();
                }
            }
            return evaluated();
        }

        /**
         * Where to stop and look around: at an evaluation, at the end, and about twice a second; and where the profile is asked for, so
         * that a short run has one too.
         */
        private long nextStop() {
            long step = session.stepsDone();
            double perStep = trainSeconds / Math.max(1, step);
            long ahead = perStep > 0 ? (long) (LOOK_EVERY_SECONDS / perStep) : 1;
            long stop = Math.min(steps, step + Math.clamp(ahead, 1, session.mostAhead()));
            long asked = startStep + PROFILE_AFTER_STEPS;
            if (step < asked) {
                stop = Math.min(stop, asked);
            }
            long every = spec.evalEverySteps();
            return every > 0 ? Math.min(stop, (step / every + 1) * every) : stop;
        }

        /** Adds the time since it was last asked to the clocks. */
        private void passed() {
            long now = System.nanoTime();
            double seconds = (now - begun) * 1e-9;
            begun = now;
            trainSeconds += seconds;
            sinceSeconds += seconds;
        }

        private void record(StepResult r) {
            last = r;
            flopsPerStep = r.flops() / r.step();
            boolean due = r.step() % spec.metricsEverySteps() == 0 || r.step() == 1 || r.step() == steps || !r.finite();
            if (!due) {
                return;
            }
            passed();
            context.metric("train/loss", r.step(), r.loss());
            context.metric("train/grad_norm", r.step(), r.gradNorm());
            context.metric("train/learning_rate", r.step(), r.learningRate());
            if (sinceSeconds >= SHORTEST_MEASURED || stepsPerSecond == 0) {
                stepsPerSecond = (r.step() - sinceStep) / Math.max(sinceSeconds, 1e-9);
                sinceSeconds = 0;
                sinceStep = r.step();
            }
            context.metric("train/tokens_per_second", r.step(), stepsPerSecond * tokensPerStep);
            double flops = stepsPerSecond * flopsPerStep;
            context.metric("train/gflops", r.step(), flops * 1e-9);
            utilisation("train/mfu", r.step(), flops, session.device().datasheet());
            utilisation("train/mfu_measured", r.step(), flops, session.device().measured());
        }

        /**
         * Model FLOPs utilisation (Chowdhery et al. 2022, PaLM, appendix B): {@code tokens/s · FLOPs per token / peak}, the FLOPs being
         * those the model needs by its formula, not those the hardware did. Of a lane it is the lane's own share of the device.
         */
        private void utilisation(String name, long step, double flops, RunProfile.@Nullable Peaks peaks) {
            if (peaks != null) {
                context.metric(name, step, flops / peaks.flops());
            }
        }

        /** Says once where the time goes, when it is known. */
        private void profile(long step) {
            if (profiled || step - startStep < PROFILE_AFTER_STEPS) {
                return;
            }
            session.profile().ifPresent(profile -> {
                profiled = true;
                context.profile(profile.of(step, tokensPerStep, flopsPerStep / tokensPerStep));
            });
        }

        private double evaluate(long tokens) throws IOException, InterruptedException {
            blocks.end(session.stepsDone());
            try (Phase _ = context.phase("evaluate").with("step", session.stepsDone())) {
                return session.evaluate(tokens);
            }
        }

        /** Held-out loss over the whole validation split, then the last checkpoint. */
        private Outcome evaluated() throws IOException, InterruptedException {
            context.progress(steps, "evaluating");
            double loss = evaluate(Long.MAX_VALUE);
            if (context.stopped()) {
                return new Outcome.Stopped();
            }
            // A checkpoint of the last step was committed after its evaluation had been stored: neither is due twice.
            if (startStep < steps) {
                context.metric("eval/loss", steps, loss);
                context.progress(steps, "saving");
                if (!lastCheckpoint()) {
                    return new Outcome.Stopped();
                }
            }
            context.info(String.format(
                    Locale.ROOT,
                    "held-out loss %.4f nats per token after %d steps, %.1f s",
                    loss,
                    steps,
                    trainSeconds));
            return new Outcome.Succeeded(result(loss, !Double.isFinite(loss)));
        }

        /** A loss that is no number any more is a result; training on would only burn compute. */
        private Outcome diverged(StepResult last) throws IOException, InterruptedException {
            context.info("the loss stopped being finite at step " + last.step() + ": the run has diverged");
            checkpoints.await();
            return new Outcome.Succeeded(result(Double.NaN, true));
        }

        private JobResult result(double loss, boolean diverged) {
            long window = spec.model().contextLength();
            long evalTokens = (data.validation().length() - 1) / window * window;
            long done = session.stepsDone();
            return new JobResult.Pretrained(
                    loss,
                    loss * data.bitsPerBytePerNat(),
                    evalTokens,
                    done,
                    done * tokensPerStep,
                    done * tokensPerStep / Math.max(trainSeconds, 1e-9),
                    trainSeconds,
                    diverged);
        }

        private boolean checkpointIsDue() {
            long every = spec.checkpointEverySeconds();
            return every > 0
                    && session.stepsDone() < steps
                    && System.nanoTime() - checkpointNanos >= every * 1_000_000_000L
                    && checkpoints.takesAnother();
        }

        /** False if the disk has no room for it. */
        private boolean beginCheckpoint() throws IOException, InterruptedException {
            long step = session.stepsDone();
            blocks.end(step);
            Path directory = context.directory().resolve("step-" + step);
            checkpointNanos = System.nanoTime(); // also where there is no room: the next try is when the next is due
            boolean saved = room.write(directory, step, into -> {
                try (Phase _ = context.phase("save checkpoint").with("step", step)) {
                    session.save(into);
                }
                return true;
            });
            if (!saved) {
                return false;
            }
            checkpoints.makeWay();
            checkpoints.begin(directory, step, step * tokensPerStep, trainSeconds);
            return true;
        }

        /**
         * Saves and commits, waiting for it; false if the work was stopped before (told to make room, but not in time: the
         * last committed checkpoint is what remains).
         */
        private boolean checkpointNow() throws IOException, InterruptedException {
            return beginCheckpoint() && checkpoints.await();
        }

        /** The checkpoint that a success needs: room for it is waited for. */
        private boolean lastCheckpoint() throws IOException, InterruptedException {
            long end = System.nanoTime() + ROOM_SECONDS * 1_000_000_000L;
            while (!beginCheckpoint()) {
                if (System.nanoTime() - end >= 0) {
                    throw new IOException("No space left for the last checkpoint, although waited for");
                }
                context.progress(steps, "waiting for room on the disk");
                Thread.sleep(ROOM_LOOK_MILLIS);
                if (context.signal() != AttemptContext.Signal.CONTINUE) {
                    return false;
                }
            }
            return checkpoints.await();
        }
    }
}
