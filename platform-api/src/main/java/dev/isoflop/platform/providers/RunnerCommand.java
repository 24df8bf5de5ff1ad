package dev.isoflop.platform.providers;

import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** How the runner that was built beside this platform is started. */
final class RunnerCommand {

    private static final String MODULE = "experiment-runner";

    private RunnerCommand() {}

    /** Java and the class path; empty if the runner is not there: then {@code command} of the pool must say. */
    static List<String> beside() {
        try {
            // …/platform-api/target/platform-api-x.jar or …/platform-api/target/classes
            Path own = Path.of(RunnerCommand.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI());
            Path module = own.getParent() == null ? null : own.getParent().getParent();
            Path root = module == null ? null : module.getParent();
            return root == null ? List.of() : of(root.resolve(MODULE).resolve("target"));
        } catch (URISyntaxException | IOException | RuntimeException e) {
            return List.of();
        }
    }

    private static List<String> of(Path target) throws IOException {
        if (!Files.isDirectory(target)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(target)) {
            return files.filter(f -> f.getFileName().toString().matches(MODULE + "-.*\\.jar"))
                    .filter(f -> !f.getFileName().toString().matches(".*-(sources|javadoc|tests)\\.jar"))
                    .findFirst()
                    .map(jar -> List.of(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "--add-modules",
                            "jdk.incubator.vector",
                            "--enable-native-access=ALL-UNNAMED",
                            "-XX:+UseTransparentHugePages",
                            "-cp",
                            jar + File.pathSeparator + target.resolve("lib") + File.separator + "*",
                            "dev.isoflop.runner.RunnerMain"))
                    .orElse(List.of());
        }
    }
}
