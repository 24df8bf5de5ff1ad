package dev.isoflop.scaling.accounting;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * Arithmetic that can be shown: a value, the formula it comes from, and the formula with the numbers in place, all three read from one
 * expression, so that they cannot disagree.
 *
 * <p>Values are doubles. Counts stay exact up to 2^53, about 9e15.
 */
public sealed interface Term {

    double value();

    /** The formula in symbols, or with their values in their place. */
    String written(boolean numbers);

    /** The formula, in symbols. */
    default String formula() {
        return written(false);
    }

    /** The formula with the symbols' values in their place. */
    default String numbers() {
        return written(true);
    }

    /** How strongly the outermost operation binds; operands that bind less stand in brackets. */
    int binding();

    int SUM = 1;
    int PRODUCT = 2;
    int ATOM = 3;

    /** Characters of the longest name that is a letter with its index: d_h. */
    int LETTERS = 3;

    static Term of(double value) {
        return new Literal(value);
    }

    /** A quantity with a name: {@code d} = 4,096. */
    static Term named(String name, double value) {
        return new Symbol(name, value);
    }

    default Term plus(Term other) {
        List<Term> parts = new ArrayList<>(this instanceof Sum sum ? sum.parts() : List.of(this));
        parts.add(other);
        return new Sum(List.copyOf(parts));
    }

    default Term plus(double other) {
        return plus(of(other));
    }

    default Term minus(Term other) {
        return new Difference(this, other);
    }

    /** Numbers of the formula are gathered in front: twice 3 d f is 6 d f. */
    default Term times(Term... others) {
        List<Term> all = new ArrayList<>(this instanceof Product product ? product.factors() : List.of(this));
        for (Term other : others) {
            all.addAll(other instanceof Product product ? product.factors() : List.of(other));
        }
        double coefficient = 1;
        List<Term> factors = new ArrayList<>();
        for (Term factor : all) {
            if (factor instanceof Literal literal) {
                coefficient *= literal.value();
            } else {
                factors.add(factor);
            }
        }
        if (coefficient != 1 || factors.isEmpty()) {
            factors.addFirst(of(coefficient));
        }
        return factors.size() == 1 ? factors.getFirst() : new Product(List.copyOf(factors));
    }

    default Term over(Term other) {
        return new Quotient(this, other);
    }

    default Term over(double other) {
        return over(of(other));
    }

    /** Rounded up to a multiple; itself where it is one already, since then there is nothing to show. */
    default Term upTo(long multiple) {
        return value() % multiple == 0 ? this : new RoundedUp(this, multiple);
    }

    /** Whole steps: rounded up to an integer. */
    default Term ceiling() {
        return upTo(1);
    }

    /** The larger of two; of equals the first. */
    default Term max(Term other) {
        return new Max(this, other);
    }

    default Term min(Term other) {
        return new Min(this, other);
    }

    /** To a power that need not be whole. */
    default Term power(Term exponent) {
        return new Power(this, exponent);
    }

    /** What this is called from here on: an operand of other terms that shows its name, and its value as one number. */
    default Term as(String name) {
        return named(name, value());
    }

    /** @param factors at least one */
    static Term product(double coefficient, Term... factors) {
        return of(coefficient).times(factors);
    }

    /** @param terms at least one; what is zero because it does not exist is left to the caller */
    static Term sum(List<Term> terms) {
        return terms.size() == 1 ? terms.getFirst() : new Sum(List.copyOf(terms));
    }

    /** 4,096, 0.4, 3.14e23: whole numbers in full up to 1e12. */
    static String show(double value) {
        if (value == Math.rint(value) && Math.abs(value) < 1e12) {
            return String.format(Locale.ROOT, "%,d", (long) value);
        }
        if (!Double.isFinite(value)) {
            return Double.toString(value);
        }
        double size = Math.abs(value);
        if (size >= 1e12 || size < 1e-4) {
            return String.format(Locale.ROOT, "%.4e", value)
                    .replaceAll("\\.?0+e", "e")
                    .replaceAll("e([+-])0*", "e$1")
                    .replace("e+", "e");
        }
        String text = size >= 1000
                ? String.format(Locale.ROOT, "%,.1f", value)
                : String.format(Locale.ROOT, "%." + Math.max(1, 4 - (int) Math.floor(Math.log10(size))) + "f", value);
        return text.replaceAll("0+$", "").replaceAll("\\.$", "");
    }

    private static String bracketed(Term term, int least, boolean numbers) {
        String text = term.written(numbers);
        return term.binding() < least ? "(" + text + ")" : text;
    }

    /** A number of the formula itself. */
    record Literal(double value) implements Term {
        @Override
        public String written(boolean numbers) {
            return show(value);
        }

        @Override
        public int binding() {
            return ATOM;
        }
    }

    /** A quantity with a name. */
    record Symbol(String name, double value) implements Term {
        @Override
        public String written(boolean numbers) {
            return numbers ? show(value) : name;
        }

        @Override
        public int binding() {
            return ATOM;
        }
    }

    /** One after another. */
    record Sum(List<Term> parts) implements Term {
        @Override
        public double value() {
            return parts.stream().mapToDouble(Term::value).sum();
        }

        @Override
        public String written(boolean numbers) {
            return parts.stream().map(part -> part.written(numbers)).collect(Collectors.joining(" + "));
        }

        @Override
        public int binding() {
            return SUM;
        }
    }

    /** Left minus right. */
    record Difference(Term left, Term right) implements Term {
        @Override
        public double value() {
            return left.value() - right.value();
        }

        @Override
        public String written(boolean numbers) {
            return left.written(numbers) + " − " + bracketed(right, PRODUCT, numbers);
        }

        @Override
        public int binding() {
            return SUM;
        }
    }

    /** All factors. Symbols follow each other as the maths writes them; numbers need the sign, and so do words. */
    record Product(List<Term> factors) implements Term {
        @Override
        public double value() {
            double product = 1;
            for (Term factor : factors) {
                product *= factor.value();
            }
            return product;
        }

        @Override
        public String written(boolean numbers) {
            // letters need no sign between them; words and numbers do
            boolean sign = numbers
                    || factors.stream()
                            .anyMatch(f -> f instanceof Symbol s && s.name().length() > LETTERS);
            return factors.stream()
                    .map(f -> bracketed(f, ATOM, numbers))
                    .collect(Collectors.joining(sign ? " × " : " "));
        }

        @Override
        public int binding() {
            return PRODUCT;
        }
    }

    /** Left over right. */
    record Quotient(Term left, Term right) implements Term {
        @Override
        public double value() {
            return left.value() / right.value();
        }

        @Override
        public String written(boolean numbers) {
            return bracketed(left, PRODUCT, numbers) + " ÷ " + bracketed(right, ATOM, numbers);
        }

        @Override
        public int binding() {
            return PRODUCT;
        }
    }

    /** The least multiple that is no smaller. */
    record RoundedUp(Term inner, long multiple) implements Term {
        @Override
        public double value() {
            return Math.ceil(inner.value() / multiple) * multiple;
        }

        @Override
        public String written(boolean numbers) {
            return wrap(inner.written(numbers));
        }

        private String wrap(String text) {
            return "⌈" + text + "⌉" + (multiple == 1 ? "" : subscript(multiple));
        }

        @Override
        public int binding() {
            return ATOM;
        }

        private static String subscript(long number) {
            return Long.toString(number)
                    .chars()
                    .mapToObj(c -> String.valueOf((char) ('₀' + c - '0')))
                    .collect(Collectors.joining());
        }
    }

    /** The larger one. */
    record Max(Term left, Term right) implements Term {
        @Override
        public double value() {
            return Math.max(left.value(), right.value());
        }

        @Override
        public String written(boolean numbers) {
            return "max(" + left.written(numbers) + ", " + right.written(numbers) + ")";
        }

        @Override
        public int binding() {
            return ATOM;
        }
    }

    /** The smaller one. */
    record Min(Term left, Term right) implements Term {
        @Override
        public double value() {
            return Math.min(left.value(), right.value());
        }

        @Override
        public String written(boolean numbers) {
            return "min(" + left.written(numbers) + ", " + right.written(numbers) + ")";
        }

        @Override
        public int binding() {
            return ATOM;
        }
    }

    /** The base to a power. */
    record Power(Term base, Term exponent) implements Term {
        @Override
        public double value() {
            return Math.pow(base.value(), exponent.value());
        }

        @Override
        public String written(boolean numbers) {
            return bracketed(base, ATOM, numbers) + "^" + bracketed(exponent, ATOM, numbers);
        }

        @Override
        public int binding() {
            return PRODUCT;
        }
    }
}
