package dev.isoflop.scaling.report;

import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.isoflop.Protocol;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The three approaches of Hoffmann et al. 2022 on the same points, and how much of what they differ by is the method's own doing: each is run again on the losses that the
 * fitted surface has at the very same N and D, of which it should find the surface's exponent. What it then misses by, without any noise, is its bias on this grid.
 *
 * @param methods approaches 1, 2 and 3, in this order; of approach 2 ours, then published protocols where they were asked for
 * @param differences in sentences; empty where there is nothing to compare
 */
public record SideBySide(List<Method> methods, List<String> differences) {

    /**
     * @param name envelope, isoflop, a protocol's name, or parametric
     * @param approach 1, 2 or 3
     * @param source where it is described; null for our own
     */
    public record Method(
            String name, int approach, @Nullable String source, FitReport report) {

        /** k of N* = k C^a, which of a surface follows from its coefficients (Hoffmann et al. 2022, equation 4); not a number where there is no law. */
        public double k() {
            ChinchillaLaw law = law(report);
            return law == null ? value(report, "k") : law.G() * Math.pow(6, -law.a());
        }
    }

    public List<FitReport> reports() {
        return methods.stream().map(Method::report).toList();
    }

    public static SideBySide of(List<FitPoint> points, FitSettings settings, int threads) {
        return of(points, settings, List.of(), threads);
    }

    /**
     * @param protocols of approach 2 beside our own, by name
     * @throws IllegalArgumentException if there is no such protocol or law
     */
    public static SideBySide of(List<FitPoint> points, FitSettings settings, List<String> protocols, int threads) {
        OptimumSettings optimum = new OptimumSettings(
                OptimumReports.OURS, settings.resamples(), settings.seed(), settings.level(), settings.target());
        FitReport envelope = OptimumReports.envelope(points, optimum);
        FitReport isoFlop = OptimumReports.isoFlop(points, optimum);
        FitReport parametric = FitReports.of(points, settings, threads);
        List<Method> methods = new ArrayList<>();
        methods.add(new Method(OptimumReports.ENVELOPE, 1, null, envelope));
        methods.add(new Method(OptimumReports.ISOFLOP, 2, null, isoFlop));
        for (String protocol : protocols) {
            methods.add(new Method(
                    protocol,
                    2,
                    Protocol.named(protocol).map(Protocol::source).orElse(null),
                    OptimumReports.isoFlop(points, optimum.withProtocol(protocol))));
        }
        methods.add(new Method(FitReports.METHOD, 3, null, parametric));
        return new SideBySide(List.copyOf(methods), differences(points, optimum, envelope, isoFlop, parametric));
    }

    private static List<String> differences(
            List<FitPoint> points,
            OptimumSettings settings,
            FitReport envelope,
            FitReport isoFlop,
            FitReport parametric) {
        ChinchillaLaw law = law(parametric);
        if (law == null) {
            return List.of();
        }
        List<FitPoint> without =
                points.stream().map(p -> p.withLoss(law.loss(p.N(), p.D()))).toList();
        List<String> out = new ArrayList<>();
        String words = explained(isoFlop, OptimumReports.isoFlop(without, settings), law, parametric);
        if (words != null) {
            out.add(words);
        }
        words = explained(envelope, OptimumReports.envelope(without, settings), law, parametric);
        if (words != null) {
            out.add(words);
        }
        return out;
    }

    /** The surface of a report; null if it is of another form, or refused. */
    static @Nullable ChinchillaLaw law(FitReport parametric) {
        List<String> names = List.of("E", "A", "B", "alpha", "beta");
        if (!parametric.law().equals("chinchilla")
                || !parametric.parameters().keySet().containsAll(names)) {
            return null;
        }
        double[] v = names.stream().mapToDouble(name -> value(parametric, name)).toArray();
        return new ChinchillaLaw(v[0], v[1], v[2], v[3], v[4]);
    }

    private static double value(FitReport report, String name) {
        Estimate estimate = report.parameters().get(name);
        return estimate == null ? Double.NaN : estimate.value();
    }

    private static @Nullable String explained(
            FitReport own, FitReport ofTheSurface, ChinchillaLaw law, FitReport parametric) {
        double a = value(own, "a");
        double biased = value(ofTheSurface, "a");
        if (Double.isNaN(a) || Double.isNaN(biased)) {
            return null;
        }
        double apart = a - law.a();
        double bias = biased - law.a();
        String judgement;
        if (Math.abs(apart) < 0.005) {
            judgement = "they agree.";
        } else if (Math.abs(apart - bias) < 0.3 * Math.abs(apart)) {
            judgement = "which is nearly all of it: believe the surface.";
        } else if (hasInterval(own) ? overlap(own, parametric) : within(a - bias, parametric)) {
            judgement = hasInterval(own)
                    ? "and the rest is within their intervals."
                    : "and the rest is within the surface's interval; the method itself has none.";
        } else {
            judgement =
                    "which leaves more than noise: the surface does not describe these curves, or points that belong to neither are among them. Look at the residuals by budget.";
        }
        return String.format(
                Locale.ROOT,
                "a by %s is %.3f, by the surface %.3f (%+.3f). On the surface's own losses, at the same N and D and without noise, the method is off by %+.3f, %s",
                own.method(),
                a,
                law.a(),
                apart,
                bias,
                judgement);
    }

    private static boolean hasInterval(FitReport report) {
        Estimate a = report.parameters().get("a");
        return a != null && a.isFinite();
    }

    private static boolean within(double value, FitReport report) {
        Estimate a = report.parameters().get("a");
        return a != null && value >= a.low() && value <= a.high();
    }

    private static boolean overlap(FitReport one, FitReport other) {
        Estimate a = one.parameters().get("a");
        Estimate b = other.parameters().get("a");
        return a != null && b != null && a.low() <= b.high() && b.low() <= a.high();
    }
}
