package dev.isoflop.cli.chaos;

import java.io.IOException;

/** POSIX signals, by the system's own {@code kill}. */
final class Signals {

    private Signals() {}

    /** False if there is no such process any more. */
    static boolean send(String signal, long pid) throws IOException, InterruptedException {
        return new ProcessBuilder("kill", "-" + signal, Long.toString(pid))
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start()
                        .waitFor()
                == 0;
    }
}
