package dev.isoflop.scaling.table;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A table that cannot be used as it is; the message says where and what is wrong. How a column is named is for whoever had the table read to say. */
public final class TableException extends Exception {

    private static final long serialVersionUID = 1L;

    private final long line;
    private final @Nullable Column unnamed;

    /** @param line of the file, counted from 1; 0 for the table as a whole */
    TableException(long line, String message) {
        this(line, message, null);
    }

    /** @param unnamed column that the header does not tell, and that would be found if it were named */
    TableException(long line, String message, @Nullable Column unnamed) {
        super(line == 0 ? message : "line " + line + ": " + message);
        this.line = line;
        this.unnamed = unnamed;
    }

    public long line() {
        return line;
    }

    /** What was looked for by its usual names and not found, or found twice; empty if it is something else that is wrong. */
    public Optional<Column> unnamed() {
        return Optional.ofNullable(unnamed);
    }
}
