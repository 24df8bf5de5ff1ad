package dev.isoflop.scaling.law.form;

import dev.isoflop.scaling.law.Law;
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
            WidthDepth.ofShape(),
            WidthDepth.ofShapeAndSize(),
            new MixtureOfExperts(),
            new RateBatch());

    private static final String PINNED = "envelope:";

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

    public static List<Law> all() {
        return ALL;
    }

    /**
     * @param name of a form, or {@code envelope:E} for the envelope above a floor that is known
     * @throws IllegalArgumentException if the floor is none
     */
    public static Optional<Law> named(String name) {
        if (name.startsWith(PINNED)) {
            return Optional.of(ComputeEnvelope.above(floor(name.substring(PINNED.length()))));
        }
        return ALL.stream().filter(law -> law.name().equals(name)).findFirst();
    }
}
