package dev.isoflop.scaling.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.Law;
import dev.isoflop.scaling.law.form.MixtureOfExperts;
import dev.isoflop.scaling.law.form.RepeatedData;
import dev.isoflop.scaling.law.form.WidthDepth;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PointTableTests {

    private static PointTable read(String csv) throws TableException, IOException {
        return PointTable.read(new StringReader(csv), Map.of());
    }

    @Test
    void theColumnsOfOthersAreUnderstood() throws Exception {
        PointTable table = read("""
                x,Model Size,Training FLOP,hex_color,loss
                1,1e8,6e18,"#ff, red",3.1
                2,2e8,2.4e19,"a
                break",2.9
                3,4e8,9.6e19,,2.7
                """);
        assertThat(table.columns())
                .isEqualTo(Map.of(Column.N, "Model Size", Column.C, "Training FLOP", Column.LOSS, "loss"));
        assertThat(table.points()).extracting(FitPoint::D).containsExactly(1e10, 2e10, 4e10);
        assertThat(table.lines()).as("a field of two lines is counted").containsExactly(2L, 3L, 5L);
    }

    @Test
    void flopsThatAreGivenAreKeptAndOthersFollow() throws Exception {
        PointTable both = read("N,D,C,loss,run\n1e8,1e9,7e17,3,a\n1e8,2e9,1.4e18,2.9,\n");
        assertThat(both.points()).extracting(FitPoint::C).containsExactly(7e17, 1.4e18);
        assertThat(both.points()).extracting(FitPoint::group).containsExactly("a", null);
        assertThat(read("params,tokens,val_loss\n1e8,1e9,3\n")
                        .points()
                        .getFirst()
                        .C())
                .isEqualTo(6e17);
    }

    @Test
    void runsThatDivergedAreLeftOutAndSaidToBe() throws Exception {
        PointTable table = read("n,d,loss\n1e8,1e9,NaN\n1e8,2e9,2.9\n\n1e8,3e9,\n");
        assertThat(table.points()).hasSize(1);
        assertThat(table.leftOut())
                .containsExactly(new PointTable.LeftOut(2, "its loss is NaN"), new PointTable.LeftOut(5, "no loss"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            N,loss;1e8,3                     | line 1: neither a column of training tokens (d, tokens
            D,loss;1e8,3                     | line 1: no column of parameters (n, params
            N,D;1e8,1e9                      | line 1: no column of loss in nats
            N,D,tokens,loss;1,1,1,1          | line 1: both 'D' and 'tokens' could be D (training tokens)
            N,D,loss;1e8,1e9,3;1e8,abc,3     | line 3: 'abc' in the column 'D' is no number
            N,D,loss;1e8,1e9,3;-1,1e9,3      | line 3: -1 in the column 'N' is not positive and finite, as parameters must be
            N,D,loss;1e8,1e9,0               | line 2: 0 in the column 'loss' is not positive
            N,D,loss;1e8,1e9                 | line 2: it has 2 fields and ends before the column 'loss'
            N,D,loss;1e8,inf,3               | line 2: 'inf' in the column 'D' is no number
            N,D,loss                         | the table has a header and no rows
            N,D,loss;1,1,nan                 | none of the 1 rows has a loss that is a number
            N,D,loss,loss;1,1,1,1            | line 1: two columns are called 'loss'; rename one
            N,D,loss;"1,1,1                  | it is no CSV
            N,D,loss;1e300,1e300,3           | line 2: N = 1.0E300 makes C = 6 N D too large
            """)
    void whatIsWrongIsSaidWithItsLine(String csv, String message) {
        assertThatThrownBy(() -> read(csv.strip().replace(';', '\n')))
                .isInstanceOf(TableException.class)
                .hasMessageContaining(message.strip());
    }

    /** Whoever asks for the table says how it is named; of other faults there is nothing to name. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            D,loss;1e8,3             | N
            N,D;1e8,1e9              | LOSS
            N,D,tokens,loss;1,1,1,1  | D
            N,D,loss;1e8,abc,3       |
            N,D,loss,loss;1,1,1,1    |
            N,D,loss                 |
            """)
    void aColumnThatCouldBeNamedIsCarried(String csv, @Nullable Column column) {
        assertThatThrownBy(() -> read(csv.strip().replace(';', '\n')))
                .isInstanceOfSatisfying(TableException.class, e -> {
                    assertThat(e.unnamed()).isEqualTo(Optional.ofNullable(column));
                    assertThat(e.getMessage()).doesNotContain("--");
                });
    }

    @Test
    void aColumnCanBeNamed() throws Exception {
        String csv = "N,D,tokens,my loss\n1e8,1e9,5,3\n";
        PointTable table = PointTable.read(new StringReader(csv), Map.of(Column.D, "D", Column.LOSS, "my loss"));
        assertThat(table.points()).containsExactly(FitPoint.of(1e8, 1e9, 3));
        assertThatThrownBy(() -> PointTable.read(new StringReader(csv), Map.of(Column.D, "nope")))
                .hasMessageContaining(
                        "line 1: there is no column 'nope' for D; the header has [N, D, tokens, my loss]");
        assertThatThrownBy(() -> PointTable.read(
                        new StringReader(csv), Map.of(Column.D, "D", Column.C, "D", Column.LOSS, "my loss")))
                .hasMessageContaining("the column 'D' cannot be two things");
    }

    @Test
    void whatALawNeedsBesideIsReadWhereItIsAskedFor() throws Exception {
        String csv = "N,D,loss,unique tokens,Layers,d_model\n1e8,2e9,3,1e9,x,512\n1e8,4e9,2.9,1e9,,512\n";
        // nobody asked for layers, and what stands there is no number
        PointTable plain = read(csv);
        assertThat(plain.points()).extracting(FitPoint::further).containsOnly(Map.of());
        assertThat(plain.columns()).containsOnlyKeys(Column.N, Column.D, Column.LOSS);
        PointTable repeated = PointTable.read(new StringReader(csv), Map.of(), Column.of(new RepeatedData()));
        assertThat(repeated.points()).extracting(p -> p.input(Law.Input.U)).containsExactly(1e9, 1e9);
        assertThat(repeated.columns()).containsEntry(Column.U, "unique tokens");
        assertThatThrownBy(() -> PointTable.read(new StringReader(csv), Map.of(), Column.of(WidthDepth.ofShape())))
                .hasMessageContaining("line 2: 'x' in the column 'Layers' is no number; write layers as a plain one");
        assertThatThrownBy(() -> PointTable.read(new StringReader(csv), Map.of(), Column.of(new MixtureOfExperts())))
                .hasMessageContaining("line 1: no column of active parameters (active, na,");
        PointTable named = PointTable.read(new StringReader(csv), Map.of(Column.WIDTH, "d_model"));
        assertThat(named.points()).extracting(p -> p.input(Law.Input.WIDTH)).containsExactly(512.0, 512.0);
    }

    @Test
    void whatWasPlannedIsTheComputeOnlyWhereNothingSaysWhatWasSpent() throws Exception {
        PointTable both = read("N,D,budget,flops,loss\n1e8,1e9,7e17,6.5e17,3\n");
        assertThat(both.columns()).containsEntry(Column.C, "flops");
        assertThat(both.points().getFirst().C()).isEqualTo(6.5e17);
        assertThat(read("N,compute_budget,loss\n1e8,6e17,3\n")
                        .points()
                        .getFirst()
                        .D())
                .isEqualTo(1e9);
        assertThatThrownBy(() -> read("N,D,flops,compute,loss\n1,1,1,1,1\n"))
                .hasMessageContaining("both 'flops' and 'compute' could be C");
        assertThatThrownBy(() -> read("N,D,budget,compute_budget,loss\n1,1,1,1,1\n"))
                .hasMessageContaining("both 'budget' and 'compute_budget' could be C");
    }

    @Test
    void columnsComeInOneOrderWhateverTheHeaders() throws Exception {
        PointTable table = PointTable.read(
                new StringReader("weight,run,loss,u,c,d,n\n1,a,3,1,6,1,1\n"), Map.of(), List.of(Column.U));
        assertThat(table.columns().keySet())
                .containsExactly(Column.N, Column.D, Column.C, Column.LOSS, Column.GROUP, Column.WEIGHT, Column.U);
    }

    @Test
    void bitsPerByteAreTheLossWhereTheyAreAskedFor(@TempDir Path directory) throws Exception {
        Path both = Files.writeString(
                directory.resolve("both.csv"), "task,N,D,loss,bpb\na,1e8,1e9,3,.9\nb,1e8,1e9,3,\na,2e8,1e9,2.9,.8\n");
        PointTable table = PointTable.ofBitsPerByte(both, Map.of());
        assertThat(table.points()).extracting(FitPoint::loss).containsExactly(.9, .8);
        assertThat(table.leftOut()).containsExactly(new PointTable.LeftOut(3, "no loss"));
        assertThat(table.columns()).containsKey(Column.BPB).doesNotContainKey(Column.LOSS);
        assertThat(table.notes().groups(Column.TASK)).containsOnlyKeys("a");
        assertThat(PointTable.read(both, Map.of(), List.of()).points())
                .extracting(FitPoint::loss)
                .containsExactly(3.0, 3.0, 2.9);
        PointTable second = table.only(i -> i == 1);
        assertThat(second.points()).containsExactly(FitPoint.of(2e8, 1e9, .8));
        assertThat(second.lines()).containsExactly(4L);
        assertThat(second.notes().text(Column.TASK, 0)).isEqualTo("a");

        Path plain = Files.writeString(directory.resolve("plain.csv"), "N,D,loss\n1e8,1e9,.9\n");
        assertThat(PointTable.ofBitsPerByte(plain, Map.of()).points()).containsExactly(FitPoint.of(1e8, 1e9, .9));
        Path neither = Files.writeString(directory.resolve("neither.csv"), "N,D,x\n1e8,1e9,.9\n");
        assertThatThrownBy(() -> PointTable.ofBitsPerByte(neither, Map.of()))
                .hasMessageContaining("no column of bits per byte (bpb, bits_per_byte");
    }

    @Test
    void whateverStandsInAFileIsATableOrAClearError() throws Exception {
        Random random = new Random(5);
        List<String> pieces = List.of(
                "N",
                "D",
                "loss",
                ",",
                "\n",
                "\"",
                "1e8",
                "3.1",
                "-2",
                "nan",
                " ",
                ";",
                "\r\n",
                "é",
                "\u0000",
                "1e400",
                "N,D,loss\n",
                "1e8,1e9,3\n");
        int tables = 0;
        int errors = 0;
        for (int i = 0; i < 20_000; i++) {
            StringBuilder text = new StringBuilder(random.nextBoolean() ? "N,D,loss\n" : "");
            for (int k = random.nextInt(20); k > 0; k--) {
                text.append(pieces.get(random.nextInt(pieces.size())));
            }
            try {
                PointTable table = read(text.toString());
                assertThat(table.points()).isNotEmpty().hasSameSizeAs(table.lines());
                tables++;
            } catch (TableException e) {
                assertThat(e.getMessage()).isNotBlank();
                errors++;
            }
        }
        assertThat(tables).isGreaterThan(50);
        assertThat(errors).isGreaterThan(1_000);
    }
}
