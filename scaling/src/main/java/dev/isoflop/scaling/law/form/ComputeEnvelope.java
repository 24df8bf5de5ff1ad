package dev.isoflop.scaling.law.form;

import dev.isoflop.scaling.law.Jet;
import dev.isoflop.scaling.law.LawPoints;
import dev.isoflop.scaling.law.NonNegative;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/** L(C) = E + A C^-gamma along the frontier: the least loss of each budget (Kaplan et al. 2020, section 6; Hoffmann et al. 2022, figure 2). E is fitted, or pinned. */
public final class ComputeEnvelope extends Form {

    private final OptionalDouble floor;

    private ComputeEnvelope(OptionalDouble floor) {
        super(
                "envelope",
                floor.isPresent() ? "L = " + floor.getAsDouble() + " + A C^-gamma" : "L = E + A C^-gamma",
                List.of(Input.C),
                coefficients(floor));
        this.floor = floor;
    }

    private static List<Coefficient> coefficients(OptionalDouble floor) {
        Coefficient scale = Coefficient.scale("A");
        Coefficient decay = Coefficient.between("gamma", 0.001, 3);
        return floor.isPresent() ? List.of(scale, decay) : List.of(scale, decay, Coefficient.scale("E"));
    }

    /** With a floor of its own. */
    public static ComputeEnvelope free() {
        return new ComputeEnvelope(OptionalDouble.empty());
    }

    /**
     * Above a floor that is known.
     *
     * @param E nats per token, 0 for a pure power law
     */
    public static ComputeEnvelope above(double E) {
        if (!(E >= 0) || Double.isInfinite(E)) {
            throw new IllegalArgumentException("the floor must be 0 or positive, was " + E);
        }
        return new ComputeEnvelope(OptionalDouble.of(E));
    }

    @Override
    public Jet loss(Jet[] c, double[] x) {
        Jet reducible = c[0].times(c[1].negated().exponentOf(x[0]));
        return floor.isPresent() ? reducible.plus(floor.getAsDouble()) : reducible.plus(c[2]);
    }

    @Override
    public List<double[]> candidates(LawPoints points) {
        double[] loss = points.losses();
        List<double[]> out = new ArrayList<>();
        for (double gamma : Grid.logarithmic(0.005, 1, 60)) {
            double[] falling = Grid.power(points.column(Input.C), -gamma);
            if (floor.isEmpty()) {
                double[] c = NonNegative.relative(new double[][] {falling, Grid.ones(loss.length)}, loss);
                out.add(new double[] {c[0], gamma, c[1]});
            } else {
                double[] above = new double[loss.length];
                for (int i = 0; i < above.length; i++) {
                    // a point at or below the floor says nothing of the power law, and must not make it negative
                    above[i] = Math.max(loss[i] - floor.getAsDouble(), 1e-3 * loss[i]);
                }
                out.add(new double[] {NonNegative.relative(new double[][] {falling}, above)[0], gamma});
            }
        }
        return out;
    }
}
