package dev.isoflop.cli.chaos;

/**
 * What came out of it.
 *
 * @param seed of the script
 * @param runs that were disturbed
 * @param succeeded runs that ended with success
 * @param lost runs that did not
 * @param doubled runs with more than one successful attempt or end
 * @param metricMismatches series that are not those of the undisturbed run
 * @param illegalTransitions events that the run state machine does not allow
 * @param linearizable whether the claims are
 */
record Verdict(
        long seed,
        int runs,
        int succeeded,
        int lost,
        int doubled,
        int metricMismatches,
        int illegalTransitions,
        boolean linearizable) {

    boolean isGood() {
        return succeeded == runs
                && lost == 0
                && doubled == 0
                && metricMismatches == 0
                && illegalTransitions == 0
                && linearizable;
    }
}
