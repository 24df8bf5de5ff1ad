package dev.isoflop.lm.train;

/**
 * Standard normal numbers from a seed: the ziggurat of Marsaglia and Tsang (2000) with 256 layers, in double precision over SplitMix64.
 *
 * <p>A number of 64 bits gives a layer (its lowest 8) and a place in it (its highest 53), which share no bit (Doornik 2005). The tables
 * and the one draw in a hundred that misses a layer's rectangle use {@link StrictMath}, so that a seed gives the same bits everywhere.
 *
 * <p>Concurrency: one thread's; the tables are constant.
 */
final class Normals {

    private static final int LAYERS = 256;
    /** Where the tail begins, and the area of every layer under exp(-x²/2): the paper's r and v for 256 layers. */
    static final double EDGE = 3.6541528853610088;

    private static final double AREA = 0.004928673233974655;
    private static final double UNIT = 0x1p-52; // of a signed number of 53 bits: (-1, 1)
    private static final double UNSIGNED_UNIT = 0x1p-53;

    /** Right edge of each layer, from the lowest: layer i lies between WIDTH[i] and WIDTH[i + 1] of the curve. */
    private static final double[] WIDTH = new double[LAYERS + 1];
    /** exp(-WIDTH²/2). */
    private static final double[] HEIGHT = new double[LAYERS + 1];
    /** Share of a layer's rectangle that lies under the curve whole. */
    private static final double[] INSIDE = new double[LAYERS];

    static {
        // the lowest layer has the tail's area in it: as a rectangle it would be this wide
        WIDTH[0] = AREA / density(EDGE);
        WIDTH[1] = EDGE;
        HEIGHT[1] = density(EDGE);
        for (int i = 2; i < LAYERS; i++) {
            HEIGHT[i] = HEIGHT[i - 1] + AREA / WIDTH[i - 1];
            WIDTH[i] = StrictMath.sqrt(-2 * StrictMath.log(HEIGHT[i]));
        }
        HEIGHT[LAYERS] = 1; // and WIDTH is 0
        for (int i = 0; i < LAYERS; i++) {
            INSIDE[i] = WIDTH[i + 1] / WIDTH[i];
        }
    }

    private long state;

    Normals(long seed) {
        this.state = seed;
    }

    private static double density(double x) {
        return StrictMath.exp(-0.5 * x * x);
    }

    private long bits() {
        long at = state;
        state = at + BatchOrder.GOLDEN;
        return BatchOrder.mix(at);
    }

    /** In (0, 1]. */
    private double uniform() {
        return ((bits() >>> 11) + 1) * UNSIGNED_UNIT;
    }

    double next() {
        long bits = bits();
        int layer = (int) bits & LAYERS - 1;
        double place = (bits >> 11) * UNIT;
        double x = place * WIDTH[layer];
        return Math.abs(place) < INSIDE[layer] ? x : outside(layer, x);
    }

    /** A number of this layer that may lie outside the curve; another one if it does. */
    private double outside(int first, double candidate) {
        int layer = first;
        double x = candidate;
        while (true) {
            if (layer == 0) {
                return Math.copySign(tail(), x);
            }
            if (HEIGHT[layer] + uniform() * (HEIGHT[layer + 1] - HEIGHT[layer]) < density(x)) {
                return x;
            }
            long bits = bits();
            layer = (int) bits & LAYERS - 1;
            double place = (bits >> 11) * UNIT;
            x = place * WIDTH[layer];
            if (Math.abs(place) < INSIDE[layer]) {
                return x;
            }
        }
    }

    /** Beyond the edge (Marsaglia 1964). */
    private double tail() {
        double beyond;
        double y;
        do {
            beyond = -StrictMath.log(uniform()) / EDGE;
            y = -StrictMath.log(uniform());
        } while (2 * y < beyond * beyond);
        return EDGE + beyond;
    }
}
