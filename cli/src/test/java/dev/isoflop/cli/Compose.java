package dev.isoflop.cli;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

/** The repository's compose file under a project name of its own, with the engine and the compose that this machine has. */
final class Compose implements AutoCloseable {

    private static final Map<String, String> IMAGES =
            Map.of("ISOFLOP_JAVA_IMAGE", "eclipse-temurin:25-jre", "ISOFLOP_POSTGRES_IMAGE", "postgres:18");

    final String project = "isoflop-it-" + UUID.randomUUID().toString().substring(0, 8);
    final int port;
    private final List<String> program;
    private final Map<String, String> settings;

    private Compose(List<String> program, Path corpora) throws IOException {
        this.program = program;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            this.port = socket.getLocalPort();
        }
        this.settings = Map.of("ISOFLOP_PORT", Integer.toString(port), "ISOFLOP_CORPORA", corpora.toString());
    }

    record Output(int status, String text) {

        String orThrow() {
            if (status != 0) {
                throw new AssertionError(text);
            }
            return text;
        }
    }

    /** Why it cannot be run here; nothing if it can. */
    static Optional<String> missing() throws Exception {
        if (!runs("docker", "info")) {
            return Optional.of("no container engine answers (docker info)");
        }
        if (program().isEmpty()) {
            return Optional.of("there is neither docker compose nor docker-compose");
        }
        for (Map.Entry<String, String> image : IMAGES.entrySet()) {
            String name = System.getenv().getOrDefault(image.getKey(), image.getValue());
            if (!runs("docker", "image", "inspect", name) && !runs("docker", "pull", "--quiet", name)) {
                return Optional.of("the image " + name
                        + " cannot be had; docker/base-images makes one from Debian's packages, to be named by "
                        + image.getKey());
            }
        }
        return Optional.empty();
    }

    /** @param corpora directory that runners see as {@code /corpora} */
    static Compose of(Path corpora) throws Exception {
        return new Compose(program().orElseThrow(), corpora);
    }

    private static Optional<List<String>> program() throws Exception {
        if (runs("docker", "compose", "version")) {
            return Optional.of(List.of("docker", "compose"));
        }
        return runs("docker-compose", "version") ? Optional.of(List.of("docker-compose")) : Optional.empty();
    }

    private static boolean runs(String... command) throws Exception {
        try {
            return run(List.of(command), Map.of(), 120).status() == 0;
        } catch (IOException e) {
            return false; // there is no such program
        }
    }

    /** What compose says to that, its status 0. */
    String compose(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(program);
        command.addAll(List.of("--project-name", project));
        command.addAll(List.of(arguments));
        return run(command, settings, 400).orThrow();
    }

    /** What a command says that is run in a service's container. */
    Output exec(String service, String... command) throws Exception {
        List<String> all = new ArrayList<>(List.of("docker", "exec", container(service)));
        all.addAll(List.of(command));
        return run(all, Map.of(), 60);
    }

    String container(String service) throws Exception {
        return docker(
                        "ps",
                        "--all",
                        "--quiet",
                        "--filter",
                        "label=com.docker.compose.project=" + project,
                        "--filter",
                        "label=com.docker.compose.service=" + service)
                .strip();
    }

    String inspect(String service, String format) throws Exception {
        return docker("inspect", "--format", format, container(service)).strip();
    }

    /** What of the project is there: its containers, volumes and networks. */
    String leftovers() throws Exception {
        String filter = "label=com.docker.compose.project=" + project;
        return docker("ps", "--all", "--quiet", "--filter", filter)
                + docker("volume", "ls", "--quiet", "--filter", filter)
                + docker("network", "ls", "--quiet", "--filter", filter);
    }

    static String docker(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of("docker"));
        command.addAll(List.of(arguments));
        return run(command, Map.of(), 60).orThrow();
    }

    private static Output run(List<String> command, Map<String, String> environment, int seconds) throws Exception {
        Path file = Files.createTempFile("isoflop-compose", ".log");
        try {
            ProcessBuilder builder = new ProcessBuilder(command)
                    .directory(Processes.ROOT.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(file.toFile());
            builder.environment().putAll(environment);
            Process process = builder.start();
            process.getOutputStream().close();
            if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError(
                        String.join(" ", command) + " took longer than " + seconds + " s:\n" + Files.readString(file));
            }
            return new Output(process.exitValue(), Files.readString(file, StandardCharsets.UTF_8));
        } finally {
            Files.deleteIfExists(file);
        }
    }

    /** Removes containers, networks, volumes and the images that were built. */
    @Override
    public void close() throws Exception {
        compose("down", "--volumes", "--remove-orphans", "--rmi", "local");
    }
}
