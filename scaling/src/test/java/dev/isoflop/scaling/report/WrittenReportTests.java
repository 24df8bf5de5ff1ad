package dev.isoflop.scaling.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.scaling.fit.ParametricOptions.Resampling;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.xml.sax.InputSource;

/** Reports as files: a page and a table for a paper. */
class WrittenReportTests {

    private static List<FitPoint> sweep() {
        ChinchillaLaw law = new ChinchillaLaw(1.82, 478, 2143, .347, .367);
        Random random = new Random(5);
        List<FitPoint> points = new ArrayList<>();
        for (double c : new double[] {1e18, 1e19, 1e20}) {
            for (int i = -3; i <= 3; i++) {
                double n = law.optimum(c).N() * Math.pow(1.8, i);
                points.add(FitPoint.ofBudget(
                        n, c / 6 / n, c, law.loss(n, c / 6 / n) * Math.exp(.001 * random.nextGaussian())));
            }
        }
        return points;
    }

    private static SideBySide all() {
        return SideBySide.of(sweep(), new FitSettings("chinchilla", 1e-3, 100, Resampling.POINTS, 42, .95, 1e21), 2);
    }

    @Test
    void thePageNeedsNothingElseAndIsWellFormed() throws Exception {
        SideBySide all = all();
        String page = HtmlReport.of("<script>alert(1)</script> & co", sweep(), all.reports(), all.differences());

        assertThat(page)
                .startsWith("<!doctype html>")
                .doesNotContain("<script", "src=", "href=", "@import", "url(")
                .contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; co")
                .contains("Loss by size at each budget, with the surface", "What the surface leaves over")
                .contains("share of it wasted by not knowing the law");
        int figures = 0;
        for (int from = page.indexOf("<svg"); from >= 0; from = page.indexOf("<svg", from + 1)) {
            String svg = page.substring(from, page.indexOf("</svg>", from) + 6);
            Document parsed = DocumentBuilderFactory.newInstance()
                    .newDocumentBuilder()
                    .parse(new InputSource(new StringReader(svg)));
            assertThat(parsed.getElementsByTagName("circle").getLength()).isEqualTo(21);
            assertThat(svg).doesNotContain("NaN", "Infinity");
            figures++;
        }
        assertThat(figures).isEqualTo(2);
    }

    @Test
    void theTableHasAColumnAReportAndEveryRowAsMany() {
        String table = LatexTable.of(all().reports());

        assertThat(table).contains("\\begin{tabular}{lrrr}", "\\toprule", "$\\alpha$", "\\bottomrule");
        assertThat(table.lines().filter(l -> l.endsWith("\\\\")))
                .isNotEmpty()
                .allSatisfy(
                        line -> assertThat(line.chars().filter(c -> c == '&').count())
                                .as(line)
                                .isEqualTo(3));
    }

    @Test
    void reportsOfDifferentMethodsHaveDifferentHashes() {
        assertThat(all().reports().stream().map(FitReport::inputHash).distinct())
                .hasSize(3);
    }
}
