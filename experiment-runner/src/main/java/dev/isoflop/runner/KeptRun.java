package dev.isoflop.runner;

import dev.isoflop.protocol.job.FileRef;
import dev.isoflop.protocol.runner.CheckpointCommit;
import dev.isoflop.protocol.runner.ClaimGrant;
import dev.isoflop.runner.platform.PlatformClient;
import dev.isoflop.runner.platform.Sha256;
import dev.isoflop.runner.report.PointJournal;
import dev.isoflop.runner.work.Directories;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a runner keeps of one run on its disk until the platform has it: the newest checkpoint, and every point recorded since the
 * checkpoint that was last committed. Together they are what a later attempt of the run on this runner needs to go on from there with
 * an unbroken curve, if nothing has been committed meanwhile.
 *
 * <p>On disk, {@code kept/NAME/RUN/}: {@code step-S/}, {@code points/}, and {@code kept.json}, which is written last and names what
 * counts. What it does not name is ignored and deleted.
 *
 * <p>Concurrency: every method takes the object's lock. Crash: the old checkpoint is deleted only once the new one is complete. A
 * disk that fails costs the keeping, never the run.
 */
final class KeptRun {

    private static final Logger log = LoggerFactory.getLogger(KeptRun.class);
    private static final JsonMapper JSON = PlatformClient.mapper();

    /** @param files hashes of the committed checkpoint that the points come after, sorted; empty where there was none */
    private record Base(long step, List<String> files) {

        static final Base NONE = new Base(0, List.of());

        static Base of(long step, List<FileRef> files) {
            return new Base(step, files.stream().map(FileRef::sha256).sorted().toList());
        }
    }

    /**
     * @param spec hash of the job: a run of that number in another database is another run
     * @param base what the kept points come after
     */
    private record Kept(int attempt, String spec, Base base, CheckpointCommit checkpoint) {}

    /**
     * A checkpoint to go on from.
     *
     * @param points after the committed checkpoint, up to this one
     */
    record Found(CheckpointCommit checkpoint, Path directory, List<PointJournal.Point> points) {}

    private final Path directory;
    private final Path description;
    private final ClaimGrant.Assignment assignment;
    private final long maxJournalBytes;
    private Base base;
    private @Nullable PointJournal journal;
    private long keptStep = -1;

    /**
     * @param directory of this run alone
     * @param maxJournalBytes of points; beyond, none are kept, and so no checkpoint either
     */
    KeptRun(Path directory, ClaimGrant.Assignment assignment, long maxJournalBytes) {
        this.directory = directory;
        this.description = directory.resolve("kept.json");
        this.assignment = assignment;
        this.maxJournalBytes = maxJournalBytes;
        ClaimGrant.Resume resume = assignment.resume();
        this.base = resume == null ? Base.NONE : Base.of(resume.step(), resume.files());
    }

    /**
     * What an earlier attempt has left that this one can go on from, if it grew from the very checkpoint that was granted. Anything else is
     * deleted. Points are kept from here on.
     */
    synchronized Optional<Found> begin() {
        Optional<Found> found = Optional.empty();
        try {
            found = find();
            if (found.isEmpty()) {
                Directories.delete(directory);
            }
            PointJournal fresh = new PointJournal(directory.resolve("points"));
            journal = fresh;
            for (PointJournal.Point point : found.map(Found::points).orElse(List.of())) {
                fresh.append(point);
            }
            fresh.force();
            found.ifPresent(f -> keptStep = f.checkpoint.step());
        } catch (IOException | RuntimeException e) {
            giveUp("nothing is kept on disk", e);
        }
        return found;
    }

    private Optional<Found> find() throws IOException {
        Kept kept;
        try {
            kept = JSON.readValue(Files.readAllBytes(description), Kept.class);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (JacksonException e) {
            log.warn("{} cannot be read: {}", description, e.getOriginalMessage());
            return Optional.empty();
        }
        CheckpointCommit checkpoint = kept.checkpoint;
        Path saved = directory.resolve("step-" + checkpoint.step());
        if (kept.attempt >= assignment.attempt()
                || !kept.spec.equals(spec())
                || !kept.base.equals(base)
                || checkpoint.step() <= base.step
                || !isWhole(saved, checkpoint.files())) {
            return Optional.empty();
        }
        List<PointJournal.Point> points = PointJournal.read(directory.resolve("points")).stream()
                .filter(p -> p.step() > base.step && p.step() <= checkpoint.step())
                .toList();
        return Optional.of(new Found(checkpoint, saved, points));
    }

    private static boolean isWhole(Path saved, List<FileRef> files) throws IOException {
        for (FileRef file : files) {
            Path path = saved.resolve(file.name());
            if (!Files.isRegularFile(path) || !Sha256.of(path).equals(file.sha256())) {
                return false;
            }
        }
        return true;
    }

    /** Notes a point, which a checkpoint kept later may need. */
    synchronized void record(String metric, long step, double value, long timeMillis) {
        PointJournal to = journal;
        if (to == null) {
            return;
        }
        try {
            to.append(new PointJournal.Point(metric, step, value, timeMillis));
            if (to.bytes() > maxJournalBytes) {
                giveUp("more than " + maxJournalBytes + " bytes of points since the last checkpoint", null);
            }
        } catch (IOException e) {
            giveUp("points cannot be kept on disk", e);
        }
    }

    /** As {@link dev.isoflop.runner.work.AttemptContext#keep}. */
    synchronized Path keep(Path saved, CheckpointCommit checkpoint) throws IOException {
        PointJournal points = journal;
        if (points == null) {
            return saved;
        }
        Path target = directory.resolve("step-" + checkpoint.step());
        Directories.delete(target);
        Files.createDirectories(directory);
        Files.move(saved, target, StandardCopyOption.ATOMIC_MOVE);
        try {
            points.force();
            byte[] json = JSON.writeValueAsBytes(new Kept(assignment.attempt(), spec(), base, checkpoint));
            Path fresh = directory.resolve("kept.json.new");
            Files.write(fresh, json);
            Files.move(fresh, description, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            keptStep = checkpoint.step();
        } catch (IOException e) {
            giveUp("the checkpoint at step " + checkpoint.step() + " cannot be kept", e);
        }
        deleteOthers(target);
        return target;
    }

    /** The platform has it now: what was kept up to it is needless. */
    synchronized void committed(CheckpointCommit checkpoint) {
        base = Base.of(checkpoint.step(), checkpoint.files());
        try {
            if (keptStep <= checkpoint.step()) {
                Files.deleteIfExists(description);
                keptStep = -1;
                deleteOthers(null);
            }
            if (journal != null) {
                journal.forget(checkpoint.step());
            }
        } catch (IOException e) {
            giveUp("what is not needed any more cannot be deleted", e);
        }
    }

    /** Ends the keeping. @param discard whether nothing of it may be needed any more */
    synchronized void close(boolean discard) {
        try {
            PointJournal open = journal;
            journal = null;
            if (open != null) {
                open.close();
            }
            if (discard || keptStep < 0) {
                Directories.delete(directory);
            } else {
                log.info("run {}: the checkpoint at step {} is kept for a later attempt", assignment.runId(), keptStep);
            }
        } catch (IOException e) {
            log.warn("{}: {}", directory, e.toString());
        }
    }

    private void giveUp(String what, @Nullable Throwable why) {
        log.warn("run {}: {}{}", assignment.runId(), what, why == null ? "" : " (" + why + ")");
        PointJournal open = journal;
        journal = null;
        keptStep = -1;
        try {
            Files.deleteIfExists(description);
            if (open != null) {
                open.close();
            }
            Directories.delete(directory.resolve("points"));
        } catch (IOException e) {
            log.debug("{}: {}", directory, e.toString());
        }
    }

    private void deleteOthers(@Nullable Path but) throws IOException {
        try (Stream<Path> all = Files.list(directory)) {
            for (Path path : all.filter(p -> p.getFileName().toString().startsWith("step-") && !p.equals(but))
                    .toList()) {
                Directories.delete(path);
            }
        } catch (NoSuchFileException e) {
            // nothing was kept
        }
    }

    private String spec() throws IOException {
        return Sha256.copy(
                new ByteArrayInputStream(JSON.writeValueAsBytes(assignment.job())), OutputStream.nullOutputStream());
    }

    /** Deletes what no attempt has asked for in that long, of any runner of the machine. */
    static void forgetOld(Path root, Duration age) {
        Instant before = Instant.now().minus(age);
        try (Stream<Path> runs =
                Files.find(root, 2, (p, a) -> a.isDirectory() && p.getNameCount() == root.getNameCount() + 2)) {
            for (Path run : runs.toList()) {
                try (Stream<Path> all = Files.walk(run)) {
                    Optional<Instant> newest = all.map(KeptRun::written).max(Comparator.naturalOrder());
                    if (newest.isPresent() && newest.get().isBefore(before)) {
                        Directories.delete(run);
                    }
                }
            }
        } catch (NoSuchFileException e) {
            // nothing was ever kept
        } catch (IOException | java.io.UncheckedIOException e) {
            log.warn("{}: {}", root, e.toString());
        }
    }

    private static Instant written(Path path) {
        try {
            return Files.getLastModifiedTime(path).toInstant();
        } catch (IOException e) {
            return Instant.MAX; // somebody is at work there
        }
    }
}
