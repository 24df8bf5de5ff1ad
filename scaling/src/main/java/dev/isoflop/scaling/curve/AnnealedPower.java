package dev.isoflop.scaling.curve;

import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.ArrayRealVector;
import org.apache.commons.math3.linear.MatrixUtils;
import org.apache.commons.math3.linear.QRDecomposition;
import org.apache.commons.math3.linear.RealMatrix;
import org.apache.commons.math3.linear.RealVector;

/**
 * L(s) = L0 + A·(S1(s)/S1(now))^-α - C·S2(s): a regression with priors for each α of a grid, averaged by evidence. Losses are in units of the one of now.
 *
 * <p>The three coefficients have independent normal priors. S1 is divided by what it is now, so that L0 and A are shares of the loss of now: L0 0.7 ± 0.2, A 0.3 ± 0.5. α is log-normal
 * about 0.5.
 *
 * <p>C is what the loss falls by when the rate comes down from its peak to nothing. A curve at a constant rate does not show it, and it is worth 1 to 18 % of the loss: the more the higher the
 * rate and the more steps are taken at it. With η the peak rate and T the steps ({@link RateSchedule#travel}), C is 0.01 (η T)^0.4, give or take 0.6 of that and 0.01 (docs/benchmarks/outlook.md).
 */
final class AnnealedPower {

    private static final double[] LEVEL_AND_POWER = {0.7, 0.3};
    private static final double[] LEVEL_AND_POWER_SD = {0.2, 0.5};
    /** What annealing is worth at a travel of 1, and the power of travel by which it is worth more. */
    private static final double WORTH = 0.01;

    private static final double WORTH_POWER = 0.4;
    private static final double WORTH_RELATIVE_SD = 0.6;
    private static final double WORTH_SD = 0.01;
    /** Of runs near the best rate; for those whose rate nobody told. */
    private static final double USUAL_TRAVEL = 15;

    private static final double EXPONENT = 0.5;
    private static final double EXPONENT_LOG_SD = 0.8;

    private static final int EXPONENTS = 20;
    private static final double LEAST_EXPONENT = 0.05;
    private static final double MOST_EXPONENT = 2;

    private static final int ROUNDS = 20;
    /** Of losses in units of the one of now: a curve without any noise must not have an infinite weight. */
    private static final double LEAST_VARIANCE = 1e-14;

    private final RateSchedule schedule;
    private final double areaNow;
    private final double[] priorMean;
    private final double[] priorSd;

    private AnnealedPower(RateSchedule schedule, double areaNow) {
        this.schedule = schedule;
        this.areaNow = areaNow;
        double worth = WORTH * Math.pow(schedule.travel() > 0 ? schedule.travel() : USUAL_TRAVEL, WORTH_POWER);
        this.priorMean = new double[] {LEVEL_AND_POWER[0], LEVEL_AND_POWER[1], worth};
        this.priorSd =
                new double[] {LEVEL_AND_POWER_SD[0], LEVEL_AND_POWER_SD[1], WORTH_RELATIVE_SD * worth + WORTH_SD};
    }

    /** @param now share of the tokens seen, above the warm-up */
    static AnnealedPower of(RateSchedule schedule, double now) {
        return new AnnealedPower(schedule, schedule.area(now));
    }

    /** What L0, A and C are multiplied by. */
    private static double[] row(double area, double rate, double exponent) {
        return new double[] {1, Math.pow(area, -exponent), rate - 1};
    }

    Posterior fit(Stretches data) {
        Member[] members = new Member[EXPONENTS];
        double[] weights = new double[EXPONENTS];
        double best = Double.NEGATIVE_INFINITY;
        double[] areas = new double[data.size()];
        for (int i = 0; i < areas.length; i++) {
            areas[i] = schedule.area(data.shares()[i]) / areaNow;
        }
        for (int k = 0; k < EXPONENTS; k++) {
            double exponent = LEAST_EXPONENT * Math.pow(MOST_EXPONENT / LEAST_EXPONENT, k / (EXPONENTS - 1.0));
            double[][] rows = new double[areas.length][];
            for (int i = 0; i < areas.length; i++) {
                rows[i] = row(areas[i], schedule.rate(data.shares()[i]), exponent);
            }
            members[k] = regress(exponent, rows, data.losses(), data.variance());
            double off = Math.log(exponent / EXPONENT) / EXPONENT_LOG_SD;
            weights[k] = members[k].evidence - off * off / 2;
            best = Math.max(best, weights[k]);
        }
        double sum = 0;
        for (int k = 0; k < EXPONENTS; k++) {
            weights[k] = Math.exp(weights[k] - best);
            sum += weights[k];
        }
        for (int k = 0; k < EXPONENTS; k++) {
            weights[k] /= sum;
        }
        return new Posterior(members, weights);
    }

    /**
     * The noise is what the losses scatter by within their stretches, or more where they lie further off the curve: it and the coefficients are found in turns. The prior is three more
     * rows, so that the rank is full whatever the curve.
     */
    private Member regress(double exponent, double[][] rows, double[] losses, double variance) {
        int unknowns = priorMean.length;
        double noise = Math.max(LEAST_VARIANCE, variance);
        for (int round = 0; ; round++) {
            RealMatrix all = new Array2DRowRealMatrix(rows.length + unknowns, unknowns);
            RealVector wanted = new ArrayRealVector(rows.length + unknowns);
            double weight = 1 / Math.sqrt(noise);
            for (int i = 0; i < rows.length; i++) {
                for (int j = 0; j < unknowns; j++) {
                    all.setEntry(i, j, rows[i][j] * weight);
                }
                wanted.setEntry(i, losses[i] * weight);
            }
            for (int j = 0; j < unknowns; j++) {
                all.setEntry(rows.length + j, j, 1 / priorSd[j]);
                wanted.setEntry(rows.length + j, priorMean[j] / priorSd[j]);
            }
            QRDecomposition solver = new QRDecomposition(all);
            RealVector found = solver.getSolver().solve(wanted);
            RealVector off = wanted.subtract(all.operate(found));
            RealVector ofLosses = off.getSubVector(0, rows.length);
            double squares = ofLosses.dotProduct(ofLosses) * noise;
            double next = Math.max(Math.max(LEAST_VARIANCE, variance), squares / Math.max(1, rows.length - unknowns));
            if (round == ROUNDS || Math.abs(next / noise - 1) < 1e-3) {
                RealMatrix triangle = solver.getR().getSubMatrix(0, unknowns - 1, 0, unknowns - 1);
                double logRoot = 0;
                for (int j = 0; j < unknowns; j++) {
                    logRoot += Math.log(Math.abs(triangle.getEntry(j, j)));
                }
                double evidence = -0.5 * (rows.length * Math.log(noise) + off.dotProduct(off)) - logRoot;
                RealMatrix inverse = MatrixUtils.inverse(triangle);
                return new Member(exponent, found, inverse.multiply(inverse.transpose()), noise, evidence);
            }
            noise = next;
        }
    }

    /**
     * One exponent's.
     *
     * @param coefficients L0, A, C
     * @param noise variance of a stretch about the curve
     * @param evidence logarithm, up to a constant that all exponents share
     */
    private record Member(
            double exponent, RealVector coefficients, RealMatrix covariance, double noise, double evidence) {

        double at(double[] row) {
            return coefficients.dotProduct(new ArrayRealVector(row, false));
        }

        double variance(double[] row) {
            RealVector at = new ArrayRealVector(row, false);
            return at.dotProduct(covariance.operate(at));
        }
    }

    /** The mixture over exponents. */
    final class Posterior {

        private final Member[] members;
        private final double[] weights;

        private Posterior(Member[] members, double[] weights) {
            this.members = members;
            this.weights = weights;
        }

        /** Loss at a share of the tokens, in units of the one of now. */
        double at(double share) {
            double area = schedule.area(share) / areaNow;
            double rate = schedule.rate(share);
            double sum = 0;
            for (int k = 0; k < members.length; k++) {
                sum += weights[k] * members[k].at(row(area, rate, members[k].exponent));
            }
            return sum;
        }

        /** Standard deviation of {@link #at}: within the exponents and between them. */
        double sd(double share) {
            double area = schedule.area(share) / areaNow;
            double rate = schedule.rate(share);
            double mean = at(share);
            double sum = 0;
            for (int k = 0; k < members.length; k++) {
                double[] row = row(area, rate, members[k].exponent);
                double off = members[k].at(row) - mean;
                sum += weights[k] * (members[k].variance(row) + off * off);
            }
            return Math.sqrt(sum);
        }

        /** Of the stretches about the curve, a standard deviation. */
        double scatter() {
            double sum = 0;
            for (int k = 0; k < members.length; k++) {
                sum += weights[k] * members[k].noise;
            }
            return Math.sqrt(sum);
        }
    }
}
