package dev.isoflop.scaling.law.form;

import dev.isoflop.scaling.law.Jet;
import dev.isoflop.scaling.law.LawPoints;
import dev.isoflop.scaling.law.NonNegative;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * L = E + A w^-alpha + B d^-beta + G N^-gamma + T D^-zeta of width w, depth d, N parameters and D tokens, or without the term in N (McLeish et al. 2025, "Gemstones", the fits
 * of approach 3 with 9 and 7 coefficients): which shape a budget should have, beside which size. Sizes have to be trained in several shapes; where N follows from the shape
 * alone, the term in N is hard to tell from the others.
 */
public final class WidthDepth extends Form {

    private static final double[] EXPONENTS = {.1, .25, .5, 1, 1.8};

    private final boolean withParameters;

    private WidthDepth(boolean withParameters) {
        super(
                withParameters ? "width-depth-parameters" : "width-depth",
                withParameters
                        ? "L = E + A w^-alpha + B d^-beta + T D^-zeta + G N^-gamma"
                        : "L = E + A w^-alpha + B d^-beta + T D^-zeta",
                withParameters
                        ? List.of(Input.WIDTH, Input.DEPTH, Input.D, Input.N)
                        : List.of(Input.WIDTH, Input.DEPTH, Input.D),
                coefficients(withParameters));
        this.withParameters = withParameters;
    }

    private static List<Coefficient> coefficients(boolean withParameters) {
        Stream<Coefficient> always = Stream.of(
                Coefficient.scale("E"),
                Coefficient.scale("A"),
                Coefficient.scale("B"),
                Coefficient.scale("T"),
                Coefficient.between("alpha", 0.01, 4),
                Coefficient.between("beta", 0.01, 4),
                Coefficient.between("zeta", 0.01, 3));
        return withParameters
                ? Stream.concat(always, Stream.of(Coefficient.scale("G"), Coefficient.between("gamma", 0.01, 3)))
                        .toList()
                : always.toList();
    }

    /** 7 coefficients. */
    public static WidthDepth ofShape() {
        return new WidthDepth(false);
    }

    /** 9 coefficients. */
    public static WidthDepth ofShapeAndSize() {
        return new WidthDepth(true);
    }

    @Override
    public Jet loss(Jet[] c, double[] x) {
        Jet loss = c[0].plus(c[1].times(c[4].negated().exponentOf(x[0])))
                .plus(c[2].times(c[5].negated().exponentOf(x[1])))
                .plus(c[3].times(c[6].negated().exponentOf(x[2])));
        return withParameters ? loss.plus(c[7].times(c[8].negated().exponentOf(x[3]))) : loss;
    }

    @Override
    public List<double[]> candidates(LawPoints points) {
        double[] loss = points.losses();
        double[] ones = Grid.ones(loss.length);
        double[][] width = Grid.falling(points.column(Input.WIDTH), EXPONENTS);
        double[][] depth = Grid.falling(points.column(Input.DEPTH), EXPONENTS);
        double[][] data = Grid.falling(points.column(Input.D), EXPONENTS);
        double[][] model = withParameters ? Grid.falling(points.column(Input.N), EXPONENTS) : new double[1][];
        List<double[]> out = new ArrayList<>();
        for (int a = 0; a < EXPONENTS.length; a++) {
            for (int b = 0; b < EXPONENTS.length; b++) {
                for (int z = 0; z < EXPONENTS.length; z++) {
                    for (int g = 0; g < model.length; g++) {
                        double[][] columns = withParameters
                                ? new double[][] {ones, width[a], depth[b], data[z], model[g]}
                                : new double[][] {ones, width[a], depth[b], data[z]};
                        double[] c = NonNegative.relative(columns, loss);
                        double alpha = EXPONENTS[a];
                        double beta = EXPONENTS[b];
                        double zeta = EXPONENTS[z];
                        out.add(
                                withParameters
                                        ? new double[] {c[0], c[1], c[2], c[3], alpha, beta, zeta, c[4], EXPONENTS[g]}
                                        : new double[] {c[0], c[1], c[2], c[3], alpha, beta, zeta});
                    }
                }
            }
        }
        return out;
    }
}
