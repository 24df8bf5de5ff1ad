package dev.isoflop.scaling.table;

import dev.isoflop.scaling.downstream.Checkpoint;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Checkpoints of models in training, and what they make of tasks: a CSV or Parquet file with bits per byte and accuracy, and, where it says so, the run, the model and
 * the task. Those of a run are in the order in which they were written. Rows without one of the two numbers are left out and said to be.
 *
 * @param rows by line
 * @param columns the header's name of each column used, in the order of {@link Column}'s constants
 * @param leftOut rows without bits per byte or accuracy
 */
public record CheckpointTable(List<Row> rows, Map<Column, String> columns, List<PointTable.LeftOut> leftOut) {

    /**
     * @param line of the file
     * @param task empty where it is not said, as are run and model
     * @param bpb bits per byte on the right answers
     * @param accuracy share of right answers
     */
    public record Row(long line, String task, String run, String model, double bpb, double accuracy) {

        /** What is resampled as one: the run of the model, or what of both is said; empty where neither is. */
        public String group() {
            return (model + " " + run).strip();
        }
    }

    /**
     * @param named the header's name of columns that are not called as usual
     * @throws TableException if the table cannot be used
     */
    public static CheckpointTable read(Path file, Map<Column, String> named) throws TableException, IOException {
        return of(Sheet.read(file), named);
    }

    /**
     * @param named the header's name of columns that are not called as usual
     * @throws TableException if the table cannot be used
     */
    public static CheckpointTable read(Reader csv, Map<Column, String> named) throws TableException, IOException {
        return of(Sheet.read(csv), named);
    }

    private static CheckpointTable of(Sheet sheet, Map<Column, String> named) throws TableException {
        Map<Column, String> columns = sheet.columns(named, Set.of(Column.BPB, Column.ACCURACY, Column.GROUP));
        sheet.require(columns, Column.BPB);
        sheet.require(columns, Column.ACCURACY);
        Sheet.distinct(columns);
        Map<Column, String> noted = Notes.columns(sheet.header(), columns, named);
        List<Row> rows = new ArrayList<>();
        List<PointTable.LeftOut> leftOut = new ArrayList<>();
        for (Cells row : sheet.rows(columns)) {
            if (row.isMissing(Column.BPB) || row.isMissing(Column.ACCURACY)) {
                Column missing = row.isMissing(Column.BPB) ? Column.BPB : Column.ACCURACY;
                leftOut.add(new PointTable.LeftOut(row.line(), "no " + missing.meaning()));
                continue;
            }
            rows.add(new Row(
                    row.line(),
                    note(row, noted, Column.TASK),
                    row.text(Column.GROUP),
                    note(row, noted, Column.MODEL),
                    row.positive(Column.BPB),
                    row.share(Column.ACCURACY)));
        }
        if (rows.isEmpty()) {
            throw new TableException(
                    0,
                    leftOut.isEmpty()
                            ? "the table has a header and no rows"
                            : "none of the " + leftOut.size() + " rows has both bits per byte and accuracy");
        }
        return new CheckpointTable(List.copyOf(rows), columns, List.copyOf(leftOut));
    }

    private static String note(Cells row, Map<Column, String> noted, Column column) {
        String name = noted.get(column);
        return name == null ? "" : row.note(name);
    }

    /** Tasks in the order of their first row; empty if none is said. */
    public List<String> tasks() {
        return rows.stream()
                .map(Row::task)
                .filter(task -> !task.isEmpty())
                .distinct()
                .toList();
    }

    /** Some of its rows. */
    public CheckpointTable only(Predicate<Row> wanted) {
        return new CheckpointTable(rows.stream().filter(wanted).toList(), columns, leftOut);
    }

    /** Whether each row says what it is of, and they are of several: what can be resampled by run. */
    public boolean isGrouped() {
        return rows.stream().noneMatch(row -> row.group().isEmpty())
                && rows.stream().map(Row::group).distinct().count() > 1;
    }

    /**
     * The checkpoints as they are fitted, run by run ({@link Checkpoint#ofRun}).
     *
     * @param skip share of a run's checkpoints that is left out at its beginning
     * @param window checkpoints averaged
     * @throws IllegalArgumentException if there is something to smooth and a row does not say its run: the ends of one run and the beginning of the next are not averaged
     */
    public List<Checkpoint> checkpoints(double skip, int window) {
        if (skip == 0 && window == 1) {
            return rows.stream()
                    .map(row -> new Checkpoint(row.group(), row.bpb(), row.accuracy()))
                    .toList();
        }
        Map<String, List<Row>> runs = new LinkedHashMap<>();
        for (Row row : rows) {
            if (row.run().isEmpty()) {
                throw new IllegalArgumentException(
                        "line " + row.line()
                                + " does not say which run its checkpoint is of, and checkpoints are left out and averaged within a run");
            }
            runs.computeIfAbsent(row.group(), k -> new ArrayList<>()).add(row);
        }
        List<Checkpoint> out = new ArrayList<>();
        runs.forEach((run, own) -> out.addAll(Checkpoint.ofRun(
                run,
                own.stream().mapToDouble(Row::bpb).toArray(),
                own.stream().mapToDouble(Row::accuracy).toArray(),
                skip,
                window)));
        return out;
    }
}
