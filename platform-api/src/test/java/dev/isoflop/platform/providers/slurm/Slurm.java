package dev.isoflop.platform.providers.slurm;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/** A real Slurm of one node, started by {@code .ci/slurm}: two CPUs or more and two GPUs that it only believes in. */
final class Slurm implements AutoCloseable {

    private static final int CANNOT = 77;

    private final Path directory;

    private Slurm(Path directory) {
        this.directory = directory;
    }

    /** Starts it, or skips the test with the reason why not. */
    static Slurm start(Path directory) throws IOException, InterruptedException {
        Slurm slurm = new Slurm(directory);
        StringBuilder said = new StringBuilder();
        int status = run(slurm.script("up"), Map.of(), said);
        Assumptions.assumeTrue(
                status != CANNOT, () -> "no Slurm: " + said.toString().strip());
        assertThat(status).as(said.toString()).isZero();
        slurm.makeTools();
        return slurm;
    }

    private List<String> script(String verb) {
        return List.of(
                Path.of(System.getProperty("isoflop.root"), ".ci", "slurm").toString(), verb, directory.toString());
    }

    /** Slurm's commands with this cluster's configuration: a test cannot change its own environment. */
    Path tools() {
        return directory.resolve("bin");
    }

    Path configuration() {
        return directory.resolve("slurm.conf");
    }

    private void makeTools() throws IOException {
        Files.createDirectories(tools());
        for (String tool : List.of("sbatch", "squeue", "scancel", "scontrol")) {
            Path wrapper = tools().resolve(tool);
            Files.writeString(
                    wrapper, "#!/bin/sh\nSLURM_CONF='" + configuration() + "' exec /usr/bin/" + tool + " \"$@\"\n");
            Files.setPosixFilePermissions(wrapper, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
    }

    String scontrol(String... arguments) throws IOException, InterruptedException {
        List<String> command =
                new ArrayList<>(List.of(tools().resolve("scontrol").toString()));
        command.addAll(List.of(arguments));
        StringBuilder said = new StringBuilder();
        assertThat(run(command, Map.of(), said)).as(said.toString()).isZero();
        return said.toString();
    }

    /** Lets the node take jobs again; it may have come back by itself. */
    void resume() throws IOException, InterruptedException {
        for (int i = 0; i < 100; i++) {
            if (scontrol("show", "node", "node1").contains("State=IDLE ")) {
                return;
            }
            run(
                    List.of(tools().resolve("scontrol").toString(), "update", "nodename=node1", "state=resume"),
                    Map.of(),
                    new StringBuilder());
            Thread.sleep(100);
        }
        assertThat(scontrol("show", "node", "node1")).contains("State=IDLE ");
    }

    private static int run(List<String> command, Map<String, String> environment, StringBuilder said)
            throws IOException, InterruptedException {
        // by a file: the daemons that the script starts must not keep a pipe open
        Path output = Files.createTempFile("slurm", ".out");
        try {
            ProcessBuilder builder =
                    new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
            builder.environment().putAll(environment);
            Process process = builder.start();
            assertThat(process.waitFor(60, TimeUnit.SECONDS))
                    .as(command + " ends")
                    .isTrue();
            said.append(Files.readString(output));
            return process.exitValue();
        } finally {
            Files.delete(output);
        }
    }

    @Override
    public void close() throws IOException, InterruptedException {
        StringBuilder said = new StringBuilder();
        assertThat(run(script("down"), Map.of(), said)).as(said.toString()).isZero();
    }
}
