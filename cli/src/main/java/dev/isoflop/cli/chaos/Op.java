package dev.isoflop.cli.chaos;

/**
 * One thing a runner asked of the platform about one attempt, as seen between the two.
 *
 * @param kind what was asked
 * @param run the run
 * @param attempt the attempt it names, or was given
 * @param who the runner, and for a grant the key of its claim
 * @param sentNanos when it was passed on to the platform
 * @param answeredNanos when the platform's answer came back; {@link Long#MAX_VALUE} if none did
 * @param answer what the platform said
 */
record Op(Kind kind, long run, int attempt, String who, long sentNanos, long answeredNanos, Answer answer) {

    enum Kind {
        /** The attempt was handed out. */
        GRANT,
        /** A heartbeat was told that its runner holds the attempt. */
        HELD,
        /** Start, metrics, log, checkpoint or profile: anything behind the fence. */
        WRITE,
        /** The report of its end. */
        FINISH
    }

    enum Answer {
        ACCEPTED,
        /** Refused: the attempt has lost its run. */
        STALE,
        /** No answer, or one that says nothing about the lease, such as an error of the server: it may have had its effect. */
        UNKNOWN
    }
}
