package dev.isoflop.data;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.regex.Pattern;

/** Where the text of a dataset comes from. */
public sealed interface CorpusSource {

    /** The prefix of an npm source written as a string. */
    String NPM_PREFIX = "npm:";

    /**
     * The {@code data/*.txt} files of an npm package, one document each.
     *
     * @param packageName {@code name}, {@code @scope/name}, either with {@code @version}
     */
    record Npm(String packageName) implements CorpusSource {

        // the name becomes an argument of npm and the name of a directory: nothing may look like an option or a path
        private static final Pattern NAME =
                Pattern.compile("(@[a-z0-9~][a-z0-9._~-]*/)?[a-z0-9~][a-z0-9._~-]*(@[0-9A-Za-z][0-9A-Za-z.+-]*)?");

        public Npm {
            if (packageName.length() > 214 || !NAME.matcher(packageName).matches()) {
                throw new IllegalArgumentException("\"" + packageName
                        + "\" is not the name of an npm package; expected name, @scope/name or @scope/name@version");
            }
        }

        @Override
        public String toString() {
            return NPM_PREFIX + packageName;
        }
    }

    /**
     * A file or a directory, see {@link CorpusReader}.
     *
     * @param path as the user wrote it
     */
    record LocalPath(Path path) implements CorpusSource {
        @Override
        public String toString() {
            return path.toString();
        }
    }

    /**
     * Reads {@code npm:PACKAGE} or a path.
     *
     * @throws IllegalArgumentException if it is neither
     */
    static CorpusSource parse(String text) {
        if (text.startsWith(NPM_PREFIX)) {
            return new Npm(text.substring(NPM_PREFIX.length()));
        }
        if (text.isBlank()) {
            throw new IllegalArgumentException("the corpus is empty; expected npm:PACKAGE or a path");
        }
        try {
            return new LocalPath(Path.of(text));
        } catch (InvalidPathException e) {
            throw new IllegalArgumentException("the corpus \"" + text + "\" is not a path: " + e.getReason(), e);
        }
    }
}
