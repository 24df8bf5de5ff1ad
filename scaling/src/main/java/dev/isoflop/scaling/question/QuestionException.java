package dev.isoflop.scaling.question;

/** A question that has no answer as it is put. The message is the field and what is wrong with it. */
public final class QuestionException extends IllegalArgumentException {

    private static final long serialVersionUID = 1L;

    private final String field;
    private final String fault;

    QuestionException(String field, String fault) {
        super(field + " " + fault);
        this.field = field;
        this.fault = fault;
    }

    public String field() {
        return field;
    }

    /** What is wrong and what would be right, without the field. */
    public String fault() {
        return fault;
    }

    static double above(String field, double value) {
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new QuestionException(field, "must be positive and finite, was " + value);
        }
        return value;
    }

    static int between(String field, int value, int least, int most) {
        if (value < least || value > most) {
            throw new QuestionException(field, "lies between " + least + " and " + most + ", was " + value);
        }
        return value;
    }

    static <T> T or(@org.jspecify.annotations.Nullable T value, T fallback) {
        return value == null ? fallback : value;
    }
}
