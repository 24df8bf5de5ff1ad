package dev.isoflop.db.runner;

/**
 * How PostgreSQL is to plan what claims and heartbeats do. Their statements find a handful of rows by keys, whatever the tables hold, so
 * one plan serves for ever and goes by indexes. Left to itself the server plans a claim anew each time, which takes as long as the claim, or keeps plans made
 * while leases and runners were few that read those tables from end to end.
 */
final class ByKey {

    /** Columns for the transaction's first statement; they hold for the statements after it, until the transaction ends. */
    static final String SETTINGS =
            ", set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true)";

    private ByKey() {}
}
