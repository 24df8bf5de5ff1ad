package dev.isoflop.runner.trace;

/** Something an attempt is at, from its making until it is closed. */
public interface Phase extends AutoCloseable {

    /** Of an attempt that is not traced, or one of too many. */
    Phase NONE = new Phase() {
        @Override
        public Phase with(String name, long value) {
            return this;
        }

        @Override
        public void close() {}
    };

    /** Notes a number with it. */
    Phase with(String name, long value);

    @Override
    void close();
}
