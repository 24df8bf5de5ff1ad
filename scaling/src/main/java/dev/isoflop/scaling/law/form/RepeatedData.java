package dev.isoflop.scaling.law.form;

import dev.isoflop.scaling.law.Jet;
import dev.isoflop.scaling.law.LawPoints;
import dev.isoflop.scaling.law.NonNegative;
import java.util.ArrayList;
import java.util.List;

/**
 * L = E + A N^-alpha + B D'^-beta with D' = U + U RD* (1 - exp(-RD / RD*)), RD = D / U - 1 the repetitions of U distinct tokens (Muennighoff et al. 2023, equation 5): the law of
 * fresh data and the decay of repeated ones in one fit. {@link DataConstrained} takes the former as known and lets parameters in excess decay, too.
 */
public final class RepeatedData extends Form {

    public RepeatedData() {
        super(
                "repeated-data",
                "L = E + A N^-alpha + B (U + U RD* (1 - exp(-RD / RD*)))^-beta, RD = D / U - 1",
                List.of(Input.N, Input.D, Input.U),
                List.of(
                        Coefficient.scale("E"),
                        Coefficient.scale("A"),
                        Coefficient.scale("B"),
                        Coefficient.between("alpha", 0.01, 3),
                        Coefficient.between("beta", 0.01, 3),
                        new Coefficient("RD*", true, 1e-3, 1e12)));
    }

    @Override
    public Jet loss(Jet[] c, double[] x) {
        double unique = Math.min(x[2], x[1]);
        Jet worth = DataConstrained.worth(c[5], unique, x[1] / unique - 1);
        return c[0].plus(c[1].times(c[3].negated().exponentOf(x[0]))).plus(c[2].times(worth.power(c[4].negated())));
    }

    @Override
    public List<double[]> candidates(LawPoints points) {
        double[] loss = points.losses();
        double[] seen = points.column(Input.D);
        double[] unique = points.column(Input.U);
        double[] exponents = Grid.logarithmic(.05, 1, 8);
        double[][] model = Grid.falling(points.column(Input.N), exponents);
        List<double[]> out = new ArrayList<>();
        for (double decay : Grid.logarithmic(.5, 200, 8)) {
            double[] worth = new double[seen.length];
            for (int i = 0; i < worth.length; i++) {
                double u = Math.min(unique[i], seen[i]);
                worth[i] = u + u * decay * -Math.expm1(-(seen[i] / u - 1) / decay);
            }
            for (double beta : exponents) {
                double[] data = Grid.power(worth, -beta);
                for (int a = 0; a < model.length; a++) {
                    double[] c = NonNegative.relative(new double[][] {Grid.ones(loss.length), model[a], data}, loss);
                    out.add(new double[] {c[0], c[1], c[2], exponents[a], beta, decay});
                }
            }
        }
        return out;
    }
}
