package dev.isoflop.scaling.table;

import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.Law;
import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.commons.csv.CSVException;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.jspecify.annotations.Nullable;

/**
 * The points of a CSV file (RFC 4180, with a header) or a Parquet file. It has N and the loss, and D or C: what is missing of those follows from C = 6 N D. What a law needs beside those is read
 * where it is asked for. Runs whose loss is not a number are left out and said to be; anything else that is wrong is an error with its line.
 *
 * @param points by line
 * @param lines of the file, one a point; of Parquet, rows counted from 2
 * @param columns the header's name of each column used
 * @param leftOut runs that diverged, or whose loss is empty
 * @param notes what else is said of the runs
 */
public record PointTable(
        List<FitPoint> points, List<Long> lines, Map<Column, String> columns, List<LeftOut> leftOut, Notes notes) {

    /**
     * @param line of the file
     * @param reason in a few words
     */
    public record LeftOut(long line, String reason) {}

    private static final Set<String> NO_NUMBER = Set.of("", "nan", "inf", "+inf", "infinity", "none", "null", "na");

    /**
     * A file of CSV, or of Parquet, which its first bytes tell.
     *
     * @throws java.nio.charset.MalformedInputException if it is neither Parquet nor text in UTF-8
     */
    public static PointTable read(Path file, Map<Column, String> named, Collection<Column> needed)
            throws TableException, IOException {
        if (ParquetText.isParquet(file)) {
            return read(new StringReader(ParquetText.csv(file)), named, needed);
        }
        try (Reader reader = Files.newBufferedReader(file)) {
            return read(reader, named, needed);
        }
    }

    /**
     * @param named the header's name of columns that are not called as usual
     * @throws TableException if the table cannot be used
     */
    public static PointTable read(Reader csv, Map<Column, String> named) throws TableException, IOException {
        return read(csv, named, List.of());
    }

    /**
     * @param named the header's name of columns that are not called as usual
     * @param needed columns that some laws need, such as {@link Column#of}; others of that kind are read only if they are named
     * @throws TableException if the table cannot be used
     */
    public static PointTable read(Reader csv, Map<Column, String> named, Collection<Column> needed)
            throws TableException, IOException {
        CSVFormat format = CSVFormat.RFC4180
                .builder()
                .setHeader()
                .setSkipHeaderRecord(true)
                .setAllowMissingColumnNames(true)
                .get();
        try (CSVParser parser = CSVParser.parse(csv, format)) {
            Map<Column, String> columns = columns(parser.getHeaderNames(), named, needed);
            Map<Column, String> noted = Notes.columns(parser.getHeaderNames(), columns, named);
            Map<Column, List<String>> texts = new EnumMap<>(Column.class);
            List<FitPoint> points = new ArrayList<>();
            List<Long> lines = new ArrayList<>();
            List<LeftOut> leftOut = new ArrayList<>();
            long line = parser.getCurrentLineNumber();
            for (CSVRecord row : parser) {
                // a quoted field may hold line breaks: the record begins where the one before it ended
                Row read = new Row(row, columns, line + 1);
                line = parser.getCurrentLineNumber();
                if (row.size() == 1 && row.get(0).isBlank()) {
                    continue;
                }
                String loss = read.text(Column.LOSS);
                if (NO_NUMBER.contains(loss.toLowerCase(java.util.Locale.ROOT))) {
                    leftOut.add(new LeftOut(read.line, loss.isEmpty() ? "no loss" : "its loss is " + loss));
                } else {
                    points.add(read.point());
                    lines.add(read.line);
                    noted.forEach((column, name) -> texts.computeIfAbsent(column, k -> new ArrayList<>())
                            .add(row.isSet(name) ? row.get(name).strip() : ""));
                }
            }
            if (points.isEmpty()) {
                throw new TableException(
                        0,
                        leftOut.isEmpty()
                                ? "the table has a header and no rows"
                                : "none of the " + leftOut.size() + " rows has a loss that is a number");
            }
            return new PointTable(
                    List.copyOf(points),
                    List.copyOf(lines),
                    Map.copyOf(columns),
                    List.copyOf(leftOut),
                    new Notes(Map.copyOf(noted), Map.copyOf(texts)));
        } catch (CSVException e) {
            throw new TableException(0, "it is no CSV: " + e.getMessage());
        } catch (UncheckedIOException e) {
            // the parser's own iterator wraps what it finds wrong with quotes
            throw new TableException(0, "it is no CSV: " + e.getMessage());
        } catch (IllegalArgumentException e) {
            throw new TableException(1, "its header cannot be used: " + e.getMessage());
        }
    }

    private static Map<Column, String> columns(
            List<String> header, Map<Column, String> named, Collection<Column> needed) throws TableException {
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
                continue;
            }
            if (column.isNote()) {
                continue;
            }
            if (column.further().isPresent() && !needed.contains(column)) {
                // a table may say more than this law asks: what it says there is nobody's business
                continue;
            }
            List<String> found = header.stream().filter(column::isNamed).toList();
            if (found.stream().distinct().count() < found.size()) {
                throw new TableException(1, "two columns are called '" + found.getFirst() + "'; rename one");
            }
            if (found.size() > 1) {
                throw new TableException(
                        1,
                        "both '%s' and '%s' could be %s (%s); say which with --column %s=NAME"
                                .formatted(found.get(0), found.get(1), column, column.meaning(), column));
            }
            if (!found.isEmpty()) {
                columns.put(column, found.getFirst());
            }
        }
        require(columns, Column.N, header);
        require(columns, Column.LOSS, header);
        if (!columns.containsKey(Column.D) && !columns.containsKey(Column.C)) {
            throw new TableException(
                    1,
                    "neither a column of training tokens (%s) nor one of training FLOPs (%s); the header has %s"
                            .formatted(
                                    String.join(", ", Column.D.names()), String.join(", ", Column.C.names()), header));
        }
        for (Column column : needed) {
            require(columns, column, header);
        }
        Set<String> used = new HashSet<>();
        for (Map.Entry<Column, String> each : columns.entrySet()) {
            if (!used.add(each.getValue())) {
                throw new TableException(1, "the column '" + each.getValue() + "' cannot be two things");
            }
        }
        return columns;
    }

    private static void require(Map<Column, String> columns, Column column, List<String> header) throws TableException {
        if (!columns.containsKey(column)) {
            throw new TableException(
                    1,
                    "no column of %s (%s); the header has %s. Say which it is with --column %s=NAME"
                            .formatted(column.meaning(), String.join(", ", column.names()), header, column));
        }
    }

    private record Row(CSVRecord record, Map<Column, String> columns, long line) {

        String text(Column column) throws TableException {
            String name = columns.get(column);
            if (name == null) {
                return "";
            }
            if (!record.isSet(name)) {
                throw new TableException(
                        line, "it has %d fields and ends before the column '%s'".formatted(record.size(), name));
            }
            return record.get(name).strip();
        }

        private double positive(Column column) throws TableException {
            String text = text(column);
            double value;
            try {
                value = Double.parseDouble(text);
            } catch (NumberFormatException e) {
                throw new TableException(
                        line,
                        "'%s' in the column '%s' is no number; write %s as a plain one, such as 1.2e9"
                                .formatted(text, columns.get(column), column.meaning()));
            }
            if (!(value > 0) || Double.isInfinite(value)) {
                throw new TableException(
                        line,
                        "%s in the column '%s' is not positive and finite, as %s must be"
                                .formatted(text, columns.get(column), column.meaning()));
            }
            return value;
        }

        FitPoint point() throws TableException {
            double n = positive(Column.N);
            double loss = positive(Column.LOSS);
            double d = columns.containsKey(Column.D) ? positive(Column.D) : positive(Column.C) / (6 * n);
            double c = columns.containsKey(Column.C) ? positive(Column.C) : 6 * n * d;
            if (!(d > 0) || !Double.isFinite(c)) {
                throw new TableException(line, "N = %s makes C = 6 N D too large or D too small".formatted(n));
            }
            String group = text(Column.GROUP);
            double weight = columns.containsKey(Column.WEIGHT) ? positive(Column.WEIGHT) : 1;
            Map<Law.Input, Double> further = new EnumMap<>(Law.Input.class);
            for (Column column : columns.keySet()) {
                if (column.further().isPresent()) {
                    further.put(column.further().get(), positive(column));
                }
            }
            return new FitPoint(n, d, c, loss, null, noGroup(group), weight, further);
        }

        private static @Nullable String noGroup(String group) {
            return group.isEmpty() ? null : group;
        }
    }
}
