package dev.isoflop.cli.chaos;

import java.util.Locale;

/** Something done to a part of the system, and for how long. Runners are numbered from 0. */
sealed interface Disturbance {

    /** SIGKILL, and the same runner started again after a while. */
    record KillRunner(int runner, int downMillis) implements Disturbance {}

    /** SIGTERM, and the same runner started again after a while: as a node that is drained. */
    record StopRunner(int runner, int downMillis) implements Disturbance {}

    /** SIGSTOP and SIGCONT. */
    record FreezeRunner(int runner, int millis) implements Disturbance {}

    /** A bad line between a runner and the platform. */
    record Line(int runner, LineFault fault, int millis) implements Disturbance {}

    /** No space left where the runner works. */
    record FillRunnerDisk(int runner, int millis) implements Disturbance {}

    /** The runner's wall clock jumps and stays there. */
    record JumpClock(int runner, long byMillis) implements Disturbance {}

    /** SIGKILL, and started again after a while. */
    record KillPlatform(int downMillis) implements Disturbance {}

    /** SIGTERM, and started again after a while. */
    record RestartPlatform(int downMillis) implements Disturbance {}

    /** PostgreSQL is ended under the platform. */
    record EndDatabase(DatabaseEnd how) implements Disturbance {}

    /** No space left where the platform keeps artifacts. */
    record FillPlatformDisk(int millis) implements Disturbance {}

    enum LineFault {
        /** Connections are closed without an answer, those under way too. */
        CUT,
        /** Requests are taken and nothing ever comes back. */
        SILENT,
        /** Requests arrive and answers do not. */
        LOSE_ANSWERS,
        /** Answers break off in their middle. */
        TEAR_ANSWERS,
        /** Every request takes up to a second and a half longer, so that they overtake each other. */
        DELAY,
        /** Every request arrives twice at once. */
        DUPLICATE,
        /** Every report and claim arrives a second time, up to eight seconds later. */
        REPEAT_LATE
    }

    enum DatabaseEnd {
        /** SIGINT to the postmaster: a fast shutdown, as of an administrator. */
        FAST("INT", false),
        /** SIGQUIT: as at once, with recovery from the log. */
        IMMEDIATE("QUIT", false),
        /** SIGKILL: as the kernel's out-of-memory killer. */
        KILL("KILL", false),
        /** SIGKILL to one connection's process: PostgreSQL then throws out all others and recovers. */
        KILL_BACKEND("KILL", true);

        final String signal;
        final boolean backend;

        DatabaseEnd(String signal, boolean backend) {
            this.signal = signal;
            this.backend = backend;
        }
    }

    /** A few words for the log. */
    default String words() {
        return switch (this) {
            case KillRunner d -> "runner " + d.runner + " killed, back after " + d.downMillis + " ms";
            case StopRunner d -> "runner " + d.runner + " told to end, back " + d.downMillis + " ms after it has";
            case FreezeRunner d -> "runner " + d.runner + " frozen for " + d.millis + " ms";
            case Line d ->
                "line of runner " + d.runner + ": "
                        + d.fault.name().toLowerCase(Locale.ROOT).replace('_', ' ') + " for " + d.millis + " ms";
            case FillRunnerDisk d -> "disk of runner " + d.runner + " full for " + d.millis + " ms";
            case JumpClock d -> "clock of runner " + d.runner + " jumps by " + d.byMillis / 1000 + " s";
            case KillPlatform d -> "platform killed, back after " + d.downMillis + " ms";
            case RestartPlatform d -> "platform told to end, back " + d.downMillis + " ms after it has";
            case EndDatabase d ->
                "PostgreSQL: " + d.how.name().toLowerCase(Locale.ROOT).replace('_', ' ');
            case FillPlatformDisk d -> "disk of the artifacts full for " + d.millis + " ms";
        };
    }

    /** Whether it takes the platform or its database down, and the next such thing has to wait for them to be back. */
    default boolean isCentral() {
        return switch (this) {
            case KillPlatform _, RestartPlatform _, EndDatabase _, FillPlatformDisk _ -> true;
            case KillRunner _, StopRunner _, FreezeRunner _, Line _, FillRunnerDisk _, JumpClock _ -> false;
        };
    }
}
