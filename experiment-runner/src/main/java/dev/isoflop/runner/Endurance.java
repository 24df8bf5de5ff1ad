package dev.isoflop.runner;

import java.time.Duration;

/**
 * What a runner bears without help.
 *
 * @param outage how long work goes on while no heartbeat is answered; the lease, less its margin, if that is longer
 * @param spoolBytes most bytes of metrics kept on disk for one attempt while they are not taken; work pauses at that bound
 * @param diskReserveBytes of its work directory's disk that are to stay free: below, it claims nothing and writes no checkpoint
 * @param stall when work that is alive but gets nowhere is ended
 * @param keptFor how long a checkpoint that could not be delivered is kept for a later attempt
 */
record Endurance(Duration outage, long spoolBytes, long diskReserveBytes, Duration keptFor, StallWatch.Settings stall) {

    static final Endurance STANDARD =
            new Endurance(Duration.ofHours(2), 256L << 20, 1L << 30, Duration.ofDays(7), StallWatch.Settings.STANDARD);

    Endurance {
        if (outage.isNegative() || spoolBytes < 1 || diskReserveBytes < 0) {
            throw new IllegalArgumentException("an outage, a spool and a reserve are not negative");
        }
    }
}
