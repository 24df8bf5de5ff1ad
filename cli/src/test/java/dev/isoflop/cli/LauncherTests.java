package dev.isoflop.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The launcher where a tool it needs is missing: one sentence and a failure, before anything is built or started. It runs as a
 * copy in a directory of its own, so that it finds no build, with a PATH of the tools it is written with and no others, and
 * with the places where systems keep their JDKs replaced by a directory of the test's.
 */
class LauncherTests {

    private static final List<String> TOOLS =
            List.of("bash", "sed", "head", "find", "ls", "date", "mkdir", "tee", "rm", "mv", "readlink", "dirname");
    private static final String PLACES = "for candidate in /usr/lib/jvm/* /usr/java/* /opt/java/* ";

    @TempDir
    Path directory;

    private Path path;
    private Path bash;

    private record Ended(int code, String said) {}

    @BeforeEach
    void copyTheLauncher() throws IOException {
        assumeTrue(!System.getProperty("os.name").startsWith("Windows"), "the launcher is a shell script");
        path = Files.createDirectories(directory.resolve("bin"));
        for (String tool : TOOLS) {
            Path found = List.of("/usr/bin", "/bin").stream()
                    .map(place -> Path.of(place, tool))
                    .filter(Files::isExecutable)
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("no " + tool + " in /usr/bin or /bin"));
            Files.createSymbolicLink(path.resolve(tool), found);
        }
        bash = path.resolve("bash");
        String launcher = Files.readString(Processes.ROOT.resolve("isoflop"));
        assertThat(launcher).contains(PLACES);
        Files.writeString(
                directory.resolve("isoflop"),
                launcher.replace(PLACES, "for candidate in " + directory.resolve("jdks") + "/* "));
    }

    private Ended run(Map<String, String> environment) throws IOException, InterruptedException {
        Path out = directory.resolve("out.txt");
        ProcessBuilder builder = new ProcessBuilder(
                        bash.toString(), directory.resolve("isoflop").toString(), "demo", "--exit")
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(out.toFile());
        builder.environment().clear();
        builder.environment().put("PATH", path.toString());
        builder.environment().put("HOME", directory.toString());
        builder.environment().putAll(environment);
        Process process = builder.start();
        try {
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).as("it ends").isTrue();
        } finally {
            process.destroyForcibly();
        }
        return new Ended(process.exitValue(), Files.readString(out));
    }

    private static Map<String, String> thisJdk() {
        return Map.of("JAVA_HOME", System.getProperty("java.home"));
    }

    private static void script(Path file, String content) throws IOException {
        Files.createDirectories(file.getParent());
        Files.write(file, ("#!/bin/sh\n" + content + "\n").getBytes(StandardCharsets.UTF_8));
        assertThat(file.toFile().setExecutable(true)).isTrue();
    }

    /** A JDK that says it is of that version, and does nothing else. */
    private static void jdk(Path home, String version) throws IOException {
        for (String tool : List.of("java", "javac")) {
            script(home.resolve("bin").resolve(tool), "echo 'openjdk version \"" + version + "\" 2024-10-15' >&2");
        }
    }

    private static void assertOneSentence(Ended ended, String about) {
        assertThat(ended.code).as(ended.said).isEqualTo(1);
        assertThat(ended.said.lines()).hasSize(1);
        assertThat(ended.said).contains(about);
    }

    @Test
    void withoutAJdkItNamesOneAndWhereToHaveIt() throws Exception {
        assertOneSentence(run(Map.of()), "needs a JDK 25 or newer: install");
        assertOneSentence(run(Map.of("JAVA_HOME", "/nowhere")), "set JAVA_HOME");
    }

    @Test
    void anOlderJdkIsNone() throws Exception {
        jdk(directory.resolve("old"), "21.0.5");
        jdk(directory.resolve("jdks/older"), "17.0.1");
        assertOneSentence(
                run(Map.of("JAVA_HOME", directory.resolve("old").toString())), "needs a JDK 25 or newer: install");
    }

    @Test
    void anOlderJdkDoesNotHideAFittingOne() throws Exception {
        jdk(directory.resolve("old"), "21.0.5");
        jdk(directory.resolve("jdks/new"), "25.0.1");
        assertOneSentence(
                run(Map.of("JAVA_HOME", directory.resolve("old").toString())), "Building the dashboard needs Node 20");
    }

    @Test
    void withoutNodeItNamesItAndWhereToHaveIt() throws Exception {
        assertOneSentence(run(thisJdk()), "Building the dashboard needs Node 20 or newer with npm: install it");
    }

    @Test
    void anOlderOrBrokenNodeIsNone() throws Exception {
        script(path.resolve("npm"), "exit 0");
        for (String node : List.of("echo v18.19.0", "exit 1", "echo gibberish")) {
            script(path.resolve("node"), node);
            assertOneSentence(run(thisJdk()), "Node 20 or newer");
        }
    }

    @Test
    void nodeWithoutNpmIsNotEnough() throws Exception {
        script(path.resolve("node"), "echo v22.1.0");
        assertOneSentence(run(thisJdk()), "with npm");
    }
}
