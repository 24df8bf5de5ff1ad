package dev.isoflop.scaling.table;

import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.Law;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * The points of a CSV file (RFC 4180, with a header) or a Parquet file. It has N and the loss, and D or C: what is missing of those follows from C = 6 N D. What a law needs beside those is read
 * where it is asked for. Runs whose loss is not a number, or that are said to have diverged, are left out and said to be; anything else that is wrong is an error with its line.
 *
 * @param points by line
 * @param lines of the file, one a point; of Parquet, rows counted from 2
 * @param columns the header's name of each column used, in the order of {@link Column}'s constants
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

    private static final Set<String> YES = Set.of("true", "yes", "1");

    /**
     * A file of CSV, or of Parquet, which its first bytes tell.
     *
     * @throws java.nio.charset.MalformedInputException if it is neither Parquet nor text in UTF-8
     */
    public static PointTable read(Path file, Map<Column, String> named, Collection<Column> needed)
            throws TableException, IOException {
        return of(Sheet.read(file), named, needed, List.of(Column.LOSS));
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
        return of(Sheet.read(csv), named, needed, List.of(Column.LOSS));
    }

    /** The same with bits per byte for the loss, where the table has them; as {@link #read(Path, Map, Collection)} otherwise. */
    public static PointTable ofBitsPerByte(Path file, Map<Column, String> named) throws TableException, IOException {
        return of(Sheet.read(file), named, List.of(), List.of(Column.BPB, Column.LOSS));
    }

    /** Some of its points. */
    public PointTable only(IntPredicate wanted) {
        List<Integer> kept =
                IntStream.range(0, points.size()).filter(wanted).boxed().toList();
        return new PointTable(
                kept.stream().map(points::get).toList(),
                kept.stream().map(lines::get).toList(),
                columns,
                leftOut,
                notes.only(kept));
    }

    /** @param measured what may be the loss: the one that is named, or the first that the table has */
    private static PointTable of(
            Sheet sheet, Map<Column, String> named, Collection<Column> needed, List<Column> measured)
            throws TableException {
        Column loss = measured.stream()
                .filter(named::containsKey)
                .findFirst()
                .or(() -> measured.stream()
                        .filter(column -> !column.among(sheet.header()).isEmpty())
                        .findFirst())
                .orElse(measured.getFirst());
        Map<Column, String> columns = columns(sheet, named, needed, loss);
        Map<Column, String> noted = Notes.columns(sheet.header(), columns, named);
        Map<Column, List<String>> texts = new EnumMap<>(Column.class);
        List<FitPoint> points = new ArrayList<>();
        List<Long> lines = new ArrayList<>();
        List<LeftOut> leftOut = new ArrayList<>();
        for (Cells row : sheet.rows(columns)) {
            if (row.isMissing(loss)) {
                String text = row.text(loss);
                leftOut.add(new LeftOut(row.line(), text.isEmpty() ? "no loss" : "its loss is " + text));
                continue;
            }
            String diverged = noted.get(Column.DIVERGED);
            if (diverged != null && YES.contains(row.note(diverged).toLowerCase(Locale.ROOT))) {
                leftOut.add(new LeftOut(row.line(), "it diverged"));
                continue;
            }
            points.add(point(row, loss));
            lines.add(row.line());
            noted.forEach((column, name) ->
                    texts.computeIfAbsent(column, k -> new ArrayList<>()).add(row.note(name)));
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
                columns,
                List.copyOf(leftOut),
                new Notes(Collections.unmodifiableMap(noted), Collections.unmodifiableMap(texts)));
    }

    private static Map<Column, String> columns(
            Sheet sheet, Map<Column, String> named, Collection<Column> needed, Column measured) throws TableException {
        Set<Column> sought = EnumSet.of(Column.N, Column.D, Column.C, Column.GROUP, Column.WEIGHT);
        // a table may say more than this law asks: what it says there is nobody's business
        sought.addAll(needed);
        sought.add(measured);
        Map<Column, String> columns = sheet.columns(named, sought);
        sheet.require(columns, Column.N);
        sheet.require(columns, measured);
        if (!columns.containsKey(Column.D) && !columns.containsKey(Column.C)) {
            throw new TableException(
                    1,
                    "neither a column of training tokens (%s) nor one of training FLOPs (%s); the header has %s"
                            .formatted(
                                    String.join(", ", Column.D.names()),
                                    String.join(", ", Column.C.names()),
                                    sheet.header()));
        }
        for (Column column : needed) {
            sheet.require(columns, column);
        }
        Sheet.distinct(columns);
        return columns;
    }

    private static FitPoint point(Cells row, Column measured) throws TableException {
        Map<Column, String> columns = row.columns();
        double n = row.positive(Column.N);
        double loss = row.positive(measured);
        double d = columns.containsKey(Column.D) ? row.positive(Column.D) : row.positive(Column.C) / (6 * n);
        double c = columns.containsKey(Column.C) ? row.positive(Column.C) : 6 * n * d;
        if (!(d > 0) || !Double.isFinite(c)) {
            throw new TableException(row.line(), "N = %s makes C = 6 N D too large or D too small".formatted(n));
        }
        String group = row.text(Column.GROUP);
        double weight = columns.containsKey(Column.WEIGHT) ? row.positive(Column.WEIGHT) : 1;
        Map<Law.Input, Double> further = new EnumMap<>(Law.Input.class);
        for (Column column : columns.keySet()) {
            if (column.further().isPresent()) {
                further.put(column.further().get(), row.positive(column));
            }
        }
        return new FitPoint(n, d, c, loss, null, group.isEmpty() ? null : group, weight, further);
    }
}
