package dev.isoflop.scaling.fit;

import dev.isoflop.scaling.law.Jet;
import dev.isoflop.scaling.law.Law;
import dev.isoflop.scaling.law.LawPoints;
import java.util.List;

/** The cost of a law at points, as a function of its coefficients; of the logarithms of those that are positive. */
final class LawObjective extends Objective {

    private final Law law;
    private final List<Law.Coefficient> coefficients;
    private final double[][] x;
    private final double[] target;
    private final double[] weight;
    private final Criterion criterion;

    LawObjective(Law law, LawPoints points, double[] weight, Criterion criterion) {
        super(law.coefficients().size());
        this.law = law;
        this.coefficients = law.coefficients();
        this.x = points.rows(law);
        this.target = new double[points.size()];
        this.weight = weight;
        this.criterion = criterion;
        for (int i = 0; i < target.length; i++) {
            target[i] = criterion.ofLog() ? Math.log(points.loss(i)) : points.loss(i);
        }
    }

    /** Ends of the ranges of the parameters. */
    double[] bounds(boolean upper) {
        double[] ends = new double[parameters];
        for (int k = 0; k < ends.length; k++) {
            Law.Coefficient c = coefficients.get(k);
            double end = upper ? c.high() : c.low();
            ends[k] = c.positive() ? Math.log(end) : end;
        }
        return ends;
    }

    double[] theta(double[] values) {
        double[] theta = values.clone();
        for (int k = 0; k < theta.length; k++) {
            theta[k] = coefficients.get(k).positive() ? Math.log(values[k]) : values[k];
        }
        return theta;
    }

    double[] values(double[] theta) {
        double[] values = theta.clone();
        for (int k = 0; k < values.length; k++) {
            values[k] = coefficients.get(k).positive() ? Math.exp(theta[k]) : theta[k];
        }
        return values;
    }

    private Jet[] jets(double[] theta) {
        Jet[] jets = new Jet[parameters];
        for (int k = 0; k < parameters; k++) {
            Jet variable = Jet.variable(theta[k], k, parameters);
            jets[k] = coefficients.get(k).positive() ? variable.exp() : variable;
        }
        return jets;
    }

    @Override
    double valueAt(double[] theta) {
        Jet[] c = Jet.constants(values(theta));
        double sum = 0;
        for (int i = 0; i < x.length; i++) {
            if (weight[i] > 0) {
                double predicted = law.loss(c, x[i]).value();
                sum += weight[i] * criterion.cost((criterion.ofLog() ? Math.log(predicted) : predicted) - target[i]);
            }
        }
        return Double.isFinite(sum) ? sum : Double.POSITIVE_INFINITY;
    }

    @Override
    void evaluate(double[] theta) {
        Jet[] c = jets(theta);
        value = 0;
        for (int k = 0; k < parameters; k++) {
            gradient[k] = 0;
            java.util.Arrays.fill(hessian[k], 0);
            java.util.Arrays.fill(majorizer[k], 0);
        }
        for (int i = 0; i < x.length; i++) {
            if (weight[i] > 0) {
                Jet predicted = law.loss(c, x[i]);
                add(criterion.ofLog() ? predicted.log() : predicted, target[i], weight[i]);
            }
        }
        for (int k = 0; k < parameters; k++) {
            for (int j = 0; j < k; j++) {
                hessian[j][k] = hessian[k][j];
                majorizer[j][k] = majorizer[k][j];
            }
        }
        value = Double.isFinite(value) ? value : Double.POSITIVE_INFINITY;
    }

    private void add(Jet predicted, double measured, double w) {
        double r = predicted.value() - measured;
        double slope = w * criterion.slope(r);
        double curvature = w * criterion.curvature(r);
        double reweighted = w * criterion.reweighting(r);
        value += w * criterion.cost(r);
        for (int k = 0; k < parameters; k++) {
            double dk = predicted.d(k);
            gradient[k] += slope * dk;
            for (int j = 0; j <= k; j++) {
                double dd = dk * predicted.d(j);
                hessian[k][j] += curvature * dd + slope * predicted.d(k, j);
                majorizer[k][j] += reweighted * dd;
            }
        }
    }
}
