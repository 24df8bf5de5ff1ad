package dev.isoflop.scaling.law;

import java.util.List;

/**
 * A parametric form of the loss, its coefficients unknown; or of something else that is measured of runs, such as an accuracy or the best learning rate. A form is
 * one class: its formula, its coefficients and where to look for them. Fits and their uncertainty come from {@code fit.LawFit}.
 */
public interface Law {

    /** What a law may depend on. */
    enum Input {
        /** Parameters. */
        N,
        /** Training tokens, repeated ones counted again. */
        D,
        /** Training FLOPs. */
        C,
        /** Distinct training tokens. */
        U,
        /** Parameters that a token passes through, of N in all (mixture of experts). */
        ACTIVE,
        /** Width of the residual stream. */
        WIDTH,
        /** Layers. */
        DEPTH,
        /** Peak learning rate. */
        RATE,
        /** Tokens a step. */
        BATCH,
        /** Loss on a task's answers, bits per byte. May be 0. */
        BPB;

        /** @throws IllegalArgumentException if a point cannot have that value */
        public void check(double value) {
            boolean inRange = this == BPB ? value >= 0 : value > 0;
            if (!inRange || Double.isInfinite(value)) {
                throw new IllegalArgumentException(
                        this + " must be " + (this == BPB ? "0 or " : "") + "positive and finite, was " + value);
            }
        }
    }

    /**
     * An unknown of a law.
     *
     * @param name as in the formula
     * @param positive whether it is fitted as its logarithm: scales, whose size is not known
     * @param low lower end of the values allowed
     * @param high upper end
     */
    record Coefficient(String name, boolean positive, double low, double high) {

        public Coefficient {
            if (!(low < high) || positive && low < 0) {
                throw new IllegalArgumentException(
                        name + ": low < high needed, and low >= 0 for a positive coefficient");
            }
        }

        /** A positive number of any size. */
        public static Coefficient scale(String name) {
            return new Coefficient(name, true, 0, Double.POSITIVE_INFINITY);
        }

        public static Coefficient between(String name, double low, double high) {
            return new Coefficient(name, false, low, high);
        }
    }

    /** Short name, as in {@code --law}. */
    String name();

    /** The formula as text. */
    String formula();

    /** What the formula needs of a point, in the order that {@link #loss} gets it. */
    List<Input> inputs();

    List<Coefficient> coefficients();

    /**
     * The formula.
     *
     * @param c coefficients, in their order
     * @param x inputs of one point, in their order
     * @return nats per token, unless the form says otherwise
     */
    Jet loss(Jet[] c, double[] x);

    /**
     * Coefficients to look from. Many are welcome: only the best are followed.
     *
     * @param points at least as many as there are coefficients
     */
    List<double[]> candidates(LawPoints points);

    /** The formula with numbers in place of coefficients. */
    default double loss(double[] c, double... x) {
        return loss(Jet.constants(c), x).value();
    }
}
