package dev.isoflop.scaling.law.form;

import dev.isoflop.scaling.law.Jet;
import dev.isoflop.scaling.law.LawPoints;
import dev.isoflop.scaling.law.NonNegative;
import java.util.ArrayList;
import java.util.List;

/**
 * L(N, D) = ((Nc / N)^(alphaN / alphaD) + Dc / D)^alphaD (Kaplan et al. 2020, equation 1.5). Without a floor, so the loss falls for ever; N without
 * embeddings in the paper.
 */
public final class Kaplan extends Form {

    public Kaplan() {
        super(
                "kaplan",
                "L = ((Nc / N)^(alphaN / alphaD) + Dc / D)^alphaD",
                List.of(Input.N, Input.D),
                List.of(
                        Coefficient.scale("Nc"),
                        Coefficient.scale("Dc"),
                        Coefficient.between("alphaN", 0.002, 2),
                        Coefficient.between("alphaD", 0.002, 2)));
    }

    @Override
    public Jet loss(Jet[] c, double[] x) {
        Jet model = c[0].times(1 / x[0]).power(c[2].over(c[3]));
        Jet data = c[1].times(1 / x[1]);
        return model.plus(data).power(c[3]);
    }

    @Override
    public List<double[]> candidates(LawPoints points) {
        double[] loss = points.losses();
        List<double[]> out = new ArrayList<>();
        for (double alphaD : Grid.logarithmic(0.02, 0.6, 10)) {
            // L^(1/alphaD) = Nc^r N^-r + Dc D^-1 is linear in Nc^r and Dc for a given r = alphaN / alphaD
            double[] target = Grid.power(loss, 1 / alphaD);
            double[] data = Grid.power(points.column(Input.D), -1);
            for (double r : Grid.logarithmic(0.1, 5, 10)) {
                double[] model = Grid.power(points.column(Input.N), -r);
                double[] c = NonNegative.relative(new double[][] {model, data}, target);
                out.add(new double[] {Math.pow(c[0], 1 / r), c[1], r * alphaD, alphaD});
            }
        }
        return out;
    }
}
