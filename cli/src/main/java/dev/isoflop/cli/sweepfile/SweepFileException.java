package dev.isoflop.cli.sweepfile;

import java.util.List;

/** A sweep file that cannot be used, with every reason found. */
public final class SweepFileException extends Exception {

    private static final long serialVersionUID = 1L;

    private final transient List<Complaint> complaints;

    public SweepFileException(List<Complaint> complaints) {
        super(complaints.isEmpty() ? "invalid" : complaints.getFirst().text());
        this.complaints = List.copyOf(complaints);
    }

    public List<Complaint> complaints() {
        return complaints;
    }

    /**
     * @param line from 1; 0 where no line can be named
     * @param pointer JSON pointer of the field, empty for the document itself
     * @param text what is wrong, what was expected, and the nearest valid name where there is one
     */
    public record Complaint(int line, String pointer, String text) {

        @Override
        public String toString() {
            return (line > 0 ? "line " + line + ", " : "") + (pointer.isEmpty() ? "" : pointer + ": ") + text;
        }
    }
}
