package dev.isoflop.scaling.diagnosis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.scaling.Families;
import dev.isoflop.scaling.Fixtures;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.table.Column;
import dev.isoflop.scaling.table.PointTable;
import dev.isoflop.scaling.table.TableException;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each finding of a table on data that has what it is about, and on data that has not. */
class TableDiagnosisTests {

    private static final ChinchillaLaw TRUTH = new ChinchillaLaw(1.8, 480, 2100, .35, .37);

    /** A run of a made-up table: what it is measured at over the truth, and what the table says of it. */
    private interface Row {
        String of(double n, double d, int index);
    }

    private static PointTable table(String header, double noise, Row loss, Row said) throws Exception {
        Random random = new Random(11);
        StringBuilder csv = new StringBuilder("N,D,loss," + header + "\n");
        int index = 0;
        for (double n = 3e7; n < 3e9; n *= 2) {
            for (double each = 2; each < 200; each *= 2) {
                double d = n * each;
                double measured = TRUTH.loss(n, d)
                        * Double.parseDouble(loss.of(n, d, index))
                        * Math.exp(noise * random.nextGaussian());
                csv.append(String.format(Locale.ROOT, "%s,%s,%.9f,%s%n", n, d, measured, said.of(n, d, index)));
                index++;
            }
        }
        return read(csv.toString());
    }

    private static PointTable read(String csv) throws TableException, IOException {
        return PointTable.read(new StringReader(csv), Map.of());
    }

    private static List<Finding> findings(PointTable table) {
        return TableDiagnosis.of(table, 1e-3, null, 2);
    }

    private static Finding only(PointTable table, String code) {
        List<Finding> found = findings(table);
        assertThat(found.stream().map(Finding::code)).containsExactly(code);
        return found.getFirst();
    }

    private static String one(double n, double d, int index) {
        return "1";
    }

    // --- warm-up

    private static String warmedUp(double d) {
        return String.valueOf(1 + .12 * Math.exp(-d / 5e8));
    }

    @ParameterizedTest
    @ValueSource(strings = {"warmup_tokens", "warmup_steps,steps", "warmup_ratio"})
    void runsThatWereStillWarmingUpAreNamedAndWeighed(String columns) throws Exception {
        PointTable table = table(columns, .001, (n, d, i) -> warmedUp(d), (n, d, i) -> switch (columns) {
            case "warmup_tokens" -> "5e8";
            case "warmup_steps,steps" -> "1000," + d / 5e5;
            default -> String.valueOf(5e8 / d);
        });

        Finding found = only(table, "warm-up");

        List<Integer> expected = IntStream.range(0, table.points().size())
                .filter(i -> table.points().get(i).D() < 2.5e9)
                .boxed()
                .toList();
        assertThat(found.points()).isEqualTo(expected);
        assertThat(Math.abs(found.numbers().get("aWithout") - TRUTH.a()))
                .isLessThan(Math.abs(found.numbers().get("a") - TRUTH.a()) / 2);
        assertThat(found.sentence())
                .contains(expected.size() + " runs were warming up for more than 20 % of the training")
                .contains("without them a of Chinchilla's law goes from");
    }

    @Test
    void aWarmUpThatIsAShareOfEachRunIsNone() throws Exception {
        assertThat(findings(table("warmup_tokens", .002, TableDiagnosisTests::one, (n, d, i) -> "" + .05 * d)))
                .isEmpty();
    }

    @Test
    void withoutAColumnShortRunsAboveTheLawAreSeen() throws Exception {
        Finding found =
                only(table("x", .003, (n, d, i) -> "" + (1 + .05 * Math.exp(-d / 1e9)), (n, d, i) -> ""), "short-runs");

        assertThat(found.numbers().get("gain")).isBetween(.25, 1.0);
        assertThat(found.points()).isNotEmpty().contains(0);
        assertThat(found.sentence()).contains("A warm-up too long for them does that, or a batch too large");
    }

    @Test
    void withoutAColumnRunsOnTheLawAreLeftInPeace() throws Exception {
        assertThat(findings(table("x", .002, TableDiagnosisTests::one, (n, d, i) -> "")))
                .isEmpty();
        assertThat(findings(table("x", 0, TableDiagnosisTests::one, (n, d, i) -> "")))
                .isEmpty();
    }

    /** One with a warm-up that was long for it, and one whose batch was: what the law cannot bend to. The other long warm-ups it bends to, and a column has to tell. */
    @Test
    void ofPublishedFamiliesTwoHaveShortRunsAboveTheLaw() throws Exception {
        List<String> seen = new ArrayList<>();
        for (Map.Entry<String, List<FitPoint>> family : Families.all().entrySet()) {
            String csv = family.getValue().stream()
                    .map(p -> p.N() + "," + p.D() + "," + p.loss())
                    .collect(Collectors.joining("\n", "N,D,loss\n", "\n"));
            if (findings(read(csv)).stream().anyMatch(f -> f.code().equals("short-runs"))) {
                seen.add(family.getKey());
            }
        }
        assertThat(seen).containsExactly("owt2/base/long/kaplan/standard/val", "rw/base/short/kaplan/standard/val");
    }

    // --- decay

    @ParameterizedTest
    @ValueSource(strings = {"lr_final,lr_peak", "schedule", "schedule_tokens"})
    void rowsBeforeTheirDecayAmongOthersAreNamed(String columns) throws Exception {
        PointTable table = table(columns, .001, (n, d, i) -> i % 3 == 0 ? "1.03" : "1", (n, d, i) -> switch (columns) {
            case "lr_final,lr_peak" -> i % 3 == 0 ? "3e-4,3e-4" : "3e-5,3e-4";
            case "schedule" -> i % 3 == 0 ? "constant" : "cosine";
            default -> String.valueOf(i % 3 == 0 ? 2 * d : d);
        });

        Finding found = only(table, "decay");

        assertThat(found.points())
                .allMatch(i -> i % 3 == 0)
                .hasSize((table.points().size() + 2) / 3);
        assertThat(found.numbers().get("cutShort"))
                .isEqualTo(
                        columns.equals("schedule_tokens")
                                ? (double) found.points().size()
                                : 0);
        assertThat(found.numbers().get("aWithout")).isCloseTo(TRUTH.a(), within(.03));
    }

    @Test
    void schedulesThatEndAtTheBudgetOrAreAllConstantAreNoFinding() throws Exception {
        assertThat(findings(table(
                        "schedule,schedule_tokens",
                        .002,
                        TableDiagnosisTests::one,
                        (n, d, i) -> "cosine," + d * (1 + .02 * (i % 3)))))
                .isEmpty();
        assertThat(findings(table("schedule", .002, TableDiagnosisTests::one, (n, d, i) -> "constant")))
                .isEmpty();
        assertThat(findings(table("lr_final,lr", .002, TableDiagnosisTests::one, (n, d, i) -> ",3e-4")))
                .isEmpty();
    }

    @Test
    void whereEveryCosineWasCutShortThatIsSaid() throws Exception {
        Finding found = only(
                table("schedule,schedule_tokens", .002, TableDiagnosisTests::one, (n, d, i) -> "cosine,1e13"), "decay");

        assertThat(found.sentence()).contains("a cosine must end at the budget");
    }

    // --- embeddings

    /** The truth is in N with embeddings: 32,768 of a width that grows with the model. */
    private static PointTable embedded(String n, String other) throws Exception {
        StringBuilder csv = new StringBuilder("%s,D,loss,%s\n".formatted(n, other));
        Random random = new Random(4);
        for (double width : new double[] {64, 96, 128, 192, 256, 384, 512, 768, 1024}) {
            double without = 12 * width * width * width / 64;
            double with = without + 32768 * width;
            for (double each : new double[] {4, 12, 40, 120}) {
                double d = with * each;
                csv.append(String.format(
                        Locale.ROOT,
                        "%s,%s,%.9f,%s%n",
                        n.equals("n") ? with : without,
                        d,
                        TRUTH.loss(with, d) * Math.exp(.001 * random.nextGaussian()),
                        other.equals("vocab_size,d_model") ? "32768," + width : n.equals("n") ? without : with));
            }
        }
        return PointTable.read(new StringReader(csv.toString()), Map.of(Column.N, n));
    }

    @Test
    void bothWaysToCountParametersAreFitted() throws Exception {
        Finding columns = only(embedded("n", "n_non_embedding"), "embeddings");
        Finding vocabulary = only(embedded("n", "vocab_size,d_model"), "embeddings");
        Finding without = only(embedded("n_non_embedding", "n_total"), "embeddings");

        assertThat(columns.numbers().get("a")).isCloseTo(TRUTH.a(), within(.03));
        assertThat(columns.numbers().get("aWithout"))
                .isGreaterThan(columns.numbers().get("a") + .05);
        assertThat(vocabulary.numbers()).isEqualTo(columns.numbers());
        assertThat(vocabulary.sentence()).contains("by vocabulary times width, one matrix");
        assertThat(without.numbers().get("a")).isCloseTo(columns.numbers().get("a"), within(1e-4));
        assertThat(without.sentence()).startsWith("N does not count embeddings here, and by the column 'n_total'");
    }

    @Test
    void whereItMakesNoDifferenceItIsNotSaid() throws Exception {
        assertThat(findings(table("n_total", .001, TableDiagnosisTests::one, (n, d, i) -> "" + 1.001 * n)))
                .isEmpty();
    }

    @Test
    void onTheReferenceRunsBothColumnsAreCompared() throws Exception {
        PointTable table = PointTable.read(
                Fixtures.scaling("sotu_reference.csv"),
                Map.of(Column.N, "n_total", Column.LOSS, "val_loss_nats_per_token"),
                List.of());

        Finding found = findings(table).stream()
                .filter(f -> f.code().equals("embeddings"))
                .findFirst()
                .orElseThrow();

        assertThat(found.numbers().get("a")).isCloseTo(.116, within(.002));
        assertThat(found.numbers().get("aWithout")).isCloseTo(.160, within(.002));
    }

    // --- runs of several kinds

    @Test
    void groupsThatLieApartAreSaidToWithWhatItDoes() throws Exception {
        PointTable table = table(
                "tokenizer", .002, (n, d, i) -> i % 4 == 0 ? "1.02" : "1", (n, d, i) -> i % 4 == 0 ? "old" : "new");

        Finding found = only(table, "mixed-tokenizer");

        assertThat(found.numbers().get("p")).isLessThan(.002);
        assertThat(found.numbers().get("apart")).isCloseTo(.02, within(.005));
        assertThat(found.points()).allMatch(i -> i % 4 == 0);
        assertThat(found.sentence())
                .contains(
                        "The column 'tokenizer' (tokenizer) has 2 values: 'old' 13 times from line 2, 'new' 36 times from line 3")
                .contains("fit one of them by itself");
        assertThat(TableDiagnosis.refusal(table)).isEmpty();
    }

    @Test
    void labelsThatSayNothingAreSaidToSayNothing() throws Exception {
        Random random = new Random(2);
        Finding found = only(
                table("precision", .002, TableDiagnosisTests::one, (n, d, i) -> random.nextBoolean() ? "bf16" : "fp32"),
                "mixed-precision");

        assertThat(found.numbers().get("p")).isGreaterThan(.01);
        assertThat(found.sentence()).contains("these points do not tell them apart");
    }

    @Test
    void oneValueIsNoFindingAndOneThatIsNotSaidIsNone() throws Exception {
        assertThat(findings(table(
                        "dataset,seq_len",
                        .002,
                        TableDiagnosisTests::one,
                        (n, d, i) -> i % 2 == 0 ? "web,512" : ",512")))
                .isEmpty();
    }

    @Test
    void hashesThatDoNotAgreeAreRefused() throws Exception {
        PointTable table = table(
                "comparability", .002, TableDiagnosisTests::one, (n, d, i) -> i < 5 ? "ab12" : i == 7 ? "" : "cd34");

        Finding refusal = TableDiagnosis.refusal(table).orElseThrow();

        assertThat(refusal.points()).containsExactly(0, 1, 2, 3, 4);
        assertThat(refusal.sentence()).contains("'ab12' 5 times from line 2, 'cd34' 43 times from line 7");
        assertThat(findings(table).getFirst().code()).isEqualTo("mixed-comparability");
        assertThat(TableDiagnosis.refusal(table("hash", .002, TableDiagnosisTests::one, (n, d, i) -> "ab12")))
                .isEmpty();
    }

    @Test
    void threeDataSetsOfOneSweepLieApart() throws Exception {
        String csv = Files.readAllLines(Fixtures.scaling("openathena/isoflops_annotated.csv")).stream()
                .filter(line -> line.startsWith("source,") || line.startsWith("marin_202603,"))
                .collect(Collectors.joining("\n"));

        Finding found = findings(read(csv)).stream()
                .filter(f -> f.code().equals("mixed-dataset"))
                .findFirst()
                .orElseThrow();

        assertThat(found.sentence()).contains("has 3 values: 'comma' 85 times", "'nemotron' 88 times");
        assertThat(found.numbers().get("p")).isCloseTo(.001, within(1e-9));
        assertThat(found.numbers().get("apart")).isGreaterThan(.04);
    }
}
