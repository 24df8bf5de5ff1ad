package dev.isoflop.scaling.table;

import java.util.Map;
import java.util.Set;
import org.apache.commons.csv.CSVRecord;

/**
 * A row of a table.
 *
 * @param columns the header's name of each column used
 * @param line of the file
 */
record Cells(CSVRecord record, Map<Column, String> columns, long line) {

    private static final Set<String> NO_NUMBER = Set.of("", "nan", "inf", "+inf", "infinity", "none", "null", "na");

    /** Empty where the table has no such column. */
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

    /** Empty where the row ends before it, too. */
    String note(String name) {
        return record.isSet(name) ? record.get(name).strip() : "";
    }

    /** Whether it says that there is none: of a run that diverged, or has not ended. */
    boolean isMissing(Column column) throws TableException {
        return NO_NUMBER.contains(text(column).toLowerCase(java.util.Locale.ROOT));
    }

    double positive(Column column) throws TableException {
        double value = number(column);
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new TableException(
                    line,
                    "%s in the column '%s' is not positive and finite, as %s must be"
                            .formatted(text(column), columns.get(column), column.meaning()));
        }
        return value;
    }

    /** @return between 0 and 1 */
    double share(Column column) throws TableException {
        double value = number(column);
        if (!(value >= 0 && value <= 1)) {
            throw new TableException(
                    line,
                    "%s in the column '%s' does not lie between 0 and 1; write %s, so 45 %% as 0.45"
                            .formatted(text(column), columns.get(column), column.meaning()));
        }
        return value;
    }

    private double number(Column column) throws TableException {
        String text = text(column);
        try {
            return Double.parseDouble(text);
        } catch (NumberFormatException e) {
            throw new TableException(
                    line,
                    "'%s' in the column '%s' is no number; write %s as a plain one, such as %s"
                            .formatted(
                                    text,
                                    columns.get(column),
                                    column.meaning(),
                                    column == Column.ACCURACY ? "0.45" : "1.2e9"));
        }
    }
}
