package dev.isoflop.scaling.design;

import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.ComputeOptimum;

/** What is to be known better: a number that follows from the law. */
public sealed interface DesignTarget {

    /** The number under a law; its variance is what a design lowers. */
    double value(ChinchillaLaw law);

    /**
     * ln N* at a budget: how large the model should be.
     *
     * @param C training FLOPs
     */
    record LogOptimum(double C) implements DesignTarget {

        public LogOptimum {
            requirePositive("C", C);
        }

        @Override
        public double value(ChinchillaLaw law) {
            return Math.log(law.optimum(C).N());
        }

        /**
         * What not knowing N* costs, FLOPs. Training a model of N* e^x instead of N* at C wastes the share (alpha + beta) / 2 x^2 of it to second order: at the
         * optimum alpha A N^-alpha = beta B D^-beta =: s, so the loss curves by (alpha + beta) s in ln N along the budget, and falls by s for each factor of e in C
         * along the frontier. Where that is no small share it is 1 - e^-share of C, all of which can be wasted and no more; so that knowing better always saves.
         *
         * @param variance of ln N*
         */
        public double waste(ChinchillaLaw law, double variance) {
            return -C * Math.expm1(-(law.alpha() + law.beta()) / 2 * variance);
        }
    }

    /** Log loss of one run. */
    record LogLoss(double N, double D) implements DesignTarget {

        public LogLoss {
            requirePositive("N", N);
            requirePositive("D", D);
        }

        /** At the optimum of a budget under a law. */
        public static LogLoss at(ComputeOptimum optimum) {
            return new LogLoss(optimum.N(), optimum.D());
        }

        @Override
        public double value(ChinchillaLaw law) {
            return Math.log(law.loss(N, D));
        }
    }

    /** Exponent a of N* in C. */
    record OptimumExponent() implements DesignTarget {

        @Override
        public double value(ChinchillaLaw law) {
            return law.a();
        }
    }

    private static void requirePositive(String name, double value) {
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(name + " must be positive and finite, was " + value);
        }
    }
}
