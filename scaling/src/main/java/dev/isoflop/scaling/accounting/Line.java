package dev.isoflop.scaling.accounting;

/**
 * One figure with its arithmetic.
 *
 * @param key stable name for programs, unique within its section
 * @param name what it is, in words
 * @param formula in symbols
 * @param numbers the formula with the numbers in place
 * @param value what they come to
 * @param unit of the value
 */
public record Line(String key, String name, String formula, String numbers, double value, Unit unit) {

    static Line of(String key, String name, Term term, Unit unit) {
        return new Line(key, name, term.formula(), term.numbers(), term.value(), unit);
    }

    /** The figure as an operand of others, under its own name. */
    Term term() {
        return Term.named(name, value);
    }
}
