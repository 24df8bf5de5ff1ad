package dev.isoflop.scaling.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.scaling.diagnosis.TableDiagnosis;
import dev.isoflop.scaling.fit.IsoFlopFit;
import dev.isoflop.scaling.fit.IsoFlopOptions;
import dev.isoflop.scaling.fit.ParametricFit;
import dev.isoflop.scaling.fit.ParametricOptions;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.form.RateBatch;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What the platform exports of a sweep is a table like any other; the header is that of its exports, to the letter, which a test of the platform's holds it to. */
class SweepExportTests {

    private final String header = header();

    private static String header() {
        try (InputStream in = SweepExportTests.class.getResourceAsStream("/tables/sweep-export-header.csv")) {
            return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String row(
            long id,
            String state,
            double n,
            double nonEmbedding,
            double d,
            double budget,
            String loss,
            boolean diverged) {
        return String.format(
                        Locale.ROOT,
                        "1,sotu,%d,\"C%s, d\",pretrain,%s,%.0f,%.0f,%.0f,%s,%s,%s,1,0.01,4,512,%.0f,%.0f,3.1,%s,1.2,1000.5,%s,1,%s,,ds,tok,cmp,2026-01-01T00:00:00Z,,%n",
                        id,
                        budget,
                        state,
                        n,
                        nonEmbedding,
                        d,
                        6 * n * d,
                        7 * n * d,
                        budget,
                        d / 512,
                        d / 512,
                        loss,
                        diverged,
                        state.equals("failed") ? "out-of-memory" : "")
                .replace("\n", "\r\n");
    }

    /** What the platform takes of the runs: N with embeddings, C the budget, and the seed. */
    private final List<FitPoint> platform = new ArrayList<>();

    private String export() {
        Random random = new Random(8);
        StringBuilder csv = new StringBuilder(header);
        long id = 100;
        for (double budget : new double[] {1e17, 3e17, 1e18, 3e18}) {
            for (double size : new double[] {.3, .6, 1, 1.7, 3}) {
                double n = Math.rint(1.4e8 * size * Math.sqrt(budget / 1e18));
                // whole steps of 512 tokens: what is spent is a little off what was planned
                double d = 512 * Math.rint(budget / (6 * n) / 512);
                double loss = (1.82 + 478 * Math.pow(n, -.347) + 2143 * Math.pow(d, -.367))
                        * Math.exp(.002 * random.nextGaussian());
                csv.append(row(id++, "succeeded", n, .8 * n, d, budget, Double.toString(loss), false));
                platform.add(new FitPoint(n, d, budget, loss, 1L, null, 1));
            }
            csv.append(row(id++, "failed", 1e8, 8e7, 1e9, budget, "", false));
            csv.append(row(id++, "running", 1e8, 8e7, 1e9, budget, "", false));
            csv.append(row(id++, "succeeded", 1e8, 8e7, 1e9, budget, "3.5", true));
        }
        return csv.toString();
    }

    @Test
    void everyColumnIsWhatItSaysAndNoneIsTwoThings() throws Exception {
        PointTable table = PointTable.read(new StringReader(export()), Map.of());
        assertThat(table.columns())
                .isEqualTo(Map.of(
                        Column.N, "parameters",
                        Column.D, "tokens",
                        Column.C, "flops",
                        Column.LOSS, "final_loss",
                        Column.GROUP, "run_id"));
        assertThat(table.notes().columns())
                .containsEntry(Column.N_NON_EMBEDDING, "parameters_non_embedding")
                .containsEntry(Column.RATE, "learning_rate")
                .containsEntry(Column.BATCH, "tokens_per_step")
                .containsEntry(Column.STEPS, "steps")
                .containsEntry(Column.DATASET, "dataset_id")
                .containsEntry(Column.TOKENIZER, "tokenizer_hash")
                .containsEntry(Column.COMPARABILITY, "comparability")
                .doesNotContainKeys(Column.N_TOTAL, Column.MODEL, Column.TASK);
        assertThat(TableDiagnosis.refusal(table)).isEmpty();
        assertThat(PointTable.read(new StringReader(export()), Map.of(), Column.of(new RateBatch()))
                        .columns())
                .containsEntry(Column.RATE, "learning_rate")
                .containsEntry(Column.BATCH, "tokens_per_step");
    }

    @Test
    void runsWithoutAResultAreLeftOutAndSaidToBe() throws Exception {
        PointTable table = PointTable.read(new StringReader(export()), Map.of());
        assertThat(table.points()).hasSize(20);
        assertThat(table.leftOut()).hasSize(12);
        assertThat(table.leftOut().subList(0, 3))
                .containsExactly(
                        new PointTable.LeftOut(7, "no loss"),
                        new PointTable.LeftOut(8, "no loss"),
                        new PointTable.LeftOut(9, "it diverged"));
        String none = header + row(1, "failed", 1e8, 8e7, 1e9, 1e18, "", false);
        assertThatThrownBy(() -> PointTable.read(new StringReader(none), Map.of()))
                .hasMessageContaining("none of the 1 rows has a loss that is a number");
    }

    @Test
    void theFitIsThatOfThePlatformsPoints() throws Exception {
        String csv = export();
        List<FitPoint> read = PointTable.read(new StringReader(csv), Map.of()).points();
        ParametricOptions options = ParametricOptions.defaults().withResamples(40);
        assertThat(ParametricFit.fit(read, options, 2).orElseThrow())
                .usingRecursiveComparison()
                // of what was spent, not of what was planned
                .ignoringFields("inputHash", "maxC")
                .isEqualTo(ParametricFit.fit(platform, options, 2).orElseThrow());

        // curves go by their budget, which is what the platform takes for C
        List<FitPoint> byBudget = PointTable.read(new StringReader(csv), Map.of(Column.C, "budget"))
                .points();
        assertThat(byBudget)
                .extracting(FitPoint::C)
                .containsExactlyElementsOf(platform.stream().map(FitPoint::C).toList());
        IsoFlopOptions curves = IsoFlopOptions.defaults().withResamples(100);
        var own = IsoFlopFit.fit(byBudget, curves).laws().orElseThrow();
        var theirs = IsoFlopFit.fit(platform, curves).laws().orElseThrow();
        assertThat(own.N()).isEqualTo(theirs.N());
        assertThat(own.D()).isEqualTo(theirs.D());
        // by what was spent they are the same curves, a little beside
        var bySpent = IsoFlopFit.fit(read, curves);
        assertThat(bySpent.budgets()).hasSize(4);
        assertThat(bySpent.laws().orElseThrow().N().exponent().value())
                .isCloseTo(theirs.N().exponent().value(), within(1e-3));
    }
}
