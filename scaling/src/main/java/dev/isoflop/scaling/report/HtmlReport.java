package dev.isoflop.scaling.report;

import dev.isoflop.scaling.diagnosis.Finding;
import dev.isoflop.scaling.fit.BudgetPrediction;
import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.isoflop.BudgetCurve;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleBiFunction;
import org.jspecify.annotations.Nullable;

/** Reports of one table as a page of its own: tables, sentences and figures, with no script and nothing fetched. */
public final class HtmlReport {

    private static final String STYLE = """
            body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b1b1b; background: #fff }
            h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
            table { border-collapse: collapse } td, th { padding: .25rem .8rem; border-bottom: 1px solid #ddd; text-align: right }
            td:first-child, th:first-child { text-align: left; padding-left: 0 } .quiet { color: #5f5f5f }
            figure { margin: 1rem 0 } svg { width: 100%; height: auto } svg text { font: 11px system-ui, sans-serif; fill: #444 }
            svg .grid { stroke: #e4e4e4 }
            @media (prefers-color-scheme: dark) {
              body { color: #e8e8e8; background: #161616 } td, th { border-color: #383838 } .quiet { color: #a0a0a0 }
              svg text { fill: #bbb } svg .grid { stroke: #333 }
            }
            """;

    private HtmlReport() {}

    /**
     * @param title of the page, such as the table's name
     * @param sentences what is to be said of the reports together
     */
    public static String of(String title, List<FitPoint> points, List<FitReport> reports, List<String> sentences) {
        StringBuilder out = new StringBuilder();
        out.append(
                        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>")
                .append(escaped(title))
                .append("</title>\n<style>\n")
                .append(STYLE)
                .append("</style>\n</head>\n<body>\n<h1>")
                .append(escaped(title))
                .append("</h1>\n");
        reports.forEach(report -> section(out, report));
        if (!sentences.isEmpty()) {
            out.append("<h2>What they differ by</h2>\n");
            sentences.forEach(s -> out.append("<p>").append(escaped(s)).append("</p>\n"));
        }
        figures(out, points, law(reports));
        return out.append("<p class=\"quiet\">Made by Isoflop. Inputs: ")
                .append(String.join(
                        ", ", reports.stream().map(FitReport::inputHash).toList()))
                .append("</p>\n</body>\n</html>\n")
                .toString();
    }

    private static void section(StringBuilder out, FitReport report) {
        out.append("<h2>")
                .append(escaped(LatexTable.title(report)))
                .append("</h2>\n<p>")
                .append(escaped(report.formula()));
        out.append(String.format(
                Locale.ROOT,
                " <span class=\"quiet\">(%d points, %.0f %% intervals)</span></p>%n",
                report.points(),
                100 * report.level()));
        FitReport.Refusal refusal = report.refusal();
        if (refusal != null) {
            out.append("<p><strong>Refused.</strong> ")
                    .append(escaped(refusal.sentence()))
                    .append("</p>\n");
        }
        if (!report.parameters().isEmpty()) {
            out.append("<table>\n<tr><th></th><th>value</th><th>from</th><th>to</th></tr>\n");
            report.parameters().forEach((name, estimate) -> row(out, name, estimate));
            out.append("</table>\n");
        }
        BudgetPrediction optimum = report.optimum();
        if (optimum != null) {
            out.append(String.format(Locale.ROOT, "<h2>Optimum at %s FLOPs</h2>%n", number(optimum.C())));
            out.append("<table>\n<tr><th></th><th>value</th><th>from</th><th>to</th></tr>\n");
            row(out, "parameters", optimum.N());
            row(out, "tokens", optimum.D());
            row(out, "tokens a parameter", optimum.tokensPerParameter());
            if (Double.isFinite(optimum.loss().value())) {
                row(out, "loss, nats a token", optimum.loss());
            }
            Estimate excess = report.excess();
            if (excess != null) {
                row(out, "share of it wasted by not knowing the law", excess);
            }
            out.append("</table>\n");
        }
        FitReport.Evidence certificate = report.certificate();
        if (certificate != null) {
            out.append(String.format(Locale.ROOT, "<p>Objective %.10g. ", report.objective()))
                    .append(escaped(certificate.sentence()))
                    .append("</p>\n");
        }
        for (Finding finding : report.diagnostics()) {
            out.append("<p>").append(escaped(finding.sentence())).append("</p>\n");
        }
    }

    private static void row(StringBuilder out, String name, Estimate e) {
        out.append("<tr><td>").append(escaped(name)).append("</td><td>").append(number(e.value()));
        out.append("</td><td>").append(Double.isFinite(e.low()) ? number(e.low()) : "");
        out.append("</td><td>")
                .append(Double.isFinite(e.high()) ? number(e.high()) : "")
                .append("</td></tr>\n");
    }

    private static void figures(
            StringBuilder out, List<FitPoint> points, @Nullable ToDoubleBiFunction<Double, Double> law) {
        List<BudgetCurve> budgets = BudgetCurve.of(points);
        boolean isoFlop = budgets.size() <= 20
                && budgets.stream().filter(b -> b.sizes() > 2).count() * 2 > budgets.size();
        SvgPlot loss = isoFlop
                ? new SvgPlot("parameters", "loss (nats per token)")
                : new SvgPlot("training FLOPs", "loss (nats per token)");
        List<FitPoint> sorted =
                points.stream().sorted(Comparator.comparingDouble(FitPoint::C)).toList();
        for (FitPoint p : sorted) {
            int place = place(budgets, p, isoFlop);
            loss.point(
                    isoFlop ? p.N() : p.C(),
                    p.loss(),
                    SvgPlot.colour(place, budgets.size()),
                    String.format(Locale.ROOT, "N %.3g, D %.3g, C %.3g: %.4f", p.N(), p.D(), p.C(), p.loss()));
        }
        if (law != null && isoFlop) {
            for (int b = 0; b < budgets.size(); b++) {
                curve(loss, budgets.get(b), law, SvgPlot.colour(b, budgets.size()));
            }
        }
        figure(
                out,
                isoFlop ? "Loss by size at each budget" + (law == null ? "" : ", with the surface") : "Loss by compute",
                loss);
        if (law != null) {
            SvgPlot residuals = new SvgPlot("training FLOPs", "loss over the law (%)");
            for (FitPoint p : sorted) {
                residuals.point(
                        p.C(),
                        100 * Math.log(p.loss() / law.applyAsDouble(p.N(), p.D())),
                        SvgPlot.colour(place(budgets, p, isoFlop), budgets.size()),
                        String.format(Locale.ROOT, "N %.3g, D %.3g", p.N(), p.D()));
            }
            figure(out, "What the surface leaves over", residuals);
        }
    }

    private static int place(List<BudgetCurve> budgets, FitPoint p, boolean isoFlop) {
        int place = 0;
        for (int b = 0; isoFlop && b < budgets.size(); b++) {
            place = p.C() >= budgets.get(b).C() * 0.98 ? b : place;
        }
        return place;
    }

    private static void curve(SvgPlot plot, BudgetCurve budget, ToDoubleBiFunction<Double, Double> law, String colour) {
        int n = 60;
        double[] x = new double[n];
        double[] y = new double[n];
        double low = budget.logN()[0];
        double high = budget.logN()[budget.sizes() - 1];
        for (int i = 0; i < n; i++) {
            x[i] = Math.exp(low + (high - low) * i / (n - 1));
            y[i] = law.applyAsDouble(x[i], budget.C() / 6 / x[i]);
        }
        plot.line(x, y, colour);
    }

    private static void figure(StringBuilder out, String caption, SvgPlot plot) {
        out.append("<figure>\n<figcaption>")
                .append(escaped(caption))
                .append("</figcaption>\n")
                .append(plot.svg())
                .append("</figure>\n");
    }

    /** The surface among the reports, if there is one. */
    private static @Nullable ToDoubleBiFunction<Double, Double> law(List<FitReport> reports) {
        for (FitReport report : reports) {
            ChinchillaLaw law = SideBySide.law(report);
            if (law != null) {
                return law::loss;
            }
        }
        return null;
    }

    private static String number(double v) {
        double size = Math.abs(v);
        return size == 0 || size >= 1e-3 && size < 1e6
                ? String.format(Locale.ROOT, size >= 1000 ? "%.0f" : "%.4g", v)
                : String.format(Locale.ROOT, "%.4g", v);
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }
}
