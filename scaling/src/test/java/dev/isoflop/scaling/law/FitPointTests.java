package dev.isoflop.scaling.law;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FitPointTests {

    private static final FitPoint PLAIN = FitPoint.of(1e8, 1e9, 3);

    /** As {@code report.FitSettings}, whose hash of one point was taken before points had further inputs. */
    public record FitSettings(
            String law, double delta, int resamples, Drawn resampling, long seed, double level, Double target) {}

    /** Named in the hash by its constant alone. */
    public enum Drawn {
        POINTS
    }

    private static String hash(FitPoint point) {
        return InputHash.of(List.of(point), new FitSettings("kaplan", 1e-3, 0, Drawn.POINTS, 42, .95, null));
    }

    @Test
    void aPointWithoutFurtherInputsKeepsItsHash() {
        assertThat(hash(PLAIN)).isEqualTo("95e68bae66dcdd3967ff5b32891e329f362962b10039904bac16a90378746571");
    }

    @Test
    void furtherInputsAreHashedInAnOrderOfTheirOwn() {
        Map<Law.Input, Double> oneWay = new LinkedHashMap<>();
        oneWay.put(Law.Input.WIDTH, 512.0);
        oneWay.put(Law.Input.U, 1e9);
        Map<Law.Input, Double> otherWay = new LinkedHashMap<>();
        otherWay.put(Law.Input.U, 1e9);
        otherWay.put(Law.Input.WIDTH, 512.0);
        assertThat(hash(PLAIN.with(oneWay)))
                .isEqualTo(hash(PLAIN.with(otherWay)))
                .isNotEqualTo(hash(PLAIN))
                .isNotEqualTo(hash(PLAIN.with(Map.of(Law.Input.WIDTH, 513.0, Law.Input.U, 1e9))));
    }

    @Test
    void inputsThatCannotBeAreNamed() {
        assertThat(PLAIN.input(Law.Input.C)).isEqualTo(6e17);
        assertThatThrownBy(() -> PLAIN.input(Law.Input.U)).hasMessage("the points have no U");
        assertThatThrownBy(() -> PLAIN.with(Map.of(Law.Input.D, 1.0))).hasMessage("D is the point's own");
        assertThatThrownBy(() -> PLAIN.with(Map.of(Law.Input.DEPTH, 0.0)))
                .hasMessage("DEPTH must be positive and finite, was 0.0");
        assertThat(PLAIN.with(Map.of(Law.Input.BPB, 0.0)).input(Law.Input.BPB)).isZero();
        assertThat(LawPoints.of(List.of(PLAIN, PLAIN.with(Map.of(Law.Input.U, 1e9)))))
                .satisfies(points -> assertThatThrownBy(() -> points.column(Law.Input.U))
                        .as("not of every point")
                        .hasMessage("the points have no U"));
    }
}
