package dev.isoflop.runner.work.command;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The directory a program keeps its state in. It is a checkpoint of step S once a file {@code DONE-S} is there. The program goes on
 * meanwhile, so the directory is copied, and a copy counts only if nothing in it was written since the marker was: a torn one is
 * left out and the next marker waited for. The marker is deleted once the copy is made, which a program that overwrites its files may
 * wait for.
 *
 * <p>Concurrency: one thread reads, the program writes.
 */
final class CheckpointDirectory {

    private static final Pattern DONE = Pattern.compile("DONE-(\\d{1,15})");

    private record State(long bytes, FileTime written) {}

    private final Path directory;
    private long taken;

    /** @param taken step of the checkpoint the directory was filled from, 0 if it is new */
    CheckpointDirectory(Path directory, long taken) {
        this.directory = directory;
        this.taken = taken;
    }

    /** The newest complete step that has not been taken. */
    OptionalLong due() throws IOException {
        long newest = -1;
        try (DirectoryStream<Path> markers = Files.newDirectoryStream(directory, "DONE-*")) {
            for (Path marker : markers) {
                Matcher name = DONE.matcher(marker.getFileName().toString());
                if (name.matches()) {
                    newest = Math.max(newest, Long.parseLong(name.group(1)));
                }
            }
        } catch (NoSuchFileException e) {
            return OptionalLong.empty(); // the program has removed it, which is its own affair
        }
        return newest > taken ? OptionalLong.of(newest) : OptionalLong.empty();
    }

    /** The last step taken. */
    long taken() {
        return taken;
    }

    /**
     * Copies the checkpoint of a step that is due, markers left out.
     *
     * @return whether the copy is whole and holds any file; what was copied otherwise is the caller's to delete
     */
    boolean take(long step, Path into) throws IOException {
        Path marker = directory.resolve("DONE-" + step);
        boolean whole;
        try {
            FileTime complete = Files.getLastModifiedTime(marker);
            SortedMap<Path, State> before = files();
            copy(before, into);
            whole = !before.isEmpty()
                    && before.equals(files())
                    && before.values().stream().allMatch(file -> file.written().compareTo(complete) <= 0);
        } catch (NoSuchFileException e) {
            whole = false; // replaced under our eyes
        }
        taken = step;
        dropMarkers();
        return whole;
    }

    /** Copies the directory of a program that has ended in good order at a step, whether or not it left a marker. */
    boolean takeAsIs(long step, Path into) throws IOException {
        if (!Files.isDirectory(directory)) {
            return false; // the program has removed it
        }
        SortedMap<Path, State> files = files();
        copy(files, into);
        taken = step;
        return !files.isEmpty();
    }

    private void copy(SortedMap<Path, State> files, Path into) throws IOException {
        Files.createDirectories(into);
        for (Path file : files.keySet()) {
            Path target = into.resolve(directory.relativize(file).toString());
            Files.createDirectories(target.getParent());
            Files.copy(file, target, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    /** Regular files, links not followed: a link may lead anywhere. */
    private SortedMap<Path, State> files() throws IOException {
        SortedMap<Path, State> found = new TreeMap<>();
        Files.walkFileTree(directory, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                boolean marker = directory.equals(file.getParent())
                        && DONE.matcher(file.getFileName().toString()).matches();
                if (attributes.isRegularFile() && !marker) {
                    found.put(file, new State(attributes.size(), attributes.lastModifiedTime()));
                }
                return FileVisitResult.CONTINUE;
            }
        });
        return found;
    }

    /** Only those of steps up to the one taken: a newer one may have appeared meanwhile. */
    private void dropMarkers() throws IOException {
        try (DirectoryStream<Path> markers = Files.newDirectoryStream(directory, "DONE-*")) {
            for (Path marker : markers) {
                Matcher name = DONE.matcher(marker.getFileName().toString());
                if (name.matches() && Long.parseLong(name.group(1)) <= taken) {
                    Files.deleteIfExists(marker);
                }
            }
        } catch (NoSuchFileException e) {
            // nothing left to drop
        }
    }
}
