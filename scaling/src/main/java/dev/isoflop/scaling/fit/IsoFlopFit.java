package dev.isoflop.scaling.fit;

import dev.isoflop.scaling.law.Budgets;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.InputHash;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.commons.math3.distribution.NormalDistribution;
import org.apache.commons.math3.distribution.TDistribution;
import org.apache.commons.math3.random.MersenneTwister;

/**
 * Approach 2 (Hoffmann et al. 2022, section 3.2): a parabola of loss in ln N for each budget, power laws through the
 * vertices.
 *
 * <p>Intervals come from residual resampling: noise is drawn from the residuals of all budgets together, freed of
 * leverage and scaled to the larger of their own standard deviation and that of replicates (points of one C and N), then
 * by Student's over the normal quantile for the few degrees of freedom a sweep leaves. Residuals hold the parabola's
 * misfit as well as a run's noise, so the larger of the two is the cautious one. The power laws weigh each vertex by its
 * bootstrap variance, and when the vertices scatter about the line by more than that their intervals are widened by the
 * Birge ratio.
 *
 * <p>Approach 2 is biased even without noise where alpha differs from beta, by some per cent of D* at 8-fold grids; the
 * interval does not include that.
 *
 * <p>Runs on the calling thread; holds no state.
 */
public final class IsoFlopFit {

    /** Name stored with results. */
    public static final String METHOD = "isoflop-parabola";

    private IsoFlopFit() {}

    /**
     * @param points one a trained model, with {@code C} the budget it belongs to
     */
    public static IsoFlopResult fit(List<FitPoint> points, IsoFlopOptions options) {
        List<BudgetRegression> budgets = Budgets.of(points).stream()
                .map(budget -> new BudgetRegression(budget.C(), budget.points(), options))
                .toList();
        NoiseModel noise = NoiseModel.of(budgets, points, options.level());
        List<double[][]> vertices = resample(budgets, noise, options);
        List<BudgetFit> fits = new ArrayList<>();
        List<BudgetRegression> good = new ArrayList<>();
        List<double[][]> goodVertices = new ArrayList<>();
        for (int i = 0; i < budgets.size(); i++) {
            BudgetRegression budget = budgets.get(i);
            FitOutcome<Parabola> parabola = judge(budget, vertices.get(i), noise, options);
            fits.add(new BudgetFit(budget.C, budget.points, budget.usedCount(), parabola));
            if (parabola.converged()) {
                good.add(budget);
                goodVertices.add(vertices.get(i));
            }
        }
        Map<String, Double> diagnostics = new TreeMap<>();
        diagnostics.put("residualSd", noise.residualSd());
        diagnostics.put("residualFreedom", (double) noise.residualFreedom());
        diagnostics.put("replicateSd", noise.replicateSd());
        diagnostics.put("replicateFreedom", (double) noise.replicateFreedom());
        diagnostics.put("noiseSdUsed", noise.sigma());
        return new IsoFlopResult(
                METHOD,
                options,
                InputHash.of(points, options),
                fits,
                laws(good, goodVertices, noise, options),
                Collections.unmodifiableMap(diagnostics));
    }

    /** For each budget {ln N* by resample, loss by resample}; empty where no curve was fitted. */
    private static List<double[][]> resample(List<BudgetRegression> budgets, NoiseModel noise, IsoFlopOptions options) {
        MersenneTwister random = new MersenneTwister(options.seed());
        List<double[][]> out = new ArrayList<>();
        for (BudgetRegression budget : budgets) {
            if (budget.refusal != null) {
                out.add(new double[2][0]);
                continue;
            }
            double[][] vertices = new double[2][options.resamples()];
            double[] draw = new double[budget.usedCount()];
            for (int b = 0; b < options.resamples(); b++) {
                Arrays.setAll(draw, i -> noise.draw(random));
                double[] vertex = budget.resampledVertex(draw);
                vertices[0][b] = vertex[0];
                vertices[1][b] = vertex[1];
            }
            out.add(vertices);
        }
        return out;
    }

    private static FitOutcome<Parabola> judge(
            BudgetRegression budget, double[][] vertices, NoiseModel noise, IsoFlopOptions options) {
        if (budget.refusal != null) {
            return budget.refusal;
        }
        double curvature = budget.curvature();
        double error = budget.curvatureError(noise.rawSigma());
        if (!(curvature > 0)) {
            return new FitOutcome.Refused<>(
                    RefusalReason.CONCAVE,
                    Refusals.format(
                            "At %.3g FLOPs the curve opens downwards (curvature %.3g): there is no minimum in N.",
                            budget.C, curvature),
                    Map.of("C", budget.C, "curvature", curvature));
        }
        double logN = budget.logVertex();
        if (!budget.inside(logN)) {
            boolean below = logN <= Math.log(budget.lowN());
            return new FitOutcome.Refused<>(
                    RefusalReason.VERTEX_OUTSIDE_RANGE,
                    Refusals.format(
                            "At %.3g FLOPs the minimum lies at N = %.3g, %s the sampled %.3g to %.3g. Add %s models.",
                            budget.C,
                            Math.exp(logN),
                            below ? "below" : "above",
                            budget.lowN(),
                            budget.highN(),
                            below ? "smaller" : "larger"),
                    Map.of("C", budget.C, "N", Math.exp(logN), "lowN", budget.lowN(), "highN", budget.highN()));
        }
        Estimate n = exp(Resamples.percentile(logN, options.level(), vertices[0]));
        if (curvature < options.minCurvatureT() * error || !n.isFinite() || n.low() == 0) {
            return new FitOutcome.Refused<>(
                    RefusalReason.WEAK_CURVATURE,
                    Refusals.format(
                            "At %.3g FLOPs the curvature %.3g is %.2g standard errors (noise %.3g nats): the minimum is not "
                                    + "located. Add sizes further out, or seeds.",
                            budget.C, curvature, curvature / error, noise.rawSigma()),
                    Map.of("C", budget.C, "curvature", curvature, "standardError", error));
        }
        int interior = 0;
        for (double each : vertices[0]) {
            interior += budget.inside(each) ? 1 : 0;
        }
        double c6 = budget.C / 6;
        return new FitOutcome.Converged<>(new Parabola(
                n,
                new Estimate(c6 / n.value(), c6 / n.high(), c6 / n.low()),
                Resamples.percentile(budget.vertexLoss(), options.level(), vertices[1]),
                curvature,
                budget.lowN(),
                budget.highN(),
                Math.sqrt(budget.residualSum() / Math.max(1, budget.freedom())),
                (double) interior / vertices[0].length));
    }

    private static FitOutcome<IsoFlopLaws> laws(
            List<BudgetRegression> budgets, List<double[][]> vertices, NoiseModel noise, IsoFlopOptions options) {
        int m = budgets.size();
        if (m < options.minBudgets()) {
            return new FitOutcome.Refused<>(
                    RefusalReason.TOO_FEW_BUDGETS,
                    Refusals.format(
                            "A power law with a check needs %d budgets with an optimum; there are %d.",
                            options.minBudgets(), m),
                    Map.of("budgets", (double) m, "needed", (double) options.minBudgets()));
        }
        double[] logC = budgets.stream().mapToDouble(b -> Math.log(b.C)).toArray();
        double[] logN =
                budgets.stream().mapToDouble(BudgetRegression::logVertex).toArray();
        double[] loss =
                budgets.stream().mapToDouble(BudgetRegression::vertexLoss).toArray();
        double[] sigma = vertices.stream().mapToDouble(v -> halfWidth(v[0])).toArray();
        double smallest = Arrays.stream(sigma).max().orElseThrow() * 1e-3;
        double[] weight = Arrays.stream(sigma)
                .map(s -> options.weightedVertices() && smallest > 1e-12 ? 1 / Math.pow(Math.max(s, smallest), 2) : 1)
                .toArray();
        double pivot = WeightedLine.mean(logC, weight);
        double[] line = line(logC, logN, weight, pivot);
        double chi2 = 0;
        for (int i = 0; i < m; i++) {
            double r = logN[i] - line[0] - line[1] * (logC[i] - pivot);
            chi2 += smallest > 1e-12 ? r * r / Math.pow(Math.max(sigma[i], smallest), 2) : 0;
        }
        double birge = Math.sqrt(chi2 / (m - 2));
        double widen = Math.max(1, birge);
        double[] floor = new LossFloorFit(logC, loss).fit();
        List<double[]> rows = new ArrayList<>();
        for (int b = 0; b < options.resamples(); b++) {
            double[] row = row(b, logC, vertices, weight, pivot, line, widen);
            if (row.length > 0) {
                rows.add(row);
            }
        }
        Resamples resamples = new Resamples(List.of("ln k", "a", "floor", "ln scale", "decay"), rows);
        double level = options.level();
        Estimate exponent = resamples.estimate(line[1], level, r -> r[1]);
        Estimate logK = resamples.estimate(line[0] - line[1] * pivot, level, r -> r[0]);
        Estimate k = exp(logK);
        return new FitOutcome.Converged<>(new IsoFlopLaws(
                new PowerLaw(k, exponent),
                new PowerLaw(
                        new Estimate(1 / (6 * k.value()), 1 / (6 * k.high()), 1 / (6 * k.low())),
                        new Estimate(1 - exponent.value(), 1 - exponent.high(), 1 - exponent.low())),
                resamples.estimate(floor[0], level, r -> r[2]),
                exp(resamples.estimate(floor[1], level, r -> r[3])),
                resamples.estimate(floor[2], level, r -> r[4]),
                birge,
                noise.rawSigma(),
                budgets.getFirst().C,
                budgets.getLast().C,
                options.seed(),
                level,
                options.maxExtrapolation(),
                resamples));
    }

    /** One resample's laws; a budget whose resampled parabola has no minimum sits this one out. Empty below 3 budgets. */
    private static double[] row(
            int b,
            double[] logC,
            List<double[][]> vertices,
            double[] weight,
            double pivot,
            double[] line,
            double widen) {
        int m = logC.length;
        double[] x = new double[m];
        double[] n = new double[m];
        double[] l = new double[m];
        double[] w = new double[m];
        int kept = 0;
        for (int i = 0; i < m; i++) {
            double each = vertices.get(i)[0][b];
            if (!Double.isNaN(each)) {
                x[kept] = logC[i];
                n[kept] = each;
                l[kept] = vertices.get(i)[1][b];
                w[kept++] = weight[i];
            }
        }
        if (kept < 3) {
            return new double[0];
        }
        x = Arrays.copyOf(x, kept);
        double[] drawn = line(x, Arrays.copyOf(n, kept), Arrays.copyOf(w, kept), pivot);
        double height = line[0] + widen * (drawn[0] - line[0]);
        double slope = line[1] + widen * (drawn[1] - line[1]);
        double[] floor = new LossFloorFit(x, Arrays.copyOf(l, kept)).fit();
        return new double[] {height - slope * pivot, slope, floor[0], floor[1], floor[2]};
    }

    /** {height at pivot, slope}. */
    private static double[] line(double[] x, double[] y, double[] w, double pivot) {
        WeightedLine line = WeightedLine.through(x, y, w);
        return new double[] {line.at(pivot), line.slope()};
    }

    /** Half the central 68 %: a standard deviation that a resample with a far vertex does not dominate. */
    private static double halfWidth(double[] values) {
        double[] sorted =
                Arrays.stream(values).filter(v -> !Double.isNaN(v)).sorted().toArray();
        int n = sorted.length;
        return n < 2 ? 0 : (Resamples.quantile(sorted, n, 0.8413) - Resamples.quantile(sorted, n, 0.1587)) / 2;
    }

    private static Estimate exp(Estimate e) {
        return new Estimate(Math.exp(e.value()), Math.exp(e.low()), Math.exp(e.high()));
    }

    /**
     * Pooled noise of a run.
     *
     * @param pool residuals of all budgets, centred, of unit variance
     * @param rawSigma the larger of residual and replicate standard deviation, nats
     * @param sigma the same, widened for its degrees of freedom
     */
    private record NoiseModel(
            double[] pool,
            double rawSigma,
            double sigma,
            double residualSd,
            int residualFreedom,
            double replicateSd,
            int replicateFreedom) {

        static NoiseModel of(List<BudgetRegression> budgets, List<FitPoint> points, double level) {
            List<Double> residuals = new ArrayList<>();
            double sum = 0;
            int freedom = 0;
            for (BudgetRegression budget : budgets) {
                residuals.addAll(budget.freedResiduals());
                sum += budget.residualSum();
                freedom += budget.freedom();
            }
            double residualSd = freedom > 0 ? Math.sqrt(sum / freedom) : 0;
            double[] replicate = replicates(points);
            double replicateSd = replicate[1] > 0 ? Math.sqrt(replicate[0] / replicate[1]) : 0;
            boolean fromReplicates = replicateSd > residualSd;
            double raw = Math.max(residualSd, replicateSd);
            double degrees = fromReplicates ? replicate[1] : freedom;
            double tail = 0.5 + level / 2;
            double widen = degrees > 0
                    ? new TDistribution(degrees).inverseCumulativeProbability(tail)
                            / new NormalDistribution().inverseCumulativeProbability(tail)
                    : 1;
            return new NoiseModel(
                    standardised(residuals), raw, raw * widen, residualSd, freedom, replicateSd, (int) replicate[1]);
        }

        /** Weighted sum of squares within cells of one (C, N), and its degrees of freedom. */
        private static double[] replicates(List<FitPoint> points) {
            record Cell(double C, double N) {}
            Map<Cell, List<FitPoint>> cells = new java.util.LinkedHashMap<>();
            for (FitPoint p : points) {
                cells.computeIfAbsent(new Cell(p.C(), p.N()), c -> new ArrayList<>())
                        .add(p);
            }
            double sum = 0;
            int freedom = 0;
            for (List<FitPoint> cell : cells.values()) {
                double total = cell.stream().mapToDouble(FitPoint::weight).sum();
                double mean =
                        cell.stream().mapToDouble(p -> p.weight() * p.loss()).sum() / total;
                for (FitPoint p : cell) {
                    sum += p.weight() * Math.pow(p.loss() - mean, 2);
                }
                freedom += cell.size() - 1;
            }
            return new double[] {sum, freedom};
        }

        private static double[] standardised(List<Double> residuals) {
            int n = residuals.size();
            if (n == 0) {
                return new double[] {0};
            }
            double mean = residuals.stream()
                    .mapToDouble(Double::doubleValue)
                    .average()
                    .orElseThrow();
            double ss = 0;
            for (double r : residuals) {
                ss += (r - mean) * (r - mean);
            }
            double sd = Math.sqrt(ss / n);
            double[] out = new double[n];
            for (int i = 0; i < n; i++) {
                out[i] = sd > 0 ? (residuals.get(i) - mean) / sd : 0;
            }
            return out;
        }

        double draw(MersenneTwister random) {
            return sigma * pool[random.nextInt(pool.length)];
        }
    }
}
