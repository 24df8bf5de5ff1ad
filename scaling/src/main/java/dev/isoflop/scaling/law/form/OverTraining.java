package dev.isoflop.scaling.law.form;

import dev.isoflop.scaling.law.Jet;
import dev.isoflop.scaling.law.LawPoints;
import dev.isoflop.scaling.law.NonNegative;
import java.util.ArrayList;
import java.util.List;

/**
 * L(C, M) = E + (a M^eta + b M^-eta) C^-eta at M = D / N tokens a parameter (Gadre et al. 2024, equation 4), which by C = 6 N D is E + A N^-e + B D^-e with one
 * exponent e = 2 eta for both: more tokens a parameter move the law and keep its slope. Fitted in the latter form, from as few as five runs.
 */
public final class OverTraining extends Form {

    public OverTraining() {
        super(
                "over-training",
                "L = E + A N^-exponent + B D^-exponent",
                List.of(Input.N, Input.D),
                List.of(
                        Coefficient.scale("E"),
                        Coefficient.scale("A"),
                        Coefficient.scale("B"),
                        Coefficient.between("exponent", 0.01, 3)));
    }

    @Override
    public Jet loss(Jet[] c, double[] x) {
        Jet falling = c[3].negated();
        return c[0].plus(c[1].times(falling.exponentOf(x[0]))).plus(c[2].times(falling.exponentOf(x[1])));
    }

    @Override
    public List<double[]> candidates(LawPoints points) {
        double[] loss = points.losses();
        List<double[]> out = new ArrayList<>();
        for (double exponent : Grid.logarithmic(0.02, 2, 40)) {
            double[] model = Grid.power(points.column(Input.N), -exponent);
            double[] data = Grid.power(points.column(Input.D), -exponent);
            double[] c = NonNegative.relative(new double[][] {Grid.ones(loss.length), model, data}, loss);
            out.add(new double[] {c[0], c[1], c[2], exponent});
        }
        return out;
    }
}
