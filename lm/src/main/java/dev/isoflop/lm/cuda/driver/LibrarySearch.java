package dev.isoflop.lm.cuda.driver;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Where a native library may be, in the order it is looked for. It only reads directories: no process is started, nothing is loaded.
 *
 * <ol>
 *   <li>{@code -D<property>=FILE or DIRECTORY}; when it is given nothing else is tried
 *   <li>{@code CUDA_HOME}, {@code CUDA_PATH}: {@code lib64}, {@code targets/x86_64-linux/lib}, {@code lib}
 *   <li>{@code /usr/local/cuda}, then {@code /usr/local/cuda-*}, the newest first
 *   <li>the system's loader: its cache, its default directories and {@code LD_LIBRARY_PATH}
 *   <li>the driver's directories of container hosts: {@code /usr/local/nvidia/lib64}, {@code /usr/lib/wsl/lib}
 *   <li>the wheels of a Python environment: {@code nvidia/<name>/lib}, {@code nvidia/cu13/lib}, {@code nvidia/cu12/lib} below the
 *       site-packages of {@code VIRTUAL_ENV}, {@code CONDA_PREFIX}, the {@code python3} on the {@code PATH}, the user, the system
 * </ol>
 *
 * The driver's own libraries skip the toolkit and the wheels.
 *
 * @param environment the process's environment
 * @param properties answers the value of a system property, or null
 * @param root the file system's root; another one in tests
 */
record LibrarySearch(Map<String, String> environment, Function<String, @Nullable String> properties, Path root) {

    private static final List<String> TOOLKIT_FOLDERS = List.of("lib64", "targets/x86_64-linux/lib", "lib");

    /**
     * One place to try.
     *
     * @param path a file, or null for the system's loader
     * @param soname the library's file name
     * @param source why it is looked for there
     */
    record Candidate(@Nullable Path path, String soname, String source) {

        String describe() {
            return (path == null ? soname : path) + " (" + source + ")";
        }
    }

    static LibrarySearch ofProcess() {
        return new LibrarySearch(System.getenv(), System::getProperty, Path.of("/"));
    }

    /** All places for a library, whether or not there is a file, without duplicates. */
    List<Candidate> candidates(NativeLibrary library, List<String> sonames) {
        String property = properties.apply(library.property());
        List<Candidate> found = new ArrayList<>();
        if (property != null && !property.isBlank()) {
            Path path = Path.of(property);
            String source = "-D" + library.property();
            if (Files.isDirectory(path)) {
                add(found, path, library.sonames(), source);
            } else {
                found.add(new Candidate(path, String.valueOf(path.getFileName()), source));
            }
            return found;
        }
        if (!library.isOfDriver()) {
            for (String variable : List.of("CUDA_HOME", "CUDA_PATH")) {
                String home = environment.getOrDefault(variable, "");
                if (!home.isBlank()) {
                    toolkit(found, Path.of(home), sonames, variable);
                }
            }
            for (Path toolkit : toolkits()) {
                toolkit(found, toolkit, sonames, "CUDA toolkit");
            }
        }
        for (String soname : sonames) {
            found.add(new Candidate(null, soname, "the system's loader"));
        }
        if (library.isOfDriver()) {
            for (String folder : List.of("usr/local/nvidia/lib64", "usr/lib/wsl/lib")) {
                add(found, root.resolve(folder), sonames, "driver directory");
            }
        } else {
            for (Path packages : sitePackages()) {
                List<String> folders = new ArrayList<>(library.wheels());
                folders.add("cu13");
                folders.add("cu12");
                for (String folder : folders) {
                    add(found, packages.resolve("nvidia").resolve(folder).resolve("lib"), sonames, "Python wheel");
                }
            }
        }
        return List.copyOf(new LinkedHashSet<>(found));
    }

    private static void toolkit(List<Candidate> found, Path home, List<String> sonames, String source) {
        for (String folder : TOOLKIT_FOLDERS) {
            add(found, home.resolve(folder), sonames, source);
        }
    }

    private static void add(List<Candidate> found, Path directory, List<String> sonames, String source) {
        for (String soname : sonames) {
            found.add(new Candidate(directory.resolve(soname), soname, source));
        }
    }

    private List<Path> toolkits() {
        List<Path> found = new ArrayList<>();
        found.add(root.resolve("usr/local/cuda"));
        List<Path> versions = list(root.resolve("usr/local"), "cuda-*");
        versions.sort(Comparator.comparingDouble(LibrarySearch::version).reversed());
        found.addAll(versions);
        return found;
    }

    /** 13.0 of {@code cuda-13.0}, as a number that orders versions; 0 for other names. */
    private static double version(Path toolkit) {
        String[] parts = toolkit.getFileName().toString().replace("cuda-", "").split("\\.", -1);
        try {
            return Integer.parseInt(parts[0]) + (parts.length > 1 ? Integer.parseInt(parts[1]) / 1000.0 : 0);
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    private Set<Path> sitePackages() {
        Set<Path> found = new LinkedHashSet<>();
        for (String variable : List.of("VIRTUAL_ENV", "CONDA_PREFIX")) {
            String home = environment.getOrDefault(variable, "");
            if (!home.isBlank()) {
                pythons(found, Path.of(home));
            }
        }
        for (String folder : environment.getOrDefault("PATH", "").split(":", -1)) {
            Path python = Path.of(folder.isEmpty() ? "." : folder).resolve("python3");
            if (folder.isEmpty() || !Files.exists(python)) {
                continue;
            }
            // the name first, then what it links to: a virtual environment's python3 is a link out of it
            home(found, python);
            try {
                home(found, python.toRealPath());
            } catch (IOException e) {
                continue; // a link into nothing
            }
        }
        String home = environment.getOrDefault("HOME", "");
        if (!home.isBlank()) {
            pythons(found, Path.of(home, ".local"));
        }
        pythons(found, root.resolve("usr/local"));
        pythons(found, root.resolve("usr"));
        return found;
    }

    private static void home(Set<Path> found, Path python) {
        Path bin = python.getParent();
        if (bin != null && bin.getParent() != null) {
            pythons(found, bin.getParent());
        }
    }

    private static void pythons(Set<Path> found, Path home) {
        List<Path> versions = list(home.resolve("lib"), "python3*");
        versions.sort(Collections.reverseOrder());
        for (Path version : versions) {
            for (String folder : List.of("site-packages", "dist-packages")) {
                if (Files.isDirectory(version.resolve(folder).resolve("nvidia"))) {
                    found.add(version.resolve(folder));
                }
            }
        }
    }

    private static List<Path> list(Path directory, String glob) {
        List<Path> found = new ArrayList<>();
        if (!Files.isDirectory(directory)) {
            return found;
        }
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory, glob)) {
            entries.forEach(found::add);
        } catch (IOException | UncheckedIOException e) {
            return found; // not readable is the same as not there
        }
        return found;
    }
}
