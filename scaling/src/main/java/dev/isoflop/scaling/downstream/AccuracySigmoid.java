package dev.isoflop.scaling.downstream;

import dev.isoflop.scaling.law.Jet;
import dev.isoflop.scaling.law.LawPoints;
import dev.isoflop.scaling.law.form.Form;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Accuracy = b + a / (1 + exp(-k (L - L0))) of L bits per byte on a task's answers (Bhagia et al. 2024, step 2). a is not positive: accuracy falls from b at no loss to
 * b + a, chance, at much of it.
 */
public final class AccuracySigmoid extends Form {

    public AccuracySigmoid() {
        super(
                "accuracy-sigmoid",
                "accuracy = b + a / (1 + exp(-k (L - L0)))",
                List.of(Input.BPB),
                List.of(
                        Coefficient.between("a", -1, 0),
                        Coefficient.between("L0", 0, Double.POSITIVE_INFINITY),
                        Coefficient.between("k", 0, Double.POSITIVE_INFINITY),
                        Coefficient.between("b", 0, 1)));
    }

    /** @return accuracy, a share */
    @Override
    public Jet loss(Jet[] c, double[] x) {
        Jet t = c[1].negated().plus(x[0]).times(c[2]);
        double s = logistic(t.value());
        double slope = s * (1 - s);
        return t.chain(s, slope, slope * (1 - 2 * s)).times(c[0]).plus(c[3]);
    }

    private static double logistic(double t) {
        return 1 / (1 + Math.exp(-t));
    }

    @Override
    public List<double[]> candidates(LawPoints points) {
        double[] x = points.column(Input.BPB);
        double low = Arrays.stream(x).limit(points.measured()).min().orElse(0);
        double high = Arrays.stream(x).limit(points.measured()).max().orElse(1);
        double range = Math.max(high - low, 1e-3 * high);
        List<double[]> out = new ArrayList<>();
        for (double centre : new double[] {low - range, low - range / 2, low, low + range / 4, low + range / 2, high}) {
            for (double steepness : new double[] {.5, 2, 5, 10, 20, 50}) {
                double L0 = Math.max(0, centre);
                double k = steepness / range;
                double[] ends = ends(points, x, L0, k);
                out.add(new double[] {ends[0], L0, k, ends[1]});
            }
        }
        return out;
    }

    /** The best a and b in their ranges, in which the formula is linear. */
    private static double[] ends(LawPoints points, double[] x, double L0, double k) {
        double n = x.length;
        double s = 0;
        double ss = 0;
        double y = 0;
        double sy = 0;
        for (int i = 0; i < x.length; i++) {
            double v = logistic(k * (x[i] - L0));
            s += v;
            ss += v * v;
            y += points.loss(i);
            sy += v * points.loss(i);
        }
        double spread = n * ss - s * s;
        double a = Math.clamp(spread > 0 ? (n * sy - s * y) / spread : 0, -1, 0);
        double b = Math.clamp((y - a * s) / n, 0, 1);
        // b may have been cut: what a is best then
        return new double[] {ss > 0 ? Math.clamp((sy - b * s) / ss, -1, 0) : a, b};
    }
}
