package dev.isoflop.scaling.table;

import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.commons.csv.CSVException;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;

/** A table as it stands in its file, CSV or Parquet, and which of its columns is what. */
final class Sheet {

    private record Row(CSVRecord record, long line) {}

    private final List<String> header;
    private final List<Row> rows;

    private Sheet(List<String> header, List<Row> rows) {
        this.header = List.copyOf(header);
        this.rows = List.copyOf(rows);
    }

    /**
     * A file of CSV, or of Parquet, which its first bytes tell.
     *
     * @throws java.nio.charset.MalformedInputException if it is neither Parquet nor text in UTF-8
     */
    static Sheet read(Path file) throws TableException, IOException {
        if (ParquetText.isParquet(file)) {
            return read(new StringReader(ParquetText.csv(file)));
        }
        try (Reader reader = Files.newBufferedReader(file)) {
            return read(reader);
        }
    }

    static Sheet read(Reader csv) throws TableException, IOException {
        CSVFormat format = CSVFormat.RFC4180
                .builder()
                .setHeader()
                .setSkipHeaderRecord(true)
                .setAllowMissingColumnNames(true)
                .get();
        try (CSVParser parser = CSVParser.parse(csv, format)) {
            List<Row> rows = new ArrayList<>();
            long line = parser.getCurrentLineNumber();
            for (CSVRecord row : parser) {
                // a quoted field may hold line breaks: the record begins where the one before it ended
                long begun = line + 1;
                line = parser.getCurrentLineNumber();
                if (row.size() > 1 || !row.get(0).isBlank()) {
                    rows.add(new Row(row, begun));
                }
            }
            return new Sheet(parser.getHeaderNames(), rows);
        } catch (CSVException e) {
            throw new TableException(0, "it is no CSV: " + e.getMessage());
        } catch (UncheckedIOException e) {
            // the parser's own iterator wraps what it finds wrong with quotes
            throw new TableException(0, "it is no CSV: " + e.getMessage());
        } catch (IllegalArgumentException e) {
            throw new TableException(1, "its header cannot be used: " + e.getMessage());
        }
    }

    List<String> header() {
        return header;
    }

    /** Its rows, with what each of their columns is. */
    List<Cells> rows(Map<Column, String> columns) {
        return rows.stream()
                .map(row -> new Cells(row.record, columns, row.line))
                .toList();
    }

    /**
     * Which column is what, in the order of {@link Column}'s constants.
     *
     * @param named the header's name of columns that are not called as usual; read whatever they are, but for notes
     * @param sought columns found by their usual names
     */
    Map<Column, String> columns(Map<Column, String> named, Collection<Column> sought) throws TableException {
        Map<Column, String> columns = new EnumMap<>(Column.class);
        for (Column column : Column.values()) {
            String wanted = named.get(column);
            if (wanted != null) {
                if (!header.contains(wanted)) {
                    throw new TableException(
                            1, "there is no column '" + wanted + "' for " + column + "; the header has " + header);
                }
                if (!column.isNote()) {
                    columns.put(column, wanted);
                }
            } else if (sought.contains(column)) {
                List<String> found = column.among(header);
                if (found.stream().distinct().count() < found.size()) {
                    throw new TableException(1, "two columns are called '" + found.getFirst() + "'; rename one");
                }
                if (found.size() > 1) {
                    throw new TableException(
                            1,
                            "both '%s' and '%s' could be %s (%s)"
                                    .formatted(found.get(0), found.get(1), column, column.meaning()),
                            column);
                }
                if (!found.isEmpty()) {
                    columns.put(column, found.getFirst());
                }
            }
        }
        return Collections.unmodifiableMap(columns);
    }

    void require(Map<Column, String> columns, Column column) throws TableException {
        if (!columns.containsKey(column)) {
            throw new TableException(
                    1,
                    "no column of %s (%s); the header has %s"
                            .formatted(column.meaning(), String.join(", ", column.names()), header),
                    column);
        }
    }

    /** @throws TableException if one of the header's columns is taken for two things */
    static void distinct(Map<Column, String> columns) throws TableException {
        Set<String> used = new HashSet<>();
        for (Map.Entry<Column, String> each : columns.entrySet()) {
            if (!used.add(each.getValue())) {
                throw new TableException(1, "the column '" + each.getValue() + "' cannot be two things");
            }
        }
    }
}
