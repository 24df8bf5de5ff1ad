package dev.isoflop.scaling.curve;

/**
 * A loss that was measured on the way.
 *
 * @param tokens seen by then, above 0
 * @param loss nats per token, above 0
 */
public record CurvePoint(double tokens, double loss) {

    /** @throws IllegalArgumentException if one of them is not a positive number */
    public CurvePoint {
        if (!(tokens > 0) || !Double.isFinite(tokens) || !(loss > 0) || !Double.isFinite(loss)) {
            throw new IllegalArgumentException(
                    "a point of a curve has tokens and a loss above 0, was " + tokens + ", " + loss);
        }
    }
}
