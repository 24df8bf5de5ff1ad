package dev.isoflop.scaling.fit;

import java.util.ArrayList;
import java.util.List;

/** How far a law may be from a point, and what that costs. The cost of a residual is taken together by sum, so that tolerances do not loosen with the number of points. */
public sealed interface Criterion {

    /** Whether residuals are of the logarithm of the loss, prediction less measurement. */
    boolean ofLog();

    double cost(double residual);

    /** First derivative of the cost. */
    double slope(double residual);

    /** Second derivative, 0 where the cost has a corner. */
    double curvature(double residual);

    /** Curvature of a parabola that touches the cost here and lies above it elsewhere: the weight that iterative reweighting would give the residual. */
    default double reweighting(double residual) {
        return residual == 0 ? curvature(0) : slope(residual) / residual;
    }

    /** Criteria to minimise one after the other, each from where the one before it ended; what is stated in the end is this one's cost. */
    default List<Criterion> stages() {
        return List.of(this);
    }

    /**
     * Huber's loss of log loss: square within delta, straight beyond (Hoffmann et al. 2022, equation 3).
     *
     * @param delta half width of the quadratic zone
     */
    record HuberLog(double delta) implements Criterion {

        public HuberLog {
            if (!(delta > 0)) {
                throw new IllegalArgumentException("delta must be positive, was " + delta);
            }
        }

        @Override
        public boolean ofLog() {
            return true;
        }

        @Override
        public double cost(double r) {
            double magnitude = Math.abs(r);
            return magnitude <= delta ? 0.5 * r * r : delta * (magnitude - 0.5 * delta);
        }

        @Override
        public double slope(double r) {
            return Math.clamp(r, -delta, delta);
        }

        @Override
        public double curvature(double r) {
            return Math.abs(r) <= delta ? 1 : 0;
        }
    }

    /**
     * Half the square.
     *
     * @param ofLog of log loss, or of the loss itself
     */
    record Square(boolean ofLog) implements Criterion {

        @Override
        public double cost(double r) {
            return 0.5 * r * r;
        }

        @Override
        public double slope(double r) {
            return r;
        }

        @Override
        public double curvature(double r) {
            return 1;
        }
    }

    /**
     * The size of the error of the loss itself, an error above counted more: who plans by the law would rather it promised too much loss than too little, or the
     * other way round. It has a corner at 0, where an optimum leaves as many residuals as there are coefficients, so it is approached by
     * {@link Rounded} ones.
     *
     * @param above factor of errors whose prediction is above what was measured; 1 for the plain sum of sizes
     */
    record Asymmetric(double above) implements Criterion {

        private static final double WIDEST = 1e-2;
        private static final double NARROWEST = 1e-11;

        public Asymmetric {
            requireFactor(above);
        }

        @Override
        public boolean ofLog() {
            return false;
        }

        @Override
        public double cost(double r) {
            return r > 0 ? above * r : -r;
        }

        @Override
        public double slope(double r) {
            return r > 0 ? above : r < 0 ? -1 : 0;
        }

        @Override
        public double curvature(double r) {
            return 0;
        }

        @Override
        public List<Criterion> stages() {
            List<Criterion> stages = new ArrayList<>();
            for (double width = WIDEST; width >= NARROWEST; width /= 4) {
                stages.add(new Rounded(above, width));
            }
            return List.copyOf(stages);
        }
    }

    /**
     * {@link Asymmetric} with its corner rounded: (above + 1) / 2 sqrt(r^2 + width^2) + (above - 1) / 2 r, which is nowhere more than (above + 1) / 2 width from it.
     *
     * @param above factor of errors above
     * @param width of the rounding, nats
     */
    record Rounded(double above, double width) implements Criterion {

        public Rounded {
            requireFactor(above);
            if (!(width > 0)) {
                throw new IllegalArgumentException("width must be positive, was " + width);
            }
        }

        @Override
        public boolean ofLog() {
            return false;
        }

        @Override
        public double cost(double r) {
            return 0.5 * (above + 1) * Math.hypot(r, width) + 0.5 * (above - 1) * r;
        }

        @Override
        public double slope(double r) {
            return 0.5 * (above + 1) * r / Math.hypot(r, width) + 0.5 * (above - 1);
        }

        @Override
        public double curvature(double r) {
            double h = Math.hypot(r, width);
            return 0.5 * (above + 1) * (width / h) * (width / h) / h;
        }

        @Override
        public double reweighting(double r) {
            // of the even part alone: the straight part has no curvature, and none must be made up for it
            return 0.5 * (above + 1) / Math.hypot(r, width);
        }
    }

    private static void requireFactor(double above) {
        if (!(above > 0) || Double.isInfinite(above)) {
            throw new IllegalArgumentException("the factor of errors above must be positive, was " + above);
        }
    }
}
