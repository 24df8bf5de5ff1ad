package dev.isoflop.scaling.law.form;

import dev.isoflop.scaling.law.Jet;
import dev.isoflop.scaling.law.LawPoints;
import dev.isoflop.scaling.law.NonNegative;
import java.util.ArrayList;
import java.util.List;

/** L(N, D) = E + A N^-alpha + B D^-beta (Hoffmann et al. 2022, equation 2). */
public final class Chinchilla extends Form {

    public Chinchilla() {
        super(
                "chinchilla",
                "L = E + A N^-alpha + B D^-beta",
                List.of(Input.N, Input.D),
                List.of(
                        Coefficient.scale("E"),
                        Coefficient.scale("A"),
                        Coefficient.scale("B"),
                        Coefficient.between("alpha", 0.01, 3),
                        Coefficient.between("beta", 0.01, 3)));
    }

    @Override
    public Jet loss(Jet[] c, double[] x) {
        return c[0].plus(c[1].times(c[3].negated().exponentOf(x[0])))
                .plus(c[2].times(c[4].negated().exponentOf(x[1])));
    }

    @Override
    public List<double[]> candidates(LawPoints points) {
        double[] loss = points.losses();
        List<double[]> out = new ArrayList<>();
        for (double alpha : Grid.logarithmic(0.02, 2, 12)) {
            double[] model = Grid.power(points.column(Input.N), -alpha);
            for (double beta : Grid.logarithmic(0.02, 2, 12)) {
                double[] data = Grid.power(points.column(Input.D), -beta);
                double[] c = NonNegative.relative(new double[][] {Grid.ones(loss.length), model, data}, loss);
                out.add(new double[] {c[0], c[1], c[2], alpha, beta});
            }
        }
        return out;
    }
}
