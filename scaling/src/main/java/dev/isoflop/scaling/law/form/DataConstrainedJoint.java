package dev.isoflop.scaling.law.form;

import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.Jet;
import dev.isoflop.scaling.law.LawPoints;
import dev.isoflop.scaling.law.NonNegative;
import java.util.ArrayList;
import java.util.List;

/**
 * {@link DataConstrained} with the law of fresh data fitted along with both decays: seven coefficients in one fit of all runs. A fresh run with more parameters than its data suffice for is discounted
 * by the same law that it helps to find, which two steps after each other cannot do. The form is Muennighoff et al.'s (2023, equations 5 and 6), the joint fit is ours.
 */
public final class DataConstrainedJoint extends Form {

    private static final double[] DATA_DECAYS = {2, 10, 50, 250};
    private static final double[] MODEL_DECAYS = {1, 5, 25, 125};

    public DataConstrainedJoint() {
        super(
                DataConstrained.NAME,
                DataConstrained.FORMULA,
                List.of(Input.N, Input.D, Input.U),
                List.of(
                        new Coefficient("RD*", true, 1e-3, 1e12),
                        new Coefficient("RN*", true, 1e-3, 1e12),
                        Coefficient.scale("E"),
                        Coefficient.scale("A"),
                        Coefficient.scale("B"),
                        Coefficient.between("alpha", 0.01, 3),
                        Coefficient.between("beta", 0.01, 3)));
    }

    /** The law of data that are seen once, of values in the order of the coefficients. */
    public static ChinchillaLaw fresh(double[] values) {
        return new ChinchillaLaw(values[2], values[3], values[4], values[5], values[6]);
    }

    @Override
    public Jet loss(Jet[] c, double[] x) {
        double unique = Math.min(x[2], x[1]);
        Jet data = DataConstrained.worth(c[0], unique, x[1] / unique - 1);
        Jet dataTerm = data.power(c[6].negated()).times(c[4]);
        Jet sufficient = sufficient(c, unique);
        Jet modelTerm;
        if (x[0] <= sufficient.value()) {
            modelTerm = c[5].negated().exponentOf(x[0]).times(c[3]);
        } else {
            // UN + UN RN* (1 - exp(-(N / UN - 1) / RN*)); value and slope are N's where both cases meet
            Jet further = sufficient.power(-1).times(x[0]).plus(-1);
            Jet kept = further.over(c[1]).negated().exp().negated().plus(1);
            Jet model = sufficient.times(c[1]).times(kept).plus(sufficient);
            modelTerm = model.power(c[5].negated()).times(c[3]);
        }
        return c[2].plus(modelTerm).plus(dataTerm);
    }

    /** Parameters that distinct tokens suffice for, as {@link DataConstrained#sufficient}: G (U G)^(beta / alpha), G^(alpha + beta) = alpha A / (beta B). */
    private static Jet sufficient(Jet[] c, double unique) {
        Jet logG = c[5].times(c[3]).over(c[6].times(c[4])).log().over(c[5].plus(c[6]));
        return logG.plus(Math.log(unique)).times(c[6]).over(c[5]).plus(logG).exp();
    }

    @Override
    public List<double[]> candidates(LawPoints points) {
        double[] loss = points.losses();
        double[] n = points.column(Input.N);
        double[] exponents = Grid.logarithmic(.08, .9, 8);
        double[][] model = Grid.falling(n, exponents);
        List<double[]> out = new ArrayList<>();
        for (double dataDecay : DATA_DECAYS) {
            double[] worth = worth(points, dataDecay);
            for (double beta : exponents) {
                double[] data = Grid.power(worth, -beta);
                for (int a = 0; a < model.length; a++) {
                    double[] c = NonNegative.relative(new double[][] {Grid.ones(loss.length), model[a], data}, loss);
                    for (double modelDecay : MODEL_DECAYS) {
                        out.add(about(
                                points, data, new double[] {dataDecay, modelDecay, c[0], c[1], c[2], exponents[a], beta
                                }));
                    }
                }
            }
        }
        return out;
    }

    private static double[] worth(LawPoints points, double decay) {
        double[] seen = points.column(Input.D);
        double[] unique = points.column(Input.U);
        double[] out = new double[seen.length];
        for (int i = 0; i < out.length; i++) {
            double u = Math.min(unique[i], seen[i]);
            out[i] = u + u * decay * -Math.expm1(-(seen[i] / u - 1) / decay);
        }
        return out;
    }

    /** E, A and B once more, with the models' worth by the law that they were. */
    private static double[] about(LawPoints points, double[] data, double[] values) {
        DataConstrained form = new DataConstrained(fresh(values));
        double[] loss = points.losses();
        double[] n = points.column(Input.N);
        double[] seen = points.column(Input.D);
        double[] unique = points.column(Input.U);
        double[] model = new double[n.length];
        for (int i = 0; i < model.length; i++) {
            double sufficient = Math.min(n[i], form.sufficient(Math.min(unique[i], seen[i])));
            double worth = sufficient + sufficient * values[1] * -Math.expm1(-(n[i] / sufficient - 1) / values[1]);
            model[i] = Math.pow(worth, -values[5]);
        }
        double[] c = NonNegative.relative(new double[][] {Grid.ones(loss.length), model, data}, loss);
        return new double[] {values[0], values[1], c[0], c[1], c[2], values[5], values[6]};
    }
}
