package dev.isoflop.scaling.fit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.scaling.Fixtures;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What a certificate says of minima that are known to be global, of one that is not, and of points that determine nothing. */
class CertificateTests {

    private static final ParametricOptions OPTIONS = ParametricOptions.defaults();
    private static final ChinchillaLaw TRUTH = new ChinchillaLaw(1.82, 478, 2143, .347, .367);

    private static Certificate certificate(List<FitPoint> points) {
        return Certificate.of(
                points,
                OPTIONS,
                ParametricFit.minimum(points, OPTIONS, 2).orElseThrow().law(),
                2);
    }

    private static List<FitPoint> points(double noise, double... tokensPerParameter) {
        Random random = new Random(3);
        List<FitPoint> points = new ArrayList<>();
        for (double n : new double[] {3e7, 1e8, 3e8, 1e9, 3e9}) {
            for (double each : tokensPerParameter) {
                double d = n * each;
                points.add(FitPoint.of(n, d, TRUTH.loss(n, d) * Math.exp(noise * random.nextGaussian())));
            }
        }
        return points;
    }

    @Test
    void theReplicationsMinimumIsGlobalAndItsExponentsAreDetermined() {
        Certificate certificate = certificate(Fixtures.chinchilla());
        assertThat(certificate.global()).as(certificate.sentence()).isTrue();
        assertThat(certificate.lowest()).isCloseTo(1.0182740178006e-3, within(1e-11));
        assertThat(certificate.flat()).isNull();
        assertThat(certificate.alphaLow()).isBetween(.2, .3474);
        assertThat(certificate.betaHigh()).isBetween(.3671, .6);
    }

    @Test
    void aMinimumOfOnePlaceOnlyIsNotCertified() {
        List<FitPoint> points = Fixtures.chinchilla();
        // the vector of the paper's own table, which an optimizer that stops early would return
        Certificate certificate =
                Certificate.of(points, OPTIONS, new ChinchillaLaw(1.8169, 482.01, 2085.43, .34781, .36585), 2);
        assertThat(certificate.global()).isFalse();
        assertThat(certificate.sentence()).contains("one ends below the minimum, at 0.0010182740");
    }

    @Test
    void pointsWithoutNoiseAreCertified() {
        Certificate certificate = certificate(points(0, 3, 10, 30, 100));
        assertThat(certificate.global()).as(certificate.sentence()).isTrue();
        assertThat(certificate.flat()).isNull();
    }

    @Test
    void aFixedRatioOfTokensToParametersLeavesADirectionFlat() {
        Certificate certificate = certificate(points(.01, 20, 20.5));
        assertThat(certificate.flat())
                .as(certificate.sentence())
                .contains("The points do not tell the best exponents from");
    }

    @Test
    void theNumberOfThreadsChangesNothing() {
        List<FitPoint> points = points(.003, 3, 10, 30, 100);
        ChinchillaLaw law =
                ParametricFit.minimum(points, OPTIONS, 1).orElseThrow().law();
        assertThat(Certificate.of(points, OPTIONS, law, 1)).isEqualTo(Certificate.of(points, OPTIONS, law, 3));
    }
}
