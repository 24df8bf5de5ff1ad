package dev.isoflop.platform.bench;

/**
 * Where the seeded data lies: which ids are what.
 *
 * @param firstRun smallest id; the runs' ids are consecutive
 * @param ended the first so many runs have ended, the others are queued
 * @param runs how many there are
 * @param firstSweep smallest id; consecutive, too, of {@value Seeder#RUNS_PER_SWEEP} runs each
 * @param sweeps how many there are
 * @param firstExperiment smallest id; consecutive
 * @param experiments how many there are; sweeps go to them in turn
 * @param points of metrics stored
 * @param longPoints in each series of a long run
 */
record SeededData(
        long firstRun,
        int ended,
        int runs,
        long firstSweep,
        int sweeps,
        long firstExperiment,
        int experiments,
        long points,
        int longPoints) {

    /** A run of the long ones, by number. */
    long longRun(int i) {
        return firstRun + Math.floorMod(i, Seeder.LONG_RUNS) * (long) (ended / Seeder.LONG_RUNS);
    }
}
