package dev.isoflop.cli.local;

import dev.isoflop.cli.client.ApiClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * The product's own directory: {@code client.json} (the address book), {@code up.json} (what {@code up} started) and
 * {@code logs/}.
 *
 * <p>Crash: both files are replaced by a rename, so they are whole or absent. An {@code up.json} that a crash left behind
 * names processes by pid and start time and is recognised as stale.
 */
public final class Home {

    private final Path root;
    private final JsonMapper json = ApiClient.mapper();

    public Home(Path root) {
        this.root = root.toAbsolutePath().normalize();
    }

    /** {@code --home}, else {@code $ISOFLOP_HOME}, else {@code ~/.isoflop}. */
    public static Home of(@Nullable Path given) {
        String set = System.getenv("ISOFLOP_HOME");
        if (given != null) {
            return new Home(given);
        }
        return new Home(
                set == null || set.isBlank() ? Path.of(System.getProperty("user.home"), ".isoflop") : Path.of(set));
    }

    /**
     * Where commands find the platform.
     *
     * @param token the admin's
     * @param runnerToken the local runner's, absent until {@code up} made it
     * @param runnerTokenId its id
     */
    public record Client(
            String url,
            String token,
            @Nullable String runnerToken,
            @Nullable Long runnerTokenId) {}

    /** A process, told from a later one with the same pid by its start time. */
    public record Started(long pid, long startMillis) {

        static Started of(ProcessHandle handle) {
            return new Started(
                    handle.pid(),
                    handle.info().startInstant().map(i -> i.toEpochMilli()).orElse(0L));
        }

        /** The living process, if it is still the same one. */
        public Optional<ProcessHandle> alive() {
            return ProcessHandle.of(pid)
                    .filter(ProcessHandle::isAlive)
                    .filter(h -> Math.abs(Started.of(h).startMillis - startMillis) < 2_000);
        }
    }

    /** What {@code up} started. */
    public record Up(
            String url,
            int port,
            Started platform,
            @Nullable Started runner) {}

    public Path root() {
        return root;
    }

    public Path log(String process) {
        return root.resolve("logs").resolve(process + ".log");
    }

    public Optional<Client> client() throws IOException {
        return read("client.json", Client.class);
    }

    public void save(Client client) throws IOException {
        write("client.json", client);
    }

    public Optional<Up> up() throws IOException {
        return read("up.json", Up.class);
    }

    public void save(Up up) throws IOException {
        write("up.json", up);
    }

    public void forgetUp() throws IOException {
        Files.deleteIfExists(root.resolve("up.json"));
    }

    /** Makes the directory and its logs' directory, for the owner only where the file system can say so. */
    public void create() throws IOException {
        Files.createDirectories(root.resolve("logs"));
        if (posix()) {
            Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwx------"));
        }
    }

    private <T> Optional<T> read(String name, Class<T> type) throws IOException {
        Path file = root.resolve(name);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            return Optional.of(json.readValue(Files.readAllBytes(file), type));
        } catch (JacksonException e) {
            throw new IOException(file + " is damaged; delete it and try again");
        }
    }

    private void write(String name, Object value) throws IOException {
        Files.createDirectories(root);
        Path fresh = Files.createTempFile(root, name, ".new"); // temporary files are the owner's only (0600)
        Files.write(fresh, json.writerWithDefaultPrettyPrinter().writeValueAsBytes(value));
        Files.move(fresh, root.resolve(name), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    boolean posix() {
        return root.getFileSystem().supportedFileAttributeViews().contains("posix");
    }
}
