package dev.isoflop.runner.work;

import dev.isoflop.protocol.job.DatasetRef;
import dev.isoflop.protocol.job.FileRef;
import dev.isoflop.runner.platform.Sha256;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Datasets on the local disk, {@code datasets/ID}. A dataset that is not there, or whose files are not those named, is
 * fetched file by file from the platform.
 *
 * <p>Concurrency: runs of one process fetch a dataset once; several processes may share the directory, because a
 * dataset appears by one rename and the loser of a race uses the winner's.
 *
 * <p>Crash: an unfinished download lies under a name of its own and is never mistaken for a dataset.
 */
public final class DatasetCache {

    private static final Logger log = LoggerFactory.getLogger(DatasetCache.class);

    private final Path root;
    /** Directories whose content this process has hashed once. */
    private final Set<String> verified = ConcurrentHashMap.newKeySet();

    public DatasetCache(Path root) {
        this.root = root;
    }

    public Path root() {
        return root;
    }

    /** The directory of the dataset; empty if the work was stopped while fetching it. */
    public synchronized Optional<Path> obtain(DatasetRef ref, AttemptContext context) throws IOException {
        Path directory = root.resolve(ref.id());
        if (verified.contains(ref.id()) && Files.isDirectory(directory)) {
            return Optional.of(directory);
        }
        if (!holds(directory, ref)) {
            context.info("fetching dataset " + ref.id() + " (" + ref.files().size() + " files)");
            if (!fetch(ref, directory, context)) {
                return Optional.empty();
            }
        }
        verified.add(ref.id());
        return Optional.of(directory);
    }

    private static boolean holds(Path directory, DatasetRef ref) throws IOException {
        for (FileRef file : ref.files()) {
            Path path = directory.resolve(file.name());
            if (!Files.isRegularFile(path)
                    || Files.size(path) != file.bytes()
                    || !Sha256.of(path).equals(file.sha256())) {
                return false;
            }
        }
        return true;
    }

    private boolean fetch(DatasetRef ref, Path directory, AttemptContext context) throws IOException {
        Files.createDirectories(root);
        Path fresh = Files.createDirectory(root.resolve("." + ref.id() + "-" + UUID.randomUUID()));
        try {
            for (FileRef file : ref.files()) {
                Path target = fresh.resolve(file.name()).normalize();
                if (!target.startsWith(fresh)) {
                    throw new IOException("dataset file " + file.name() + " would lie outside its directory");
                }
                if (!context.fetch(file, target)) {
                    return false;
                }
            }
            if (Files.isDirectory(directory) && !holds(directory, ref)) {
                log.warn("{} does not hold the files it should; it is replaced", directory);
                Files.move(
                        directory, fresh.resolveSibling(fresh.getFileName() + "-old"), StandardCopyOption.ATOMIC_MOVE);
            }
            try {
                Files.move(fresh, directory, StandardCopyOption.ATOMIC_MOVE);
            } catch (FileAlreadyExistsException | DirectoryNotEmptyException e) {
                if (!holds(directory, ref)) { // another process was faster, which is fine, unless it is another dataset
                    throw e;
                }
            }
            return true;
        } finally {
            Directories.delete(fresh);
            Directories.delete(fresh.resolveSibling(fresh.getFileName() + "-old"));
        }
    }
}
