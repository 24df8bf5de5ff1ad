package dev.isoflop.scaling.hyper;

import dev.isoflop.scaling.law.Jet;
import dev.isoflop.scaling.law.LawPoints;
import dev.isoflop.scaling.law.form.Form;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.ArrayRealVector;
import org.apache.commons.math3.linear.DecompositionSolver;
import org.apache.commons.math3.linear.QRDecomposition;

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

    @Override
    public List<double[]> candidates(LawPoints points) {
        double[][] x = points.rows(this);
        double[][] rows = new double[x.length][];
        double[] y = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            double root = Math.sqrt(points.weight(i));
            rows[i] = new double[x[i].length + 1];
            rows[i][0] = root;
            for (int k = 0; k < x[i].length; k++) {
                rows[i][k + 1] = root * Math.log(x[i][k]);
            }
            y[i] = root * Math.log(points.loss(i));
        }
        DecompositionSolver solver = new QRDecomposition(new Array2DRowRealMatrix(rows, false), 1e-9).getSolver();
        if (solver.isNonSingular()) {
            return List.of(solver.solve(new ArrayRealVector(y, false)).toArray());
        }
        double[] level = new double[rows[0].length];
        level[0] = Arrays.stream(y).average().orElse(0);
        return List.of(level);
    }
}
