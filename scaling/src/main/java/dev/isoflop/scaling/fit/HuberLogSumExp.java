package dev.isoflop.scaling.fit;

/**
 * Hoffmann et al. 2022, equation 3: f(theta) = sum w_i Huber_delta(LSE(a - alpha x_i, b - beta y_i, e) - ln L_i), with its
 * exact gradient and Hessian. A sum and not a mean, so that tolerances do not loosen with the number of points.
 *
 * <p>x = ln N and y = ln D are centred here (the condition number of the Gauss-Newton matrix on the Chinchilla points
 * falls from 4e6 to 4e3), so a and b are those of the centred problem; {@link #uncentred} undoes it.
 *
 * <p>Parameters in order: a, b, e, alpha, beta.
 */
final class HuberLogSumExp extends Objective {

    static final int PARAMETERS = 5;

    private final double[] x;
    private final double[] y;
    private final double[] logLoss;
    private final double[] weight;
    private final int n;
    private final double delta;
    private final double meanX;
    private final double meanY;

    HuberLogSumExp(double[] lnN, double[] lnD, double[] logLoss, double[] weight, double delta) {
        this(
                centred(lnN, mean(lnN)),
                centred(lnD, mean(lnD)),
                logLoss,
                weight,
                lnN.length,
                delta,
                mean(lnN),
                mean(lnD));
    }

    private HuberLogSumExp(
            double[] x,
            double[] y,
            double[] logLoss,
            double[] weight,
            int n,
            double delta,
            double meanX,
            double meanY) {
        super(PARAMETERS);
        this.x = x;
        this.y = y;
        this.logLoss = logLoss;
        this.weight = weight;
        this.n = n;
        this.delta = delta;
        this.meanX = meanX;
        this.meanY = meanY;
    }

    /** The same points with other weights, those of weight 0 left out; the centring stays, so vectors carry over. */
    HuberLogSumExp reweighted(double[] factors) {
        int kept = 0;
        for (double f : factors) {
            if (f > 0) {
                kept++;
            }
        }
        double[] nx = new double[kept];
        double[] ny = new double[kept];
        double[] nl = new double[kept];
        double[] nw = new double[kept];
        int k = 0;
        for (int i = 0; i < n; i++) {
            if (factors[i] > 0) {
                nx[k] = x[i];
                ny[k] = y[i];
                nl[k] = logLoss[i];
                nw[k] = weight[i] * factors[i];
                k++;
            }
        }
        return new HuberLogSumExp(nx, ny, nl, nw, kept, delta, meanX, meanY);
    }

    /** The same points with other losses. */
    HuberLogSumExp withLogLoss(double[] other) {
        return new HuberLogSumExp(x, y, other, weight, n, delta, meanX, meanY);
    }

    int size() {
        return n;
    }

    double x(int i) {
        return x[i];
    }

    double y(int i) {
        return y[i];
    }

    double logLoss(int i) {
        return logLoss[i];
    }

    double weight(int i) {
        return weight[i];
    }

    double delta() {
        return delta;
    }

    double residual(double[] t, int i) {
        return Math.log(Math.exp(t[0] - t[3] * x[i]) + Math.exp(t[1] - t[4] * y[i]) + Math.exp(t[2])) - logLoss[i];
    }

    @Override
    double valueAt(double[] t) {
        double ee = Math.exp(t[2]);
        double sum = 0;
        for (int i = 0; i < n; i++) {
            double r = Math.log(Math.exp(t[0] - t[3] * x[i]) + Math.exp(t[1] - t[4] * y[i]) + ee) - logLoss[i];
            double magnitude = Math.abs(r);
            sum += weight[i] * (magnitude <= delta ? 0.5 * r * r : delta * (magnitude - 0.5 * delta));
        }
        return Double.isFinite(sum) ? sum : Double.POSITIVE_INFINITY;
    }

    @Override
    void evaluate(double[] t) {
        double ta = t[0];
        double tb = t[1];
        double alpha = t[3];
        double beta = t[4];
        double ee = Math.exp(t[2]);
        double sum = 0;
        // moments: g = sum psi J; h = sum (q - psi) J J' ; m = sum (psi / r) J J'; d = sum psi * diag blocks
        double g0 = 0, g1 = 0, g2 = 0, g3 = 0, g4 = 0;
        double[] h = new double[15];
        double[] m = new double[15];
        double da = 0, dax = 0, dxx = 0, db = 0, dby = 0, dyy = 0, de = 0;
        for (int i = 0; i < n; i++) {
            double xi = x[i];
            double yi = y[i];
            double p0 = Math.exp(ta - alpha * xi);
            double p1 = Math.exp(tb - beta * yi);
            double s = p0 + p1 + ee;
            double r = Math.log(s) - logLoss[i];
            double w = weight[i];
            double magnitude = Math.abs(r);
            boolean quadratic = magnitude <= delta;
            double psi;
            double q;
            double irls;
            if (quadratic) {
                sum += w * 0.5 * r * r;
                psi = w * r;
                q = w;
                irls = w;
            } else {
                sum += w * delta * (magnitude - 0.5 * delta);
                psi = r > 0 ? w * delta : -w * delta;
                q = 0;
                irls = w * delta / magnitude;
            }
            double inverse = 1 / s;
            p0 *= inverse;
            p1 *= inverse;
            double p2 = ee * inverse;
            double j3 = -xi * p0;
            double j4 = -yi * p1;
            g0 += psi * p0;
            g1 += psi * p1;
            g2 += psi * p2;
            g3 += psi * j3;
            g4 += psi * j4;
            double c = q - psi;
            accumulate(h, c, p0, p1, p2, j3, j4);
            accumulate(m, irls, p0, p1, p2, j3, j4);
            double psi0 = psi * p0;
            double psi1 = psi * p1;
            da += psi0;
            dax -= psi0 * xi;
            dxx += psi0 * xi * xi;
            db += psi1;
            dby -= psi1 * yi;
            dyy += psi1 * yi * yi;
            de += psi * p2;
        }
        value = Double.isFinite(sum) ? sum : Double.POSITIVE_INFINITY;
        gradient[0] = g0;
        gradient[1] = g1;
        gradient[2] = g2;
        gradient[3] = g3;
        gradient[4] = g4;
        unpack(h, hessian);
        unpack(m, majorizer);
        hessian[0][0] += da;
        hessian[0][3] += dax;
        hessian[3][0] += dax;
        hessian[3][3] += dxx;
        hessian[1][1] += db;
        hessian[1][4] += dby;
        hessian[4][1] += dby;
        hessian[4][4] += dyy;
        hessian[2][2] += de;
    }

    private static void accumulate(double[] h, double c, double p0, double p1, double p2, double j3, double j4) {
        double c0 = c * p0;
        double c1 = c * p1;
        double c2 = c * p2;
        double c3 = c * j3;
        h[0] += c0 * p0;
        h[1] += c0 * p1;
        h[2] += c0 * p2;
        h[3] += c0 * j3;
        h[4] += c0 * j4;
        h[5] += c1 * p1;
        h[6] += c1 * p2;
        h[7] += c1 * j3;
        h[8] += c1 * j4;
        h[9] += c2 * p2;
        h[10] += c2 * j3;
        h[11] += c2 * j4;
        h[12] += c3 * j3;
        h[13] += c3 * j4;
        h[14] += c * j4 * j4;
    }

    private static void unpack(double[] packed, double[][] into) {
        int k = 0;
        for (int i = 0; i < PARAMETERS; i++) {
            for (int j = i; j < PARAMETERS; j++) {
                into[i][j] = packed[k];
                into[j][i] = packed[k++];
            }
        }
    }

    /** From the centred a and b to those of the law: A N^-alpha = exp(a' - alpha (ln N - mean)). */
    double[] uncentred(double[] t) {
        return new double[] {t[0] + t[3] * meanX, t[1] + t[4] * meanY, t[2], t[3], t[4]};
    }

    double[] centred(double[] t) {
        return new double[] {t[0] - t[3] * meanX, t[1] - t[4] * meanY, t[2], t[3], t[4]};
    }

    private static double mean(double[] values) {
        double sum = 0;
        for (double v : values) {
            sum += v;
        }
        return sum / values.length;
    }

    private static double[] centred(double[] values, double mean) {
        double[] out = new double[values.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = values[i] - mean;
        }
        return out;
    }
}
