package dev.isoflop.scaling.law;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What was measured, by column: the inputs that laws ask for, the loss, and how points go together. */
public final class LawPoints {

    private final Map<Law.Input, double[]> inputs = new EnumMap<>(Law.Input.class);
    private final double[] loss;
    private final double[] weight;
    private final @Nullable String[] group;
    /** How many points at the end are known instead of measured. */
    private final int anchors;

    private LawPoints(double[] loss, double[] weight, @Nullable String[] group, int anchors) {
        this.loss = loss;
        this.weight = weight;
        this.group = group;
        this.anchors = anchors;
    }

    /**
     * What was measured, without inputs so far.
     *
     * @param measured loss, or what else the law is of
     * @param group what is resampled as one with others of that name; null for a point that is alone
     */
    public static LawPoints measured(double[] measured, @Nullable String[] group) {
        if (measured.length != group.length) {
            throw new IllegalArgumentException(group.length + " groups for " + measured.length + " points");
        }
        for (double v : measured) {
            if (!Double.isFinite(v)) {
                throw new IllegalArgumentException("what is fitted must be finite, was " + v);
            }
        }
        double[] weight = new double[measured.length];
        Arrays.fill(weight, 1);
        return new LawPoints(measured.clone(), weight, group.clone(), 0);
    }

    /** With the inputs N, D and C, and those that all points have beside. */
    public static LawPoints of(List<FitPoint> points) {
        LawPoints made = new LawPoints(
                points.stream().mapToDouble(FitPoint::loss).toArray(),
                points.stream().mapToDouble(FitPoint::weight).toArray(),
                points.stream().map(FitPoint::group).toArray(String[]::new),
                0);
        made.inputs.put(Law.Input.N, points.stream().mapToDouble(FitPoint::N).toArray());
        made.inputs.put(Law.Input.D, points.stream().mapToDouble(FitPoint::D).toArray());
        made.inputs.put(Law.Input.C, points.stream().mapToDouble(FitPoint::C).toArray());
        for (Law.Input input : Law.Input.values()) {
            if (!points.isEmpty() && points.stream().allMatch(p -> p.further().containsKey(input))) {
                made.inputs.put(
                        input, points.stream().mapToDouble(p -> p.input(input)).toArray());
            }
        }
        return made;
    }

    /**
     * The same points with one more input.
     *
     * @param values positive and finite, one a point
     */
    public LawPoints with(Law.Input input, double[] values) {
        if (values.length != loss.length) {
            throw new IllegalArgumentException(input + ": " + values.length + " values for " + loss.length + " points");
        }
        for (double v : values) {
            input.check(v);
        }
        LawPoints made = new LawPoints(loss, weight, group, anchors);
        made.inputs.putAll(inputs);
        made.inputs.put(input, values.clone());
        return made;
    }

    /**
     * The same points, weighted.
     *
     * @param values positive and finite, one a point
     */
    public LawPoints withWeights(double[] values) {
        if (values.length != loss.length) {
            throw new IllegalArgumentException(values.length + " weights for " + loss.length + " points");
        }
        for (double v : values) {
            if (!(v > 0) || Double.isInfinite(v)) {
                throw new IllegalArgumentException("weights must be positive and finite, was " + v);
            }
        }
        LawPoints made = new LawPoints(loss, values.clone(), group, anchors);
        made.inputs.putAll(inputs);
        return made;
    }

    /**
     * The same points, measured otherwise.
     *
     * @param values finite, one a point
     */
    public LawPoints withLosses(double[] values) {
        if (values.length != loss.length) {
            throw new IllegalArgumentException(values.length + " losses for " + loss.length + " points");
        }
        for (double v : values) {
            if (!Double.isFinite(v)) {
                throw new IllegalArgumentException("what is fitted must be finite, was " + v);
            }
        }
        LawPoints made = new LawPoints(values.clone(), weight, group, anchors);
        made.inputs.putAll(inputs);
        return made;
    }

    /**
     * The same points with one more, of weight 1, that is known instead of measured: a bootstrap always keeps it.
     *
     * @param at a value for every input that the points have
     */
    public LawPoints withAnchor(Map<Law.Input, Double> at, double value) {
        if (!at.keySet().equals(inputs.keySet())) {
            throw new IllegalArgumentException("an anchor of points with " + inputs.keySet() + " had " + at.keySet());
        }
        int n = loss.length;
        double[] newLoss = Arrays.copyOf(loss, n + 1);
        double[] newWeight = Arrays.copyOf(weight, n + 1);
        newLoss[n] = value;
        newWeight[n] = 1;
        LawPoints made = new LawPoints(newLoss, newWeight, Arrays.copyOf(group, n + 1), anchors + 1);
        inputs.forEach((input, column) -> {
            double[] longer = Arrays.copyOf(column, n + 1);
            longer[n] = at.getOrDefault(input, Double.NaN);
            input.check(longer[n]);
            made.inputs.put(input, longer);
        });
        return made;
    }

    /** How many points were measured; anchors come after them. */
    public int measured() {
        return loss.length - anchors;
    }

    public int size() {
        return loss.length;
    }

    public double loss(int i) {
        return loss[i];
    }

    /** All losses, by point. */
    public double[] losses() {
        return loss.clone();
    }

    public double weight(int i) {
        return weight[i];
    }

    /** All weights, by point. */
    public double[] weights() {
        return weight.clone();
    }

    public @Nullable String group(int i) {
        return group[i];
    }

    /**
     * One value a point.
     *
     * @throws IllegalArgumentException if the points do not have that input
     */
    public double[] column(Law.Input input) {
        double[] values = inputs.get(input);
        if (values == null) {
            throw new IllegalArgumentException("the points have no " + input);
        }
        return values.clone();
    }

    /** The inputs of a law by point. */
    public double[][] rows(Law law) {
        List<Law.Input> wanted = law.inputs();
        double[][] rows = new double[size()][wanted.size()];
        for (int k = 0; k < wanted.size(); k++) {
            double[] column = column(wanted.get(k));
            for (int i = 0; i < rows.length; i++) {
                rows[i][k] = column[i];
            }
        }
        return rows;
    }
}
