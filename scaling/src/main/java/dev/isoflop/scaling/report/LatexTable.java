package dev.isoflop.scaling.report;

import dev.isoflop.scaling.fit.Estimate;
import java.util.List;
import java.util.Locale;

/** Reports as a LaTeX table (booktabs), a column a report, intervals under the values. */
public final class LatexTable {

    private LatexTable() {}

    public static String of(List<FitReport> reports) {
        StringBuilder out = new StringBuilder();
        out.append("% needs \\usepackage{booktabs}\n\\begin{tabular}{l")
                .append("r".repeat(reports.size()))
                .append("}\n\\toprule\n");
        for (FitReport report : reports) {
            out.append(" & ").append(escaped(title(report)));
        }
        out.append(" \\\\\n\\midrule\n");
        List<String> names = reports.stream()
                .flatMap(r -> r.parameters().keySet().stream())
                .distinct()
                .toList();
        for (String name : names) {
            out.append(symbol(name));
            StringBuilder intervals = new StringBuilder();
            for (FitReport report : reports) {
                Estimate e = report.parameters().get(name);
                out.append(" & ").append(e == null ? "--" : number(e.value()));
                intervals
                        .append(" & ")
                        .append(
                                e == null || !e.isFinite()
                                        ? ""
                                        : "{\\footnotesize [" + number(e.low()) + ", " + number(e.high()) + "]}");
            }
            out.append(" \\\\\n").append(intervals).append(" \\\\\n");
        }
        out.append("\\midrule\npoints");
        reports.forEach(r -> out.append(" & ").append(r.points()));
        out.append(" \\\\\n");
        if (reports.stream().anyMatch(r -> Double.isFinite(r.objective()))) {
            out.append("objective");
            reports.forEach(
                    r -> out.append(" & ").append(Double.isFinite(r.objective()) ? number(r.objective()) : "--"));
            out.append(" \\\\\n");
        }
        return out.append("\\bottomrule\n\\end{tabular}\n")
                .append(String.format(
                        Locale.ROOT,
                        "%% intervals of %.0f %%; inputs %s%n",
                        100 * reports.getFirst().level(),
                        String.join(
                                ", ",
                                reports.stream()
                                        .map(r -> r.inputHash().substring(0, 12))
                                        .toList())))
                .toString();
    }

    static String title(FitReport report) {
        return report.method().equals(FitReports.METHOD) ? report.law() : report.method();
    }

    private static String symbol(String name) {
        return switch (name) {
            case "alpha", "beta", "gamma" -> "$\\" + name + "$";
            case "alphaN" -> "$\\alpha_N$";
            case "alphaD" -> "$\\alpha_D$";
            case "Nc" -> "$N_c$";
            case "Dc" -> "$D_c$";
            default -> name.length() <= 2 ? "$" + name + "$" : escaped(name);
        };
    }

    /** Four significant digits; powers of ten from 1e5 up and 1e-3 down. */
    private static String number(double v) {
        double size = Math.abs(v);
        if (v == 0 || size < 1e5 && size >= 1e-3) {
            int decimals = v == 0 ? 0 : Math.max(0, 3 - (int) Math.floor(Math.log10(size)));
            return "$" + String.format(Locale.ROOT, "%." + decimals + "f", v) + "$";
        }
        int power = (int) Math.floor(Math.log10(size));
        return String.format(Locale.ROOT, "$%.3f \\times 10^{%d}$", v / Math.pow(10, power), power);
    }

    private static String escaped(String text) {
        return text.replaceAll("([_&%#$])", "\\\\$1");
    }
}
