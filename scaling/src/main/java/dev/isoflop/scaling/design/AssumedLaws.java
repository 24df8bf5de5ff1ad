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

    /** Standard deviation of a run's log loss, where nobody has measured it: what the trials of designs take it for. */
    public static final double NOISE = 0.003;

    private AssumedLaws() {}
}
