package dev.isoflop.lm.cuda.blas;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Collection;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import tools.jackson.core.JacksonException;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * Which algorithm was the fastest for which product, in a JSON file. An algorithm is the library's own 64 opaque bytes, good for one GPU
 * and one version of the library, which is why both are in the key. With the same file a product runs the same code and so gives the same
 * bits; a run that must be repeated exactly keeps it.
 *
 * <p>Concurrency: any thread. Processes that share a file take in each other's entries when they store; of two that store at the same
 * moment one's news may be lost, which costs a measurement.
 *
 * <p>Crash: the file is written beside its place and moved there. One that cannot be read counts as empty.
 */
public final class TuningCache {

    /**
     * @param algorithm the library's bytes, in hexadecimal
     * @param workspaceBytes memory it needs
     * @param candidate its place among the library's own proposals, 0 for the first
     * @param microseconds its time when it was chosen
     * @param firstMicroseconds the time of the library's first proposal
     */
    public record Entry(
            String algorithm, long workspaceBytes, int candidate, double microseconds, double firstMicroseconds) {

        byte[] bytes() {
            return HexFormat.of().parseHex(algorithm);
        }
    }

    private static final JsonMapper JSON =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    private final Path file;
    private final SortedMap<String, Entry> entries;

    private TuningCache(Path file) {
        this.file = file;
        this.entries = read(file);
    }

    /** Reads a file that need not exist yet. */
    public static TuningCache open(Path file) {
        return new TuningCache(file);
    }

    /** What identifies a product on a GPU. */
    public static String key(String gpu, long libraryVersion, MatmulProblem problem) {
        return gpu + " | cublasLt " + libraryVersion + " | " + problem.key();
    }

    public synchronized Optional<Entry> find(String key) {
        return Optional.ofNullable(entries.get(key));
    }

    /** Adds an entry and stores the file. */
    public synchronized void put(String key, Entry entry) {
        read(file).forEach(entries::putIfAbsent);
        entries.put(key, entry);
        store();
    }

    /** What is known of some products, as JSON to keep with a run. */
    public synchronized String export(Collection<String> keys) {
        SortedMap<String, Entry> some = new TreeMap<>(entries);
        some.keySet().retainAll(keys);
        return JSON.writeValueAsString(some) + "\n";
    }

    /** Takes in what a run kept of products that are not known here, so that it goes on with the same code; no file is no news. */
    public synchronized void adopt(Path exported) {
        SortedMap<String, Entry> kept = read(exported);
        if (entries.keySet().containsAll(kept.keySet())) {
            return;
        }
        read(file).forEach(entries::putIfAbsent);
        kept.forEach(entries::putIfAbsent);
        store();
    }

    private void store() {
        try {
            Path directory = file.toAbsolutePath().getParent();
            Files.createDirectories(directory);
            Path written = Files.createTempFile(directory, "tuning", ".json");
            try {
                Files.writeString(written, JSON.writeValueAsString(entries));
                Files.move(written, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(written);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot store the tuning of products in " + file, e);
        }
    }

    private static SortedMap<String, Entry> read(Path file) {
        try {
            if (Files.exists(file)) {
                Map<String, Entry> stored = JSON.readValue(Files.readString(file), new TypeReference<>() {});
                return new TreeMap<>(stored);
            }
        } catch (IOException | JacksonException e) {
            return new TreeMap<>(); // measured again
        }
        return new TreeMap<>();
    }
}
