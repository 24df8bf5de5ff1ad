package dev.isoflop.scaling.fit;

/**
 * What {@link DampedNewton} minimises: a sum over points, with its first and second derivatives. Not thread safe: the arrays that an evaluation fills are
 * its own.
 */
abstract class Objective {

    final int parameters;

    double value;
    final double[] gradient;
    final double[][] hessian;
    /** Iteratively reweighted Gauss-Newton matrix: positive semi-definite, the scale that damping is measured in. */
    final double[][] majorizer;

    Objective(int parameters) {
        this.parameters = parameters;
        this.gradient = new double[parameters];
        this.hessian = new double[parameters][parameters];
        this.majorizer = new double[parameters][parameters];
    }

    /** Infinite where it is not defined. */
    abstract double valueAt(double[] theta);

    /** Fills {@link #value}, {@link #gradient}, {@link #hessian} and {@link #majorizer}. */
    abstract void evaluate(double[] theta);
}
