package dev.isoflop.scaling.design;

import dev.isoflop.scaling.law.ChinchillaLaw;
import java.util.List;

/** Laws that a design goes by before there is a run: published ones that disagree, so that none of them is relied upon. */
public final class AssumedLaws {

    /** Hoffmann et al. 2022 (equation 10), its replication by Besiroglu et al. 2024, and Muennighoff et al. 2023 on C4. */
    public static final List<ChinchillaLaw> PUBLISHED = List.of(
            new ChinchillaLaw(1.69, 406.4, 410.7, .34, .28),
            new ChinchillaLaw(1.8169, 482.01, 2085.43, .34781, .36585),
            new ChinchillaLaw(1.87, 521, 1488, .3526596, .3526596));

    /** Standard deviation of a large run's log loss, where nobody has measured it: what the trials of designs take it for. */
    public static final double NOISE = 0.003;

    /** FLOPs from which a run counts as large. */
    private static final double LARGE = 1e19;

    private static final double MOST_NOISE = 0.03;
    private static final double NOISE_POWER = 0.25;

    private AssumedLaws() {}

    /**
     * By how much runs scatter about a law, seeds and what the law's form leaves out together: 0.003 from 1e19 FLOPs on, and more below. On sweeps of this engine it was 2 % about 1e15 FLOPs and 2 to 3 %
     * about 1e11.
     *
     * @param flops of the largest runs
     */
    public static double noise(double flops) {
        return Math.min(MOST_NOISE, NOISE * Math.max(1, Math.pow(LARGE / flops, NOISE_POWER)));
    }
}
