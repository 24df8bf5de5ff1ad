package dev.isoflop.scaling.isoflop;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A published way to go from IsoFLOP curves to power laws.
 *
 * @param name as in {@code --protocol}
 * @param source where it is described
 * @param rule how an optimum is read off a curve
 * @param noise of a run, for intervals and weights; null for neither
 * @param weighted whether the line weighs each optimum by 1 / sd^2 of its ln N*
 * @param floor least sd of ln N*, as a share of the mean gap between sizes: a curve through sizes that far apart cannot say more. Of use with {@code weighted} only
 * @param resamples draws of noise; 0 with no noise
 * @param seed of the draws
 */
public record Protocol(
        String name,
        String source,
        CurveRule rule,
        @Nullable LossNoise noise,
        boolean weighted,
        double floor,
        int resamples,
        long seed) {

    public Protocol {
        if (noise == null ? weighted || resamples != 0 : resamples < 100) {
            throw new IllegalArgumentException(
                    "weights and resamples need noise, and noise at least 100 resamples, not " + resamples);
        }
        if (!(floor >= 0)) {
            throw new IllegalArgumentException("floor must be 0 or more, was " + floor);
        }
    }

    public static final Protocol HOFFMANN = new Protocol(
            "hoffmann", "Hoffmann et al. 2022, section 3.2", new CurveRule.Parabola(), null, false, 0, 0, 42);

    public static final Protocol PORIAN = porian("porian", LossNoise.REFINED_WEB);

    public static final Protocol PORIAN_OWT2 = porian("porian-owt2", LossNoise.OPEN_WEB_TEXT2);

    public static final Protocol CS336 =
            new Protocol("cs336", "CS336, assignment 3", new CurveRule.LowestPoint(), null, false, 0, 0, 42);

    private static Protocol porian(String name, LossNoise noise) {
        return new Protocol(
                name, "Porian et al. 2024, section 3.1", new CurveRule.Spline(25), noise, true, 1.0 / 3, 1000, 42);
    }

    public static List<Protocol> all() {
        return List.of(HOFFMANN, PORIAN, PORIAN_OWT2, CS336);
    }

    public static Optional<Protocol> named(String name) {
        return all().stream().filter(each -> each.name.equals(name)).findFirst();
    }
}
