package dev.isoflop.scaling.hyper;

import dev.isoflop.scaling.law.Jet;
import dev.isoflop.scaling.law.LawPoints;
import dev.isoflop.scaling.law.LogLine;
import dev.isoflop.scaling.law.form.Form;
import java.util.ArrayList;
import java.util.List;

/** {@link HyperLaw} as a form to be fitted: exp(c + sum of p ln x), linear once its logarithm is taken. */
final class HyperForm extends Form {

    /** @param of what it is a power law of: N and D, D, or N */
    HyperForm(List<Input> of) {
        super("power-law", "coefficient " + powers(of), of, coefficients(of));
    }

    private static String powers(List<Input> of) {
        return String.join(" ", of.stream().map(input -> input + "^p" + input).toList());
    }

    private static List<Coefficient> coefficients(List<Input> of) {
        List<Coefficient> all = new ArrayList<>();
        // its logarithm: intercept of a line, and of any size
        all.add(Coefficient.between("ln coefficient", Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY));
        of.forEach(
                input -> all.add(Coefficient.between("p" + input, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY)));
        return all;
    }

    /** @return the best rate or batch */
    @Override
    public Jet loss(Jet[] c, double[] x) {
        Jet sum = c[0];
        for (int k = 0; k < x.length; k++) {
            sum = sum.plus(c[k + 1].times(Math.log(x[k])));
        }
        return sum.exp();
    }

    /** The minimum itself, of squares of logarithms; none where the points do not determine it. */
    @Override
    public List<double[]> candidates(LawPoints points) {
        return LogLine.through(points.rows(this), points.losses(), points.weights()).stream()
                .toList();
    }
}
