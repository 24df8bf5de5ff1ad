package dev.isoflop.lm.cuda.compile;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * The build's step that compiles the kernel files with {@code nvcc}, so that most machines need no compiler at run time: machine code for
 * the two data-centre generations, PTX for the rest. Without {@code nvcc} on the {@code PATH} it does nothing. A file's name carries the
 * hash of its source and options, so what is there already is not compiled again, and what no source has any more is deleted.
 *
 * <p>Concurrency: compilers run side by side, one per processor. Crash: a file is moved to its place when it is whole.
 */
public final class CubinBuild {

    private static final List<String> TARGETS = List.of("sm_80", "sm_90a", KernelCompiler.FALLBACK);

    private record Job(KernelSource source, CompileOptions options, String target, Path file) {}

    private CubinBuild() {}

    /**
     * @param args the folder of {@code .cu} files, and the folder for what they become
     * @throws CompileException if a file does not compile, with {@code nvcc}'s output
     */
    public static void main(String[] args) throws IOException {
        Optional<Path> nvcc = nvcc(System.getenv("PATH"));
        if (nvcc.isPresent()) {
            build(nvcc.get(), Path.of(args[0]), Path.of(args[1]));
        }
    }

    static Optional<Path> nvcc(String path) {
        for (String folder : path.split(":", -1)) {
            if (!folder.isEmpty() && Files.isExecutable(Path.of(folder, "nvcc"))) {
                return Optional.of(Path.of(folder, "nvcc"));
            }
        }
        return Optional.empty();
    }

    /** Returns the names of the files that were compiled now. */
    static Collection<String> build(Path nvcc, Path sources, Path output) throws IOException {
        Map<String, Job> jobs = new LinkedHashMap<>();
        for (Path file : list(sources, "*.cu")) {
            KernelSource source = KernelSource.read(file.getFileName().toString(), name -> text(sources.resolve(name)));
            for (CompileOptions options : source.variants()) {
                for (String target : TARGETS) {
                    if (source.requires().map(target::equals).orElse(true)) {
                        String name = source.compiledName(options, target);
                        jobs.put(name, new Job(source, options, target, output.resolve(name)));
                    }
                }
            }
        }
        for (Path file : list(output, "*.{cubin,ptx}")) {
            if (!jobs.containsKey(file.getFileName().toString())) {
                Files.delete(file);
            }
        }
        jobs.values().removeIf(job -> Files.exists(job.file()));
        if (jobs.isEmpty()) {
            return List.of();
        }
        Files.createDirectories(output);
        try (ExecutorService threads =
                Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors())) {
            List<Future<?>> running = new ArrayList<>();
            for (Job job : jobs.values()) {
                running.add(threads.submit(() -> {
                    compile(nvcc, job);
                    return null;
                }));
            }
            for (Future<?> one : running) {
                one.get();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof CompileException failure) {
                throw failure;
            }
            throw new IOException("a kernel file could not be compiled", e.getCause());
        }
        return new TreeSet<>(jobs.keySet());
    }

    private static void compile(Path nvcc, Job job) throws IOException, InterruptedException {
        Path directory = Files.createTempDirectory("isoflop-cubin");
        try {
            Path source = directory.resolve(job.source().name());
            Path written = directory.resolve("out");
            Path log = directory.resolve("log");
            Files.writeString(source, job.source().text());
            List<String> command = new ArrayList<>(List.of(nvcc.toString()));
            command.addAll(job.options().flags());
            boolean virtual = job.target().equals(KernelCompiler.FALLBACK);
            String number = job.target().substring(job.target().indexOf('_') + 1);
            command.add(virtual ? "-ptx" : "-cubin");
            command.add("-gencode=arch=compute_" + number + ",code=" + job.target());
            command.addAll(List.of("-o", written.toString(), source.toString()));
            Process process = new ProcessBuilder(command)
                    .directory(directory.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile())
                    .start();
            int code = process.waitFor();
            String output = Files.readString(log, StandardCharsets.UTF_8);
            if (code != 0) {
                if (output.contains("Unsupported gpu architecture")) {
                    return; // an older toolkit; such devices compile at run time
                }
                throw new CompileException(job.source().name() + " does not compile for " + job.target(), output);
            }
            Path beside = Files.createTempFile(job.file().getParent(), "new", ".tmp");
            Files.copy(written, beside, StandardCopyOption.REPLACE_EXISTING);
            Files.move(beside, job.file(), StandardCopyOption.ATOMIC_MOVE);
        } finally {
            for (Path file : list(directory, "*")) {
                Files.delete(file);
            }
            Files.delete(directory);
        }
    }

    private static @Nullable String text(Path file) {
        try {
            return Files.exists(file) ? Files.readString(file) : null;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<Path> list(Path directory, String glob) throws IOException {
        List<Path> found = new ArrayList<>();
        if (Files.isDirectory(directory)) {
            try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory, glob)) {
                entries.forEach(found::add);
            }
        }
        found.sort(null);
        return found;
    }
}
