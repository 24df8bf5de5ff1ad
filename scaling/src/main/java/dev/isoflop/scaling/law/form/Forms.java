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

    private Forms() {}

    public static List<Law> all() {
        return ALL;
    }

    public static Optional<Law> named(String name) {
        return ALL.stream().filter(law -> law.name().equals(name)).findFirst();
    }
}
