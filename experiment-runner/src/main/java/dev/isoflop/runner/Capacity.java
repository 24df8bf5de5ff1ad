package dev.isoflop.runner;

/** What limits how much work a runner takes, beside its slots. */
interface Capacity {

    /** Runs worth taking now; may be more than there are slots. */
    int room();

    /** Bytes that work may still take, where it trains. */
    long freeMemoryBytes();

    /** The processor and the machine's memory: slots are the only limit to the number of runs. */
    static Capacity ofMachine() {
        return new Capacity() {
            @Override
            public int room() {
                return Integer.MAX_VALUE;
            }

            @Override
            public long freeMemoryBytes() {
                return Machine.freeMemoryBytes();
            }
        };
    }
}
