package dev.isoflop.platform.exports;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hardwood.InputFile;
import dev.hardwood.reader.ParquetFileReader;
import dev.hardwood.reader.RowReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ExportFormatsTests {

    private record Row(Long whole, Double real, Boolean flag, String text, Instant moment) {}

    private static final List<Column<Row>> COLUMNS = List.of(
            new Column.Whole<>("whole", Row::whole),
            new Column.Real<>("real", Row::real),
            new Column.Flag<>("flag", Row::flag),
            new Column.Text<>("text", Row::text),
            new Column.Moment<>("moment", Row::moment));

    private static final Instant NOON = Instant.parse("2026-11-24T12:00:00.123456Z");

    @Test
    void csvQuotesWhatNeedsItAndDefusesFormulas() throws IOException {
        String csv = csv(List.of(
                new Row(1L, -0.1, true, "plain", NOON),
                new Row(null, null, null, null, null),
                new Row(-2L, Double.NaN, false, "a,\"b\"\r\nc", NOON),
                new Row(3L, 1e300, true, "=HYPERLINK(\"x\")", NOON),
                new Row(3L, 1.0, true, "-1+1", NOON)));
        assertThat(csv)
                .isEqualTo("whole,real,flag,text,moment\r\n"
                        + "1,-0.1,true,plain,2026-11-24T12:00:00.123456Z\r\n"
                        + ",,,,\r\n"
                        + "-2,NaN,false,\"a,\"\"b\"\"\r\nc\",2026-11-24T12:00:00.123456Z\r\n"
                        + "3,1.0E300,true,\"'=HYPERLINK(\"\"x\"\")\",2026-11-24T12:00:00.123456Z\r\n"
                        + "3,1.0,true,'-1+1,2026-11-24T12:00:00.123456Z\r\n");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 7, 8, 9, 1000})
    void anIndependentReaderReadsBackTheParquetWritten(int n) throws IOException {
        List<Row> rows = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            rows.add(new Row(
                    i % 3 == 1 ? null : Long.valueOf(Long.MAX_VALUE - i),
                    i % 5 == 2 ? null : Double.valueOf(i / 3.0),
                    i % 7 == 3 ? null : Boolean.valueOf(i % 2 == 0),
                    i % 4 == 0 ? null : "Zeile " + i + " é✓",
                    i % 6 == 5 ? null : NOON.plusSeconds(i)));
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ParquetWriter.write(out, COLUMNS, rows);

        List<Row> read = new ArrayList<>();
        try (ParquetFileReader file = ParquetFileReader.open(InputFile.of(ByteBuffer.wrap(out.toByteArray())));
                RowReader reader = file.rowReader()) {
            assertThat(file.getFileMetaData().numRows()).isEqualTo(n);
            while (reader.hasNext()) {
                reader.next();
                read.add(new Row(
                        reader.isNull(0) ? null : Long.valueOf(reader.getLong(0)),
                        reader.isNull(1) ? null : Double.valueOf(reader.getDouble(1)),
                        reader.isNull(2) ? null : Boolean.valueOf(reader.getBoolean(2)),
                        reader.isNull(3) ? null : reader.getString(3),
                        reader.isNull(4) ? null : reader.getTimestamp(4)));
            }
        }
        assertThat(read).isEqualTo(rows);
    }

    private static String csv(List<Row> rows) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        CsvWriter.write(out, COLUMNS, rows);
        return out.toString(StandardCharsets.UTF_8);
    }
}
