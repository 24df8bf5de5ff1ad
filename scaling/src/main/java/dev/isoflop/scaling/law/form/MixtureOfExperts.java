package dev.isoflop.scaling.law.form;

import dev.isoflop.scaling.law.Jet;
import dev.isoflop.scaling.law.LawPoints;
import dev.isoflop.scaling.law.NonNegative;
import java.util.ArrayList;
import java.util.List;

/**
 * L = E + A N^-alpha + B D^-beta + F s^-lambda + G s^-delta N^-gamma of N parameters in all, of which the share s = Na / N is active for a token (Abnar et al. 2025, "Parameters vs
 * FLOPs", the law with sparsity S = 1 - s; there S is the share of experts that are not chosen, here of parameters that are not used). lambda may be negative: with the last term
 * falling in s, that gives each N a best sparsity. Needs several N and several shares; at one N, A, F and G cannot be told apart.
 */
public final class MixtureOfExperts extends Form {

    private static final double[] MODEL = {.1, .3, .6};
    private static final double[] DATA = {.1, .25, .4, .6};
    private static final double[] SHARE = {-.6, -.2, .1, .4};
    private static final double[] SHARE_OF_MODEL = {.05, .2, .5};
    private static final double[] MODEL_OF_SHARE = {.05, .15, .3};

    public MixtureOfExperts() {
        super(
                "mixture-of-experts",
                "L = E + A N^-alpha + B D^-beta + F s^-lambda + G s^-delta N^-gamma, s = Na / N",
                List.of(Input.N, Input.D, Input.ACTIVE),
                List.of(
                        Coefficient.scale("E"),
                        Coefficient.scale("A"),
                        Coefficient.scale("B"),
                        Coefficient.scale("F"),
                        Coefficient.scale("G"),
                        Coefficient.between("alpha", 0.01, 3),
                        Coefficient.between("beta", 0.01, 3),
                        Coefficient.between("lambda", -3, 3),
                        Coefficient.between("delta", -3, 3),
                        Coefficient.between("gamma", 0.01, 3)));
    }

    @Override
    public Jet loss(Jet[] c, double[] x) {
        double s = x[2] / x[0];
        return c[0].plus(c[1].times(c[5].negated().exponentOf(x[0])))
                .plus(c[2].times(c[6].negated().exponentOf(x[1])))
                .plus(c[3].times(c[7].negated().exponentOf(s)))
                .plus(c[4].times(c[8].negated().exponentOf(s))
                        .times(c[9].negated().exponentOf(x[0])));
    }

    @Override
    public List<double[]> candidates(LawPoints points) {
        double[] loss = points.losses();
        double[] n = points.column(Input.N);
        double[] active = points.column(Input.ACTIVE);
        double[] s = new double[n.length];
        for (int i = 0; i < s.length; i++) {
            s[i] = active[i] / n[i];
        }
        double[] ones = Grid.ones(loss.length);
        double[][] data = Grid.falling(points.column(Input.D), DATA);
        double[][] share = Grid.falling(s, SHARE);
        List<double[]> out = new ArrayList<>();
        for (double alpha : MODEL) {
            double[] model = Grid.power(n, -alpha);
            for (double delta : SHARE_OF_MODEL) {
                for (double gamma : MODEL_OF_SHARE) {
                    double[] both = Grid.power(n, -gamma);
                    for (int i = 0; i < both.length; i++) {
                        both[i] *= Math.pow(s[i], -delta);
                    }
                    for (int b = 0; b < DATA.length; b++) {
                        for (int l = 0; l < SHARE.length; l++) {
                            double[] c =
                                    NonNegative.relative(new double[][] {ones, model, data[b], share[l], both}, loss);
                            out.add(new double[] {c[0], c[1], c[2], c[3], c[4], alpha, DATA[b], SHARE[l], delta, gamma
                            });
                        }
                    }
                }
            }
        }
        return out;
    }
}
