package dev.isoflop.platform.database;

import dev.isoflop.platform.CannotStartException;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.util.FileSystemUtils;

/**
 * A real PostgreSQL, run as a child process on a free loopback port, its data kept under the product's home.
 *
 * <p>Crash behaviour: a platform that was killed leaves the server behind or its data directory unclean. The next start
 * stops a server left behind (it holds the data directory) and lets PostgreSQL recover from its log. A first start that
 * was cut short leaves a mark beside a data directory that never was whole; the next one makes it anew. A platform told to
 * end while it is starting takes what it has started with it ({@link Start}).
 *
 * <p>A server that ends while the platform is up, killed for memory perhaps, is started again at the same address; until then requests
 * fail as with any database that is away.
 *
 * <p>Concurrency: a lock file keeps a second platform off the same home; the lock ends with the process.
 */
final class EmbeddedDatabase implements AutoCloseable {

    static final String USER = "postgres";

    private static final Duration STARTUP = Duration.ofSeconds(60);

    private static final Duration LOOK = Duration.ofMillis(250);
    private static final Duration BETWEEN_STARTS = Duration.ofSeconds(1);

    /** Of a command line, in double quotes or not. */
    private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|\\S+");

    private static final Logger log = LoggerFactory.getLogger(EmbeddedDatabase.class);

    private final FileChannel lockFile;
    private final Path data;
    private final String password;
    private final int port;
    private final Thread guard;
    private final EmbeddedPostgres postgres;
    /** The server, once it has been started again. Guarded by this. */
    private @Nullable Process again;
    /** Nothing is started any more. Guarded by this. */
    private boolean closing;

    private EmbeddedDatabase(FileChannel lockFile, Path data, EmbeddedPostgres postgres, String password) {
        this.lockFile = lockFile;
        this.data = data;
        this.postgres = postgres;
        this.password = password;
        this.port = postgres.getPort();
        this.guard = Thread.ofPlatform().name("database-guard").daemon().start(this::keepUp);
    }

    /**
     * @param home the product's directory
     * @param port to listen on; 0 takes a free one
     * @throws CannotStartException if another platform uses that directory
     */
    static EmbeddedDatabase start(Path home, int port) {
        Path directory = home.toAbsolutePath().resolve("postgres");
        try {
            Files.createDirectories(directory);
            FileChannel lockFile = lock(directory.resolve("platform.lock"), home);
            try {
                Path data = directory.resolve("data");
                Orphan.stop(data);
                Path unfinished = directory.resolve("initialising");
                if (Files.exists(unfinished)) {
                    FileSystemUtils.deleteRecursively(data);
                } else if (!Files.exists(data)) {
                    Files.createFile(unfinished);
                }
                Path passwordFile = directory.resolve("password");
                String password = password(passwordFile);
                EmbeddedPostgres.Builder builder = EmbeddedPostgres.builder()
                        .setOverrideWorkingDirectory(
                                directory.resolve("binaries").toFile())
                        // other users of the machine can reach the port: they would need the password
                        .setLocaleConfig("auth", "scram-sha-256")
                        .setLocaleConfig("pwfile", passwordFile.toString())
                        .setConnectConfig("password", password)
                        .setDataDirectory(data)
                        .setCleanDataDirectory(false)
                        // Spring closes the pool first and this bean after it: the library's own hook would race that
                        .setRegisterShutdownHook(false)
                        .setPGStartupWait(STARTUP)
                        .setServerConfig("max_connections", "100")
                        .setServerConfig("shared_buffers", "256MB")
                        .setServerConfig("max_wal_size", "2GB")
                        // a list that is read in parallel takes the processors from the claims; by itself it is fast
                        // enough
                        .setServerConfig("max_parallel_workers_per_gather", "0")
                        // pages lie in memory or on a solid disk: an index is worth its use before a table is half as
                        // large
                        .setServerConfig("random_page_cost", "1.1")
                        .setServerConfig("listen_addresses", "127.0.0.1")
                        // nothing uses one, and the lock of a killed server's keeps the next from its port where nobody
                        // reaps the dead
                        .setServerConfig("unix_socket_directories", "")
                        // the library is made for tests and turns durability off; ours is the only copy of the data
                        .setServerConfig("fsync", "on")
                        .setServerConfig("synchronous_commit", "on")
                        .setServerConfig("full_page_writes", "on")
                        .setPort(port);
                EmbeddedPostgres postgres;
                try (Start start = new Start(data)) {
                    postgres = builder.start();
                }
                Files.deleteIfExists(unfinished);
                return new EmbeddedDatabase(lockFile, data, postgres, password);
            } catch (IOException | RuntimeException e) {
                lockFile.close();
                throw e;
            }
        } catch (IOException e) {
            throw new CannotStartException(
                    "The embedded PostgreSQL under " + directory + " did not start: " + e.getMessage(), e);
        }
    }

    /** The server of a platform that is running now. */
    record Running(String url, String password) {}

    /** Whether there is a database under that home. */
    static boolean exists(Path home) {
        return Files.isDirectory(home.resolve("postgres").resolve("data"));
    }

    /** The server under that home, if a platform is running it. */
    static Optional<Running> running(Path home) {
        Path directory = home.resolve("postgres");
        try {
            if (!isLocked(directory.resolve("platform.lock"))) {
                return Optional.empty();
            }
            // PostgreSQL's own file: process, directory, start time, port …
            List<String> lines = Files.readAllLines(directory.resolve("data").resolve("postmaster.pid"));
            if (lines.size() < 4) {
                throw new CannotStartException("The PostgreSQL under " + directory + " is just starting; try again.");
            }
            return Optional.of(
                    new Running(url(Integer.parseInt(lines.get(3).strip())), password(directory.resolve("password"))));
        } catch (NoSuchFileException e) {
            throw new CannotStartException(
                    "The PostgreSQL under " + directory + " is just starting or stopping; try again.", e);
        } catch (IOException e) {
            throw new CannotStartException("Cannot read " + directory + ": " + e.getMessage(), e);
        }
    }

    private static boolean isLocked(Path file) throws IOException {
        if (!Files.exists(file)) {
            return false;
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            FileLock lock = channel.tryLock();
            return lock == null;
        } catch (OverlappingFileLockException e) {
            return true;
        }
    }

    private static FileChannel lock(Path file, Path home) throws IOException {
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        @Nullable FileLock lock;
        try {
            lock = channel.tryLock();
        } catch (OverlappingFileLockException e) {
            lock = null;
        }
        if (lock == null) {
            channel.close();
            throw new CannotStartException("Another platform is running on " + home
                    + "; stop it with `isoflop down`, or choose another directory with --home.");
        }
        return channel;
    }

    String url() {
        return url(port);
    }

    private static String url(int port) {
        return "jdbc:postgresql://127.0.0.1:" + port + "/postgres";
    }

    String user() {
        return USER;
    }

    String password() {
        return password;
    }

    /** Made once, for the owner's eyes only; the server is initialised with it. */
    private static String password(Path file) throws IOException {
        if (!Files.exists(file)) {
            byte[] random = new byte[32];
            new SecureRandom().nextBytes(random);
            Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            Files.writeString(file, HexFormat.of().formatHex(random));
        }
        return Files.readString(file).strip();
    }

    /** Starts the server again, at its address, whenever it has ended without being told to. */
    private void keepUp() {
        try {
            while (!isClosing()) {
                if (isUp() || isClosing()) {
                    Thread.sleep(LOOK);
                    continue;
                }
                log.error("PostgreSQL has ended by itself; starting it again");
                Process started = startAgain();
                if (started != null) {
                    int code = started.waitFor();
                    log.info("PostgreSQL (pid {}) has ended with {}", started.pid(), code);
                }
                Thread.sleep(BETWEEN_STARTS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean isUp() {
        try {
            return Orphan.running(data).isPresent();
        } catch (IOException e) {
            return false; // it deletes the file at its end
        }
    }

    private synchronized boolean isClosing() {
        return closing;
    }

    /** As it was started, by the command line it has noted; null if it cannot be, or must not. */
    private synchronized @Nullable Process startAgain() {
        if (closing) {
            return null;
        }
        try {
            Orphan.stop(data);
            List<String> command = new ArrayList<>();
            if (Files.getAttribute(Path.of("/proc/self"), "unix:uid") instanceof Integer uid && uid == 0) {
                command.addAll(List.of("unshare", "-U")); // it refuses to work as root; the library does the same
            }
            Matcher words = WORD.matcher(Files.readString(data.resolve("postmaster.opts")));
            while (words.find()) {
                command.add(words.group(1) == null ? words.group() : words.group(1));
            }
            again = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.INHERIT)
                    .start();
            return again;
        } catch (IOException | RuntimeException e) {
            log.error("PostgreSQL does not start", e);
            return null;
        }
    }

    @Override
    public void close() {
        Process last;
        synchronized (this) {
            closing = true;
            last = again;
        }
        guard.interrupt();
        try {
            postgres.close();
            if (last != null && last.isAlive()) {
                last.destroyForcibly(); // so young that it could not be told
                Orphan.stop(data);
            }
            lockFile.close();
        } catch (IOException e) {
            throw new UncheckedIOException("the embedded PostgreSQL did not stop cleanly", e);
        }
    }
}
