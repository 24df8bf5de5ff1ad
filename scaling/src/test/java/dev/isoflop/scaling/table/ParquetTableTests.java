package dev.isoflop.scaling.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.scaling.Fixtures;
import dev.isoflop.scaling.law.FitPoint;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tables as other tools write them. The Parquet files are made-up runs, written by pyarrow 21 with each of its usual compressions. */
class ParquetTableTests {

    @TempDir
    private Path directory;

    private Path copy(String compression) throws IOException {
        Path file = directory.resolve("runs.parquet");
        try (InputStream in = ParquetTableTests.class.getResourceAsStream("/tables/runs-" + compression + ".parquet")) {
            Files.copy(in, file);
        }
        return file;
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"none", "snappy", "zstd"})
    void isReadLikeCsv(String compression) throws Exception {
        PointTable table = PointTable.read(copy(compression), Map.of(), List.of());

        assertThat(table.points()).hasSize(12);
        FitPoint last = table.points().getLast();
        assertThat(last.N()).isEqualTo(1e9);
        assertThat(last.D()).isEqualTo(3e10);
        assertThat(last.group()).isEqualTo("r11");
        assertThat(last.loss())
                .isCloseTo(1.82 + 478 * Math.pow(1e9, -.347) + 2143 * Math.pow(3e10, -.367), within(1e-15));
        assertThat(table.leftOut()).containsExactly(new PointTable.LeftOut(14, "no loss"));
    }

    @Test
    void aFileThatIsCutShortIsAnErrorOfTheTable() throws Exception {
        byte[] whole = Files.readAllBytes(copy("none"));
        for (int length = 4; length < whole.length; length += 13) {
            Path file = Files.write(directory.resolve("cut.parquet"), java.util.Arrays.copyOf(whole, length));

            assertThatThrownBy(() -> PointTable.read(file, Map.of(), List.of()))
                    .as("cut after %d bytes", length)
                    .isInstanceOf(TableException.class)
                    .hasMessageContaining("its Parquet cannot be read");
        }
    }

    @Test
    void columnsThatAreMissingAreNamedAsInCsv() {
        assertThatThrownBy(() -> PointTable.read(copy("snappy"), Map.of(Column.N, "size"), List.of()))
                .isInstanceOf(TableException.class)
                .hasMessageContaining(
                        "there is no column 'size' for N; the header has [params, tokens, val_loss, run, when]");
    }

    /** As the project's own page on W&B exports it: its columns have slashes, and N, D and the loss other names. */
    @Test
    void anExportOfWeightsAndBiasesNeedsThreeNames() throws Exception {
        PointTable table = PointTable.read(
                Fixtures.scaling("openathena/marin_raw_dclm.csv"),
                Map.of(
                        Column.N, "parameter_count",
                        Column.D, "throughput/total_tokens",
                        Column.LOSS, "eval/paloma/macro_loss",
                        Column.GROUP, "Name"),
                List.of());

        assertThat(table.points()).hasSizeGreaterThan(80);
        assertThat(table.points().getFirst().group()).startsWith("isoflop-6e+19");
    }
}
