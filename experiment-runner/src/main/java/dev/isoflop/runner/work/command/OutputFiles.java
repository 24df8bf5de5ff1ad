package dev.isoflop.runner.work.command;

import dev.isoflop.protocol.job.FileRef;
import dev.isoflop.runner.platform.Sha256;
import dev.isoflop.runner.work.Failures.InvalidInputException;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.regex.PatternSyntaxException;

/** Files a program leaves behind, found by globs. */
final class OutputFiles {

    static final int MAX_FILES = 1_000;

    private OutputFiles() {}

    /**
     * Regular files under a directory that one of the globs matches, in order of their paths. Links are not followed.
     *
     * @param globs such as {@code *.json} or {@code plots/**}, against paths relative to the directory
     * @throws InvalidInputException for a glob that is none, or more than {@value #MAX_FILES} files
     */
    static List<Path> matching(Path directory, List<String> globs) throws IOException, InvalidInputException {
        List<PathMatcher> matchers = new ArrayList<>();
        for (String glob : globs) {
            try {
                matchers.add(FileSystems.getDefault().getPathMatcher("glob:" + glob));
            } catch (PatternSyntaxException e) {
                throw new InvalidInputException("the output " + glob + " is no glob: " + e.getDescription(), e);
            }
        }
        List<Path> found = new ArrayList<>();
        Files.walkFileTree(directory, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                Path relative = directory.relativize(file);
                if (attributes.isRegularFile() && matchers.stream().anyMatch(m -> m.matches(relative))) {
                    found.add(file);
                }
                return FileVisitResult.CONTINUE;
            }
        });
        if (found.size() > MAX_FILES) {
            throw new InvalidInputException(
                    found.size() + " files match the outputs; at most " + MAX_FILES + " are kept");
        }
        Collections.sort(found);
        return found;
    }

    static FileRef ref(Path directory, Path file) throws IOException {
        return new FileRef(directory.relativize(file).toString().replace('\\', '/'), Sha256.of(file), Files.size(file));
    }
}
