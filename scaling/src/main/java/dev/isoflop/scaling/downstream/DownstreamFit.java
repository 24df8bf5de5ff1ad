package dev.isoflop.scaling.downstream;

import dev.isoflop.scaling.fit.Criterion;
import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.fit.LawFit;
import dev.isoflop.scaling.fit.Resamples;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.ComputeOptimum;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.Law;
import dev.isoflop.scaling.law.LawPoints;
import dev.isoflop.scaling.law.form.Chinchilla;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.commons.math3.random.MersenneTwister;

/**
 * Accuracy in two steps (Bhagia et al. 2024): a law of bits per byte, fitted to the ends of small runs, and a sigmoid from bits per byte to accuracy, fitted to all their
 * checkpoints by bounded least squares.
 *
 * <p>The uncertainty of the first step is carried into the second: each bootstrap vector of the law gives bits per byte of its own, with the residual of a run drawn for
 * the target's scatter, and these go through a bootstrap vector of the sigmoid. A band around the sigmoid alone, as is usual, leaves out most of it: the sigmoid
 * interpolates and the law does not.
 */
public final class DownstreamFit {

    private final LawFit.Minimum bpb;
    private final LawFit.Minimum accuracy;
    private final Resamples ofBpb;
    private final Resamples ofAccuracy;
    /** By draw: of the logarithm of bits per byte. */
    private final double[] bpbScatter;
    /** By draw: of accuracy. */
    private final double[] accuracyScatter;

    private final double level;

    private DownstreamFit(
            LawFit.Minimum bpb,
            LawFit.Minimum accuracy,
            Resamples ofBpb,
            Resamples ofAccuracy,
            double[] bpbScatter,
            double[] accuracyScatter,
            double level) {
        this.bpb = bpb;
        this.accuracy = accuracy;
        this.ofBpb = ofBpb;
        this.ofAccuracy = ofAccuracy;
        this.bpbScatter = bpbScatter;
        this.accuracyScatter = accuracyScatter;
        this.level = level;
    }

    /**
     * @param runs that ended; their loss is bits per byte on the task's answers
     * @param checkpoints of all runs, smoothed
     * @throws IllegalArgumentException if the runs lack an input of the law
     */
    public static FitOutcome<DownstreamFit> of(
            List<FitPoint> runs, List<Checkpoint> checkpoints, DownstreamOptions options, int threads) {
        LawPoints first = LawPoints.of(runs);
        FitOutcome<LawFit.Minimum> bpb = LawFit.minimum(options.law(), first, options.criterion(), threads);
        if (bpb instanceof FitOutcome.Refused<LawFit.Minimum> refused) {
            return refused.as();
        }
        LawPoints second = points(checkpoints, options.anchored());
        Criterion square = new Criterion.Square(false);
        FitOutcome<LawFit.Minimum> accuracy = LawFit.minimum(new AccuracySigmoid(), second, square, threads);
        if (accuracy instanceof FitOutcome.Refused<LawFit.Minimum> refused) {
            return refused.as();
        }
        LawFit.Minimum law = bpb.orElseThrow();
        LawFit.Minimum sigmoid = accuracy.orElseThrow();
        int count = options.resamples();
        // independent draws: the steps are fitted to different measurements
        MersenneTwister random = new MersenneTwister(options.seed() ^ 0x5ca1ab1eL);
        return new FitOutcome.Converged<>(new DownstreamFit(
                law,
                sigmoid,
                LawFit.resample(law, first, options.criterion(), options.runs(), count, options.seed(), threads),
                LawFit.resample(sigmoid, second, square, options.checkpoints(), count, options.seed() + 1, threads),
                scatter(law, first, true, count, random),
                scatter(sigmoid, second, false, count, random),
                options.level()));
    }

    private static LawPoints points(List<Checkpoint> checkpoints, boolean anchored) {
        LawPoints points = LawPoints.measured(
                        checkpoints.stream().mapToDouble(Checkpoint::accuracy).toArray(),
                        checkpoints.stream().map(Checkpoint::run).toArray(String[]::new))
                .with(
                        Law.Input.BPB,
                        checkpoints.stream().mapToDouble(Checkpoint::bpb).toArray());
        return anchored ? points.withAnchor(Map.of(Law.Input.BPB, 0.0), 1) : points;
    }

    /** Residuals drawn anew, widened by the freedom that the fit took from them. */
    private static double[] scatter(
            LawFit.Minimum fit, LawPoints points, boolean ofLog, int count, MersenneTwister random) {
        double[][] x = points.rows(fit.law());
        int n = points.measured();
        double wider = Math.sqrt((double) n / Math.max(1, n - fit.values().length));
        double[] residuals = new double[n];
        for (int i = 0; i < n; i++) {
            double predicted = fit.loss(x[i]);
            residuals[i] = wider * (ofLog ? Math.log(points.loss(i) / predicted) : points.loss(i) - predicted);
        }
        double[] drawn = new double[count];
        for (int i = 0; i < count; i++) {
            drawn[i] = residuals[random.nextInt(n)];
        }
        return drawn;
    }

    /** The law of bits per byte. */
    public LawFit.Minimum bpb() {
        return bpb;
    }

    /** The sigmoid from bits per byte to accuracy. */
    public LawFit.Minimum accuracy() {
        return accuracy;
    }

    /** Coefficients of the law of bits per byte, in its order. */
    public Map<String, Estimate> bpbCoefficients() {
        return coefficients(bpb, ofBpb);
    }

    /** Coefficients of the sigmoid, in its order. */
    public Map<String, Estimate> accuracyCoefficients() {
        return coefficients(accuracy, ofAccuracy);
    }

    private Map<String, Estimate> coefficients(LawFit.Minimum fit, Resamples resamples) {
        Map<String, Estimate> out = new LinkedHashMap<>();
        for (int k = 0; k < fit.values().length; k++) {
            int index = k;
            out.put(resamples.names().get(k), resamples.estimate(fit.values()[k], level, row -> row[index]));
        }
        return Collections.unmodifiableMap(out);
    }

    /**
     * N and D of the fewest bits per byte under C = 6 N D.
     *
     * @param C training FLOPs
     * @return empty if the law has none: it is not Chinchilla's, or one of its terms came out as nothing
     */
    public Optional<ComputeOptimum> optimum(double C) {
        if (!(bpb.law() instanceof Chinchilla)) {
            return Optional.empty();
        }
        ComputeOptimum found = new ChinchillaLaw(
                        bpb.value("E"), bpb.value("A"), bpb.value("B"), bpb.value("alpha"), bpb.value("beta"))
                .optimum(C);
        return found.N() >= 1 && found.D() >= 1 && Double.isFinite(found.loss())
                ? Optional.of(found)
                : Optional.empty();
    }

    /** What a run of D tokens with N parameters will reach, its further inputs unknown: for laws of N, D and C. */
    public DownstreamPrediction predict(double N, double D) {
        // a point's loss has to be positive, and is what is asked for
        return predict(FitPoint.of(N, D, 1));
    }

    /** @param run what is to be trained; its loss is ignored */
    public DownstreamPrediction predict(FitPoint run) {
        double[] x = bpb.law().inputs().stream().mapToDouble(run::input).toArray();
        double loss = bpb.loss(x);
        List<double[]> draws = new ArrayList<>();
        for (int i = 0; i < ofBpb.size(); i++) {
            double[] sigmoid = ofAccuracy.rows().get(i);
            double drawnLoss = bpb.law().loss(ofBpb.rows().get(i), x) * Math.exp(bpbScatter[i]);
            draws.add(new double[] {
                drawnLoss, share(sigmoid, drawnLoss, accuracyScatter[i]), share(sigmoid, loss, accuracyScatter[i])
            });
        }
        Resamples together = new Resamples(List.of("bpb", "accuracy", "accuracyAtBpb"), draws);
        double right = accuracy.loss(loss);
        Estimate bits = together.estimate(loss, level, d -> d[0]);
        return new DownstreamPrediction(
                run.N(),
                run.D(),
                bits,
                together.estimate(right, level, d -> d[1]),
                together.estimate(right, level, d -> d[2]));
    }

    private double share(double[] sigmoid, double loss, double scatter) {
        return Math.clamp(accuracy.law().loss(sigmoid, loss) + scatter, 0, 1);
    }
}
