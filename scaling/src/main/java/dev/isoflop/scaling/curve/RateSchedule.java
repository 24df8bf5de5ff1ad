package dev.isoflop.scaling.curve;

/**
 * How the learning rate goes over a run, as shares: of the run's tokens, from 0 to 1, and of the peak.
 *
 * @param shape after a linear warm-up
 * @param warmup share of the tokens that warm up, 0 to below 1
 * @param last rate at the end as a share of the peak, 0 to 1; not of {@link Shape#CONSTANT}
 * @param decayFrom share of the tokens at which {@link Shape#WSD} begins to decay, at least the warm-up
 * @param travel peak rate times the steps of the whole run, which says about how far it is from annealed before it anneals; 0 if it is not known
 */
public record RateSchedule(Shape shape, double warmup, double last, double decayFrom, double travel) {

    /** After the warm-up. */
    public enum Shape {
        /** Half a cosine to the last rate (Loshchilov and Hutter 2017). */
        COSINE,
        /** The peak, then a straight line to the last rate (Hu et al. 2024). */
        WSD,
        /** The peak throughout. */
        CONSTANT
    }

    /** Steps of the sum that {@link #area} is. */
    private static final int PIECES = 2_000;

    public RateSchedule {
        require(warmup >= 0 && warmup < 1, "warmup", warmup, "0 to below 1");
        require(last >= 0 && last <= 1, "last", last, "0 to 1");
        require(decayFrom >= 0 && decayFrom < 1, "decayFrom", decayFrom, "0 to below 1");
        require(travel >= 0 && Double.isFinite(travel), "travel", travel, "0 or more");
    }

    public static RateSchedule cosine(double warmup, double last) {
        return new RateSchedule(Shape.COSINE, warmup, last, 0, 0);
    }

    public static RateSchedule wsd(double warmup, double last, double decayFrom) {
        return new RateSchedule(Shape.WSD, warmup, last, decayFrom, 0);
    }

    public static RateSchedule constant(double warmup) {
        return new RateSchedule(Shape.CONSTANT, warmup, 1, 0, 0);
    }

    /**
     * The same of a run whose rate is known.
     *
     * @param peak learning rate
     * @param steps of the whole run
     */
    public RateSchedule at(double peak, long steps) {
        return new RateSchedule(shape, warmup, last, decayFrom, peak * steps);
    }

    /**
     * Learning rate over its peak.
     *
     * @param share of the tokens, 0 to 1
     */
    public double rate(double share) {
        if (share < warmup) {
            return share / warmup;
        }
        return switch (shape) {
            case CONSTANT -> 1;
            case COSINE -> last + (1 - last) * (1 + Math.cos(Math.PI * (share - warmup) / (1 - warmup))) / 2;
            case WSD -> {
                double from = Math.max(warmup, decayFrom);
                yield share < from ? 1 : 1 + (last - 1) * (share - from) / (1 - from);
            }
        };
    }

    /** Integral of {@link #rate} from 0 to the share, by trapezia. */
    public double area(double share) {
        double step = share / PIECES;
        double sum = (rate(0) + rate(share)) / 2;
        for (int i = 1; i < PIECES; i++) {
            sum += rate(i * step);
        }
        return sum * step;
    }

    private static void require(boolean right, String what, double was, String wanted) {
        if (!right) {
            throw new IllegalArgumentException(what + " of a schedule is " + wanted + ", was " + was);
        }
    }
}
