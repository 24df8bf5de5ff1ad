package dev.isoflop.platform.exports;

import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * RFC 4180 in UTF-8: CRLF, quotes only where needed, an absent value is empty. Numbers are written so that reading them
 * gives the same double. Text that a spreadsheet would run as a formula gets an apostrophe in front.
 */
final class CsvWriter {

    private static final String FORMULA_STARTS = "=+-@\t\r";

    private CsvWriter() {}

    static <R> void write(OutputStream out, List<Column<R>> columns, List<R> rows) throws IOException {
        Writer text = new OutputStreamWriter(out, StandardCharsets.UTF_8);
        for (int i = 0; i < columns.size(); i++) {
            text.append(i == 0 ? "" : ",").append(quoted(columns.get(i).name()));
        }
        text.append("\r\n");
        for (R row : rows) {
            for (int i = 0; i < columns.size(); i++) {
                text.append(i == 0 ? "" : ",").append(cell(columns.get(i), row));
            }
            text.append("\r\n");
        }
        text.flush();
    }

    private static <R> String cell(Column<R> column, R row) {
        return switch (column) {
            case Column.Whole<R> c -> plain(c.value().apply(row));
            case Column.Real<R> c -> plain(c.value().apply(row));
            case Column.Flag<R> c -> plain(c.value().apply(row));
            case Column.Text<R> c -> {
                String value = c.value().apply(row);
                yield value == null ? "" : quoted(harmless(value));
            }
            case Column.Moment<R> c -> {
                Instant value = c.value().apply(row);
                yield value == null ? "" : value.toString();
            }
        };
    }

    private static String plain(@Nullable Object value) {
        return value == null ? "" : value.toString();
    }

    private static String harmless(String text) {
        return !text.isEmpty() && FORMULA_STARTS.indexOf(text.charAt(0)) >= 0 ? "'" + text : text;
    }

    private static String quoted(String text) {
        boolean needed = text.chars().anyMatch(c -> c == ',' || c == '"' || c == '\r' || c == '\n');
        return needed ? '"' + text.replace("\"", "\"\"") + '"' : text;
    }
}
