package dev.isoflop.scaling.bench;

import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.fit.IsoFlopFit;
import dev.isoflop.scaling.fit.IsoFlopOptions;
import dev.isoflop.scaling.fit.ParametricFit;
import dev.isoflop.scaling.fit.ParametricOptions;
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
import java.util.Map;
import java.util.Random;

/**
 * Times the fits. Arguments: a table of the Chinchilla replication's points, as {@link PointTable} reads it (240
 * synthetic points without one), then {@code --grid} to time Hoffmann's 4,500 starts too.
 */
public final class FitBench {

    private static final int WARM_UP = 20;
    private static final int REPEATS = 30;

    private FitBench() {}

    public static void main(String[] args) throws IOException, TableException {
        PrintStream out = System.out;
        List<String> arguments = new ArrayList<>(Arrays.asList(args));
        boolean grid = arguments.remove("--grid");
        List<FitPoint> points = arguments.isEmpty() ? synthetic() : read(Path.of(arguments.getFirst()));
        int threads = Runtime.getRuntime().availableProcessors();
        ParametricOptions options = ParametricOptions.defaults();
        out.printf("%d points, %d threads%n", points.size(), threads);
        double[] objective = new double[1];
        report(out, "point fit, variable projection, one thread", REPEATS, () -> {
            objective[0] =
                    ParametricFit.minimum(points, options, 1).orElseThrow().objective();
        });
        out.printf("objective %.13e%n", objective[0]);
        report(
                out,
                "point fit, variable projection, all threads",
                REPEATS,
                () -> ParametricFit.minimum(points, options, threads));
        report(
                out,
                "fit with profile, no resamples",
                10,
                () -> ParametricFit.fit(points, options.withResamples(0), threads));
        report(
                out,
                "fit with 4,000 resamples, one thread",
                3,
                () -> ParametricFit.fit(points, options.withResamples(4000), 1));
        report(
                out,
                "fit with 4,000 resamples, all threads",
                3,
                () -> ParametricFit.fit(points, options.withResamples(4000), threads));
        if (grid) {
            report(out, "Hoffmann's 4,500 starts, all threads", 2, () -> {
                ParametricOptions wide = options.withStarts(ParametricOptions.Starts.HOFFMANN_GRID);
                if (ParametricFit.minimum(points, wide, threads)
                        instanceof FitOutcome.Converged<ParametricFit.Minimum>(ParametricFit.Minimum m)) {
                    out.printf("  objective %.13e, %d of %d starts there%n", m.objective(), m.agreeing(), m.starts());
                }
            });
        }
        List<FitPoint> sweep = synthetic();
        report(
                out,
                "IsoFLOP, 5 budgets of 48 points, 2,000 resamples",
                5,
                () -> IsoFlopFit.fit(sweep, IsoFlopOptions.defaults()));
    }

    private static void report(PrintStream out, String what, int repeats, Runnable body) {
        for (int i = 0; i < (repeats >= REPEATS ? WARM_UP : 1); i++) {
            body.run();
        }
        double best = Double.POSITIVE_INFINITY;
        for (int i = 0; i < repeats; i++) {
            long start = System.nanoTime();
            body.run();
            best = Math.min(best, (System.nanoTime() - start) / 1e6);
        }
        out.printf("%-52s best of %d: %.1f ms%n", what, repeats, best);
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

    private static List<FitPoint> synthetic() {
        Random random = new Random(1);
        List<FitPoint> points = new ArrayList<>();
        for (double c : new double[] {6e18, 2e19, 6e19, 2e20, 6e20}) {
            for (int i = 0; i < 48; i++) {
                double n = 1e7 * Math.sqrt(c / 6e18) * Math.pow(2, i / 6.0);
                double d = c / (6 * n);
                double loss = 1.82 + 480 * Math.pow(n, -.348) + 2100 * Math.pow(d, -.366);
                points.add(FitPoint.ofBudget(n, d, c, loss * Math.exp(.005 * random.nextGaussian())));
            }
        }
        return points;
    }
}
