package dev.isoflop.db.metric;

/** Finite points taken together: how many, the last of them, and their range. Points come in order of step. */
final class Bucket {

    private long count;
    private long step;
    private long time;
    private double last;
    private double min = Double.POSITIVE_INFINITY;
    private double max = Double.NEGATIVE_INFINITY;

    void add(long pointStep, long pointTime, double value) {
        count++;
        step = pointStep;
        time = pointTime;
        last = value;
        min = Math.min(min, value);
        max = Math.max(max, value);
    }

    /** Adds a block as {@link #write} left it; later in step than everything before. */
    void addBlock(double[] blocks, int at) {
        long n = (long) blocks[at];
        if (n == 0) {
            return;
        }
        count += n;
        step = (long) blocks[at + 1];
        time = (long) blocks[at + 2];
        last = blocks[at + 3];
        min = Math.min(min, blocks[at + 4]);
        max = Math.max(max, blocks[at + 5]);
    }

    /** Steps and times are below 2⁵³, hence exact as doubles. */
    void write(double[] blocks, int at) {
        blocks[at] = count;
        blocks[at + 1] = step;
        blocks[at + 2] = time;
        blocks[at + 3] = last;
        blocks[at + 4] = isEmpty() ? 0 : min;
        blocks[at + 5] = isEmpty() ? 0 : max;
    }

    boolean isEmpty() {
        return count == 0;
    }

    long step() {
        return step;
    }

    long time() {
        return time;
    }

    double last() {
        return last;
    }

    double min() {
        return min;
    }

    double max() {
        return max;
    }
}
