package dev.isoflop.scaling.bench;

import dev.isoflop.scaling.fit.IsoFlopFit;
import dev.isoflop.scaling.fit.IsoFlopOptions;
import dev.isoflop.scaling.fit.ParametricFit;
import dev.isoflop.scaling.fit.ParametricOptions;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.table.PointTable;
import dev.isoflop.scaling.table.TableException;
import java.io.IOException;
import java.io.PrintStream;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/**
 * Times the fits, beside scipy on the same points in the same run. Arguments: a table of the Chinchilla replication's points, as {@link PointTable} reads it (240
 * synthetic points without one); {@code --python FILE} and {@code --peer FILE} for the interpreter and the script (/usr/bin/python3, benchmarks/scaling_scipy.py).
 */
public final class FitBench {

    private static final int WARM_UP = 20;
    private static final int REPEATS = 30;
    private static final int RESAMPLES = 4000;

    private final PrintStream out = System.out;
    private final List<FitPoint> points;
    private final int threads = Runtime.getRuntime().availableProcessors();
    private final ParametricOptions options = ParametricOptions.defaults();

    private FitBench(List<FitPoint> points) {
        this.points = points;
    }

    public static void main(String[] args) throws IOException, TableException, InterruptedException {
        List<String> arguments = new ArrayList<>(Arrays.asList(args));
        String python = option(arguments, "--python", "/usr/bin/python3");
        Path peer = Path.of(option(arguments, "--peer", "benchmarks/scaling_scipy.py"));
        FitBench bench = new FitBench(arguments.isEmpty() ? synthetic(48) : read(Path.of(arguments.getFirst())));
        bench.against(ScipyPeer.run(python, peer, bench.points));
        bench.everyResampleIsAMinimum();
        bench.growth();
    }

    private static String option(List<String> arguments, String name, String otherwise) {
        int at = arguments.indexOf(name);
        if (at < 0) {
            return otherwise;
        }
        if (at + 1 == arguments.size()) {
            throw new IllegalArgumentException(name + " needs a value");
        }
        arguments.remove(at);
        return arguments.remove(at);
    }

    private void against(Optional<Map<String, ScipyPeer.Job>> peer) {
        out.printf("%d points, %d threads%n%n", points.size(), threads);
        if (peer.isEmpty()) {
            out.println("scipy was not measured: there is no Python with scipy, or no script\n");
        }
        out.println("| job | ours | scipy, one thread | times |");
        out.println("|---|---|---|---|");
        Map<String, ScipyPeer.Job> jobs = peer.orElse(Map.of());
        double point = best(REPEATS, () -> ParametricFit.minimum(points, options, 1));
        row(
                "point fit, one thread, against Hoffmann's 4,500 starts by differences",
                point,
                jobs.get("grid-differences"));
        row("the same against 4,500 starts with exact gradients", point, jobs.get("grid-gradient"));
        row("the same against 24 x 24 projections and one BFGS", point, jobs.get("projection"));
        double one = best(3, () -> ParametricFit.fit(points, options.withResamples(RESAMPLES), 1));
        row("4,000 resamples, one thread, against BFGS from Hoffmann's vector", one, jobs.get("bootstrap-bfgs"));
        row("the same against L-BFGS-B from the optimum", one, jobs.get("bootstrap-lbfgsb"));
        row(
                "4,000 resamples with profiles, all threads",
                best(3, () -> ParametricFit.fit(points, options.withResamples(RESAMPLES), threads)),
                null);
        ParametricOptions wide = options.withStarts(ParametricOptions.Starts.HOFFMANN_GRID);
        row(
                "all of Hoffmann's 4,500 starts, all threads",
                best(1, () -> ParametricFit.minimum(points, wide, threads)),
                null);
        List<FitPoint> sweep = synthetic(48);
        row(
                "IsoFLOP: 5 budgets of 48 points, 2,000 resamples",
                best(5, () -> IsoFlopFit.fit(sweep, IsoFlopOptions.defaults())),
                null);
        ParametricFit.Minimum minimum =
                ParametricFit.minimum(points, options, threads).orElseThrow();
        out.printf(Locale.ROOT, "%nObjective %.13e", minimum.objective());
        jobs.forEach((name, job) -> {
            if (job.objective() != null) {
                out.printf(Locale.ROOT, "; %s %.13e (%d of %d run)", name, job.objective(), job.ran(), job.of());
            }
        });
        out.println(".");
    }

    private void row(String job, double milliseconds, ScipyPeer.@org.jspecify.annotations.Nullable Job peer) {
        out.printf(
                Locale.ROOT,
                "| %s | %.1f ms | %s | %s |%n",
                job,
                milliseconds,
                peer == null ? "" : String.format(Locale.ROOT, "%.3g s", peer.seconds()),
                peer == null ? "" : String.format(Locale.ROOT, "%.0f", 1000 * peer.seconds() / milliseconds));
    }

    /** Each resample of the bootstrap starts at the optimum of all points; here it is fitted from nothing as well, by all the starts of a point fit. */
    private void everyResampleIsAMinimum() {
        int checked = 400;
        ChinchillaLaw law =
                ParametricFit.minimum(points, options, threads).orElseThrow().law();
        ParametricOptions some = options.withResamples(checked);
        List<double[]> rows = ParametricFit.resample(points, some, threads, law).rows();
        List<int[]> draws = ParametricFit.draws(points, some);
        double worst = 0;
        int better = 0;
        for (int b = 0; b < checked; b++) {
            List<FitPoint> drawn = new ArrayList<>();
            for (int i = 0; i < points.size(); i++) {
                if (draws.get(b)[i] > 0) {
                    drawn.add(points.get(i).withWeight(points.get(i).weight() * draws.get(b)[i]));
                }
            }
            double[] r = rows.get(b);
            double ours = ParametricFit.objectiveAt(
                    drawn, new ChinchillaLaw(r[0], r[1], r[2], r[3], r[4]), options.huberDelta());
            double fresh =
                    ParametricFit.minimum(drawn, options, threads).orElseThrow().objective();
            double above = ours / fresh - 1;
            worst = Math.max(worst, above);
            better += above > 1e-8 ? 1 : 0;
        }
        out.printf(
                Locale.ROOT,
                "%nOf %d resamples fitted from nothing as well, %d had a minimum lower by more than 1e-8; the furthest by %.1e.%n",
                checked,
                better,
                worst);
    }

    private void growth() {
        out.println("\n| points | point fit, all threads | a resample, one thread |");
        out.println("|---|---|---|");
        for (int perBudget : new int[] {20, 200, 2000, 20000}) {
            List<FitPoint> many = synthetic(perBudget);
            double fit = best(perBudget > 1000 ? 2 : 5, () -> ParametricFit.minimum(many, options, threads));
            ChinchillaLaw law =
                    ParametricFit.minimum(many, options, threads).orElseThrow().law();
            int count = perBudget > 1000 ? 20 : 100;
            double resample = best(2, () -> ParametricFit.resample(many, options.withResamples(count), 1, law)) / count;
            out.printf(Locale.ROOT, "| %,d | %.1f ms | %.2f ms |%n", many.size(), fit, resample);
        }
    }

    /** Milliseconds. */
    private static double best(int repeats, Runnable body) {
        for (int i = 0; i < (repeats >= REPEATS ? WARM_UP : 1); i++) {
            body.run();
        }
        double best = Double.POSITIVE_INFINITY;
        for (int i = 0; i < repeats; i++) {
            long start = System.nanoTime();
            body.run();
            best = Math.min(best, (System.nanoTime() - start) / 1e6);
        }
        return best;
    }

    private static List<FitPoint> read(Path csv) throws IOException, TableException {
        List<FitPoint> all;
        try (Reader reader = Files.newBufferedReader(csv)) {
            all = PointTable.read(reader, Map.of()).points();
        }
        // the replication leaves the five highest losses out
        double cut = all.stream().mapToDouble(FitPoint::loss).sorted().toArray()[all.size() - 5];
        return all.stream().filter(p -> p.loss() < cut).toList();
    }

    /** Five budgets, sizes over a factor of 256. */
    private static List<FitPoint> synthetic(int perBudget) {
        Random random = new Random(1);
        List<FitPoint> points = new ArrayList<>();
        for (double c : new double[] {6e18, 2e19, 6e19, 2e20, 6e20}) {
            for (int i = 0; i < perBudget; i++) {
                double n = 1e7 * Math.sqrt(c / 6e18) * Math.pow(2, 8.0 * i / perBudget);
                double d = c / (6 * n);
                double loss = 1.82 + 480 * Math.pow(n, -.348) + 2100 * Math.pow(d, -.366);
                points.add(FitPoint.ofBudget(n, d, c, loss * Math.exp(.005 * random.nextGaussian())));
            }
        }
        return points;
    }
}
