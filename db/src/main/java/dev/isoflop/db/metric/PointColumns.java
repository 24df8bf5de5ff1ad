package dev.isoflop.db.metric;

import java.util.Arrays;

/**
 * Points of one series of one attempt, steps strictly increasing, as three columns that share an index.
 *
 * <p>Grows by appending; not safe for use by several threads.
 */
final class PointColumns {

    private long[] steps;
    private long[] times;
    private double[] values;
    private int size;

    PointColumns(int capacity) {
        steps = new long[capacity];
        times = new long[capacity];
        values = new double[capacity];
    }

    int size() {
        return size;
    }

    long step(int i) {
        return steps[i];
    }

    long time(int i) {
        return times[i];
    }

    double value(int i) {
        return values[i];
    }

    void add(long step, long time, double value) {
        if (size == steps.length) {
            grow(size + 1);
        }
        steps[size] = step;
        times[size] = time;
        values[size] = value;
        size++;
    }

    void addAll(long[] moreSteps, long[] moreTimes, double[] moreValues) {
        grow(size + moreSteps.length);
        System.arraycopy(moreSteps, 0, steps, size, moreSteps.length);
        System.arraycopy(moreTimes, 0, times, size, moreSteps.length);
        System.arraycopy(moreValues, 0, values, size, moreSteps.length);
        size += moreSteps.length;
    }

    /** The points from step {@code lo} to step {@code hi}, both included; this itself where all are. */
    PointColumns between(long lo, long hi) {
        if (size > 0 && steps[0] >= lo && steps[size - 1] <= hi) {
            return this;
        }
        PointColumns cut = new PointColumns(size);
        for (int i = 0; i < size; i++) {
            if (steps[i] >= lo && steps[i] <= hi) {
                cut.add(steps[i], times[i], values[i]);
            }
        }
        return cut;
    }

    int finite() {
        int n = 0;
        for (int i = 0; i < size; i++) {
            n += Double.isFinite(values[i]) ? 1 : 0;
        }
        return n;
    }

    /** Both in order of step; where both have a step, {@code newer} wins. */
    static PointColumns merge(PointColumns older, PointColumns newer) {
        PointColumns merged = new PointColumns(older.size + newer.size);
        int i = 0;
        int j = 0;
        while (i < older.size || j < newer.size) {
            boolean takeOlder = j == newer.size || (i < older.size && older.steps[i] < newer.steps[j]);
            if (takeOlder) {
                merged.add(older.steps[i], older.times[i], older.values[i]);
                i++;
            } else {
                if (i < older.size && older.steps[i] == newer.steps[j]) {
                    i++;
                }
                merged.add(newer.steps[j], newer.times[j], newer.values[j]);
                j++;
            }
        }
        return merged;
    }

    private void grow(int needed) {
        if (needed > steps.length) {
            int capacity = Math.max(needed, steps.length + (steps.length >> 1) + 8);
            steps = Arrays.copyOf(steps, capacity);
            times = Arrays.copyOf(times, capacity);
            values = Arrays.copyOf(values, capacity);
        }
    }
}
