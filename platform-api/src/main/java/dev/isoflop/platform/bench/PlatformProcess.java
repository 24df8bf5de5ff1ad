package dev.isoflop.platform.bench;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The platform as people run it, main class and all, in a JVM of its own, so that its memory can be told from the load's.
 *
 * <p>It is told to end, and waited for, when this is closed; a JVM that ends otherwise ends it too.
 */
final class PlatformProcess implements AutoCloseable {

    private static final int START_SECONDS = 180;
    private static final Pattern READY = Pattern.compile("ISOFLOP_READY url=(\\S+)");
    private static final Pattern TOKEN = Pattern.compile("ISOFLOP_ADMIN_TOKEN=(\\S+)");
    private static final Pattern KILOBYTES = Pattern.compile("(\\d+) kB");

    private final Process process;
    private final Thread hook;
    private final Path pidFile;
    private final String url;
    private final String adminToken;

    private PlatformProcess(Process process, Thread hook, Path pidFile, String url, String adminToken) {
        this.process = process;
        this.hook = hook;
        this.pidFile = pidFile;
        this.url = url;
        this.adminToken = adminToken;
    }

    /**
     * Starts it and waits until it is ready.
     *
     * @param jvm flags
     * @param arguments settings beyond home and port, as on its command line
     */
    static PlatformProcess start(Path home, List<String> jvm, List<String> arguments)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(jvm);
        command.addAll(List.of("-cp", classPath()));
        command.add("dev.isoflop.platform.PlatformApplication");
        // whoever kept the home has a token no more
        command.addAll(List.of("--isoflop.home=" + home, "--server.port=0", "--isoflop.admin-token.reset=true"));
        command.addAll(arguments);
        Path log = home.resolve("bench-platform.log");
        Files.deleteIfExists(log);
        Process process = new ProcessBuilder(command)
                .directory(home.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        Thread hook = new Thread(() -> end(process), "stop-platform");
        Runtime.getRuntime().addShutdownHook(hook);
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
        while (process.isAlive() && System.nanoTime() < end) {
            String text = Files.readString(log, StandardCharsets.UTF_8);
            String url = found(READY, text);
            String token = found(TOKEN, text);
            if (url != null && token != null) {
                return new PlatformProcess(
                        process, hook, home.resolve("postgres/data/postmaster.pid"), url + "/api/v1", token);
            }
            Thread.sleep(100);
        }
        end(process);
        String text = Files.readString(log, StandardCharsets.UTF_8);
        throw new IOException("the platform did not start; the end of its log:\n"
                + text.substring(Math.max(0, text.length() - 4_000)));
    }

    /** This JVM's, for another working directory. */
    private static String classPath() {
        return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator, -1))
                .map(entry -> new File(entry).getAbsolutePath())
                .collect(Collectors.joining(File.pathSeparator));
    }

    private static @Nullable String found(Pattern pattern, String text) {
        Matcher matcher = pattern.matcher(text);
        return matcher.find() ? matcher.group(1) : null;
    }

    /** Of its API, version included. */
    String url() {
        return url;
    }

    /** Without the API's path. */
    String root() {
        return url.substring(0, url.length() - "/api/v1".length());
    }

    String adminToken() {
        return adminToken;
    }

    /** Bytes of memory that are its own now; -1 where the system does not tell. */
    long residentBytes() {
        return status("VmRSS");
    }

    /** The most it ever was. */
    long peakResidentBytes() {
        return status("VmHWM");
    }

    /** Processor time so far of this JVM, of the platform's, and of the database it has started. */
    Phase.Cpu cpu() {
        return new Phase.Cpu(seconds(ProcessHandle.current()), seconds(process.toHandle()), database());
    }

    /** Of the server and its processes that are there now; it is nobody's child. */
    private double database() {
        try {
            long pid = Long.parseLong(Files.readAllLines(pidFile).getFirst().strip());
            return ProcessHandle.of(pid).stream()
                    .flatMap(server -> Stream.concat(Stream.of(server), server.descendants()))
                    .mapToDouble(PlatformProcess::seconds)
                    .sum();
        } catch (IOException | NumberFormatException e) {
            return 0; // just starting
        }
    }

    private static double seconds(ProcessHandle process) {
        return process.info().totalCpuDuration().map(d -> d.toNanos() / 1e9).orElse(0.0);
    }

    private long status(String key) {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/" + process.pid() + "/status"))) {
                Matcher matcher = KILOBYTES.matcher(line);
                if (line.startsWith(key + ":") && matcher.find()) {
                    return Long.parseLong(matcher.group(1)) << 10;
                }
            }
        } catch (IOException e) {
            return -1; // no /proc here, or it has just ended
        }
        return -1;
    }

    @Override
    public void close() {
        end(process);
        Runtime.getRuntime().removeShutdownHook(hook);
    }

    private static void end(Process process) {
        process.destroy();
        try {
            if (!process.waitFor(60, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
