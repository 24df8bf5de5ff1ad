package dev.isoflop.scaling.fit;

/** How far a law may be from a point, and what that costs. The cost of a residual is taken together by sum, so that tolerances do not loosen with the number of points. */
public sealed interface Criterion {

    /** Whether residuals are of the logarithm of the loss, prediction less measurement. */
    boolean ofLog();

    double cost(double residual);

    /** First derivative of the cost. */
    double slope(double residual);

    /** Second derivative, 0 where the cost has a corner. */
    double curvature(double residual);

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
}
