package dev.isoflop.scaling.table;

/** A table that cannot be used as it is; the message says where and what to do. */
public final class TableException extends Exception {

    private static final long serialVersionUID = 1L;

    private final long line;

    /** @param line of the file, counted from 1; 0 for the table as a whole */
    TableException(long line, String message) {
        super(line == 0 ? message : "line " + line + ": " + message);
        this.line = line;
    }

    public long line() {
        return line;
    }
}
