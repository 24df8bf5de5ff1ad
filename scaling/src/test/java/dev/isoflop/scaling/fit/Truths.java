package dev.isoflop.scaling.fit;

import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.Law;
import dev.isoflop.scaling.law.LawPoints;
import dev.isoflop.scaling.law.form.Chinchilla;
import dev.isoflop.scaling.law.form.ComputeEnvelope;
import dev.isoflop.scaling.law.form.DataConstrained;
import dev.isoflop.scaling.law.form.DataConstrainedJoint;
import dev.isoflop.scaling.law.form.Kaplan;
import dev.isoflop.scaling.law.form.MixtureOfExperts;
import dev.isoflop.scaling.law.form.OverTraining;
import dev.isoflop.scaling.law.form.RateBatch;
import dev.isoflop.scaling.law.form.RepeatedData;
import dev.isoflop.scaling.law.form.WidthDepth;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.Arguments;

/** Every form with coefficients that it could have, and the points that would come of them. */
final class Truths {

    /** Muennighoff et al.'s constants of C4, alpha and beta equal. */
    static final ChinchillaLaw C4 =
            new ChinchillaLaw(Math.exp(.6254804), Math.exp(6.255414), Math.exp(7.3049974), .3526596, .3526596);

    private Truths() {}

    static Stream<Arguments> all() {
        return Stream.of(
                Arguments.of(new Chinchilla(), new double[] {1.82, 478, 2143, .347, .367}),
                Arguments.of(new Kaplan(), new double[] {6.4e13, 1.8e13, .076, .103}),
                Arguments.of(new OverTraining(), new double[] {1.7, 150, 160, .27}),
                Arguments.of(ComputeEnvelope.free(), new double[] {2.3e3, .155, 1.6}),
                Arguments.of(ComputeEnvelope.above(1.6), new double[] {2.3e3, .155}),
                Arguments.of(new DataConstrained(C4), new double[] {15.4, 5.3}),
                Arguments.of(new RepeatedData(), new double[] {1.82, 478, 2143, .347, .367, 15.4}),
                Arguments.of(new DataConstrainedJoint(), new double[] {15.4, 5.3, 1.82, 478, 2143, .347, .367}),
                Arguments.of(WidthDepth.ofShape(), new double[] {1.7, 60, 1.5, 900, .7, .8, .33}),
                Arguments.of(WidthDepth.ofShapeAndSize(), new double[] {1.7, 60, 1.5, 900, .7, .8, .33, 300, .4}),
                Arguments.of(
                        new MixtureOfExperts(),
                        new double[] {.94, 16612, 5456, .46, 17.3, .596, .395, -.167, .16, .16}),
                Arguments.of(
                        new RateBatch(),
                        new double[] {1.82, 478, 2143, .347, .367, 1.8, -.71, .3, .6, .57, .12, -.05, .08}));
    }

    /** A sweep of sizes and tokens around the frontier, with data repeated up to 40 times, in deep and flat models, dense and sparse ones. */
    static List<Map<Law.Input, Double>> design() {
        double[] depths = {4, 10, 24, 60};
        double[] shares = {1, .5, .2, .08, .03};
        List<Map<Law.Input, Double>> rows = new ArrayList<>();
        for (double n : new double[] {3e7, 1e8, 3e8, 1e9, 3e9}) {
            for (double perParameter : new double[] {3, 10, 30, 100}) {
                for (double epochs : new double[] {1, 5, 40}) {
                    int i = rows.size();
                    double depth = depths[i * 7 / 3 % 4];
                    Map<Law.Input, Double> row = new EnumMap<>(Law.Input.class);
                    row.put(Law.Input.N, n);
                    row.put(Law.Input.D, n * perParameter);
                    row.put(Law.Input.C, 6 * n * n * perParameter);
                    row.put(Law.Input.U, n * perParameter / epochs);
                    row.put(Law.Input.DEPTH, depth);
                    row.put(Law.Input.WIDTH, Math.sqrt(n / (12 * depth)));
                    row.put(Law.Input.ACTIVE, n * shares[i * 3 % 5]);
                    // around Li et al.'s best, off it by up to a factor of 4
                    row.put(
                            Law.Input.RATE,
                            1.8 * Math.pow(n, -.71) * Math.pow(n * perParameter, .3) * Math.pow(2, i * 5 % 7 - 3));
                    row.put(Law.Input.BATCH, .6 * Math.pow(n * perParameter, .57) * Math.pow(2, i * 3 % 5 - 2));
                    rows.add(row);
                }
            }
        }
        return rows;
    }

    static double[] inputs(Law law, Map<Law.Input, Double> row) {
        return law.inputs().stream().mapToDouble(row::get).toArray();
    }

    /** @param noise standard deviation of log loss */
    static LawPoints points(Law law, double[] truth, double noise) {
        Random random = new Random(7);
        return LawPoints.of(design().stream()
                .map(row -> point(row, law.loss(truth, inputs(law, row)) * Math.exp(noise * random.nextGaussian())))
                .toList());
    }

    static FitPoint point(Map<Law.Input, Double> row, double loss) {
        Map<Law.Input, Double> further = new EnumMap<>(row);
        further.keySet().removeAll(List.of(Law.Input.N, Law.Input.D, Law.Input.C));
        return new FitPoint(
                        row.getOrDefault(Law.Input.N, 1.0),
                        row.getOrDefault(Law.Input.D, 1.0),
                        row.getOrDefault(Law.Input.C, 1.0),
                        loss,
                        null,
                        null,
                        1)
                .with(further);
    }
}
