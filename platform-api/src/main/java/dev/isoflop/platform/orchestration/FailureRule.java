package dev.isoflop.platform.orchestration;

import java.util.regex.Pattern;

/**
 * One line of the table that failures are judged by.
 *
 * @param name shown with every verdict
 * @param pattern found in one of the lines of evidence
 * @param verdict what the failure is then
 * @param place what is done about the place it happened at
 */
record FailureRule(String name, Pattern pattern, FailureClass verdict, Place place) {

    /** What becomes of the host and devices that an attempt failed at. */
    enum Place {
        KEEP,
        /** The run is kept away from it for a while, and it counts towards setting the place aside. */
        AVOID,
        /** Nothing is granted to it any more until somebody has looked. */
        SET_ASIDE
    }

    static FailureRule of(String name, String pattern, FailureClass verdict, Place place) {
        return new FailureRule(name, Pattern.compile(pattern), verdict, place);
    }
}
