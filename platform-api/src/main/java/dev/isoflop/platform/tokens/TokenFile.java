package dev.isoflop.platform.tokens;

import dev.isoflop.platform.CannotStartException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/** A file with one token, readable by its owner only. Whoever reads it sees a whole token or none. */
final class TokenFile {

    private static final Set<PosixFilePermission> OWNER =
            EnumSet.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);

    private final Path file;

    TokenFile(Path file) {
        this.file = file.toAbsolutePath().normalize();
    }

    /** What it holds; nothing if it is not there or empty. */
    Optional<String> read() {
        try {
            return Optional.of(Files.readString(file).strip()).filter(t -> !t.isEmpty());
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new CannotStartException("The token file " + file + " cannot be read (" + e + ").");
        }
    }

    /** @throws CannotStartException if it cannot be written */
    void write(String token) {
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        try {
            Files.createDirectories(file.getParent());
            Files.deleteIfExists(fresh); // of a process that was killed
            boolean posix = Files.getFileStore(file.getParent()).supportsFileAttributeView("posix");
            if (posix) {
                Files.createFile(fresh, PosixFilePermissions.asFileAttribute(OWNER));
            } else {
                Files.createFile(fresh);
            }
            Files.writeString(fresh, token + "\n", StandardOpenOption.WRITE);
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new CannotStartException("The token file " + file + " cannot be written (" + e
                    + "); give its directory to the platform's user, or name another file.");
        }
    }

    @Override
    public String toString() {
        return file.toString();
    }
}
