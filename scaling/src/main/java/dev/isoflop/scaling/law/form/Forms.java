package dev.isoflop.scaling.law.form;

import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.Law;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Forms that need nothing but points, by name. */
public final class Forms {

    private static final List<Law> ALL = List.of(
            new Chinchilla(),
            new Kaplan(),
            new OverTraining(),
            ComputeEnvelope.free(),
            new RepeatedData(),
            new DataConstrainedJoint(),
            WidthDepth.ofShape(),
            WidthDepth.ofShapeAndSize(),
            new MixtureOfExperts(),
            new RateBatch());

    private static final String PINNED = "envelope:";
    private static final String FRESH = DataConstrained.NAME + ":";

    private Forms() {}

    private static double floor(String text) {
        try {
            return Double.parseDouble(text);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "the floor of '" + PINNED + text + "' is no number; write it in nats, such as " + PINNED + "1.6",
                    e);
        }
    }

    private static ChinchillaLaw fresh(String text) {
        String[] parts = text.split(",", -1);
        try {
            double[] v = Arrays.stream(parts).mapToDouble(Double::parseDouble).toArray();
            if (v.length == 5
                    && v[0] >= 0
                    && Arrays.stream(v).skip(1).allMatch(each -> each > 0)
                    && Arrays.stream(v).allMatch(Double::isFinite)) {
                return new ChinchillaLaw(v[0], v[1], v[2], v[3], v[4]);
            }
        } catch (NumberFormatException e) {
            // said below, as a wrong number of numbers is
        }
        throw new IllegalArgumentException(
                "the law of fresh data is E,A,B,alpha,beta, five positive numbers such as 1.82,478,2143,0.347,0.367, or "
                        + DataConstrained.OWN + " for that of the runs that repeat nothing; was '" + text + "'");
    }

    /** Forms of which a fit takes nothing but points. */
    public static List<Law> all() {
        return ALL;
    }

    /**
     * @param name of a form; {@code envelope:E} for the envelope above a floor that is known; {@code data-constrained:E,A,B,alpha,beta} for both decays about the law of fresh data
     *     that is known
     * @throws IllegalArgumentException if the floor is none, or the law of fresh data
     */
    public static Optional<Law> named(String name) {
        if (name.startsWith(PINNED)) {
            return Optional.of(ComputeEnvelope.above(floor(name.substring(PINNED.length()))));
        }
        if (name.startsWith(FRESH)) {
            return Optional.of(new DataConstrained(fresh(name.substring(FRESH.length()))));
        }
        return ALL.stream().filter(law -> law.name().equals(name)).findFirst();
    }
}
