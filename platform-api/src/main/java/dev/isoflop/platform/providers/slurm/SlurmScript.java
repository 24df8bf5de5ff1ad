package dev.isoflop.platform.providers.slurm;

import java.util.List;
import java.util.stream.Collectors;

/** The batch script of a runner. */
final class SlurmScript {

    private static final String TEMPLATE = """
            #!/bin/sh
            # A runner of Isoflop. It takes the place of this shell, so that the signal before the time limit, which goes
            # to the batch shell alone, is the runner's: it checkpoints what runs and ends. Its token comes by the
            # environment.
            umask 077
            mkdir -p %s
            exec %s
            """;

    private SlurmScript() {}

    static String of(String workDirectory, List<String> command) {
        return TEMPLATE.formatted(
                quoted(workDirectory), command.stream().map(SlurmScript::quoted).collect(Collectors.joining(" ")));
    }

    /** One word to a POSIX shell, whatever is in it. */
    static String quoted(String word) {
        if (word.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("a NUL cannot be part of a command");
        }
        return "'" + word.replace("'", "'\\''") + "'";
    }
}
