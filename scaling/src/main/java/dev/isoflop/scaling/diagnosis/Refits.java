package dev.isoflop.scaling.diagnosis;

import dev.isoflop.scaling.fit.ParametricFit;
import dev.isoflop.scaling.fit.ParametricOptions;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/** Chinchilla's law (Hoffmann et al. 2022, equation 2) fitted to a table's points, to some of them, or to the same ones counted otherwise: what a finding weighs. */
final class Refits {

    private final List<FitPoint> points;
    private final ParametricOptions options;
    private final int threads;
    private final Optional<ParametricFit.Minimum> all;

    Refits(List<FitPoint> points, double delta, int threads) {
        this.points = points;
        this.options = ParametricOptions.defaults().withHuberDelta(delta);
        this.threads = threads;
        this.all = minimum(points);
    }

    /** Of all points; empty if they are too few. */
    Optional<ChinchillaLaw> law() {
        return all.map(ParametricFit.Minimum::law);
    }

    Optional<ParametricFit.Minimum> minimum(List<FitPoint> other) {
        return ParametricFit.minimum(other, options, threads).asOptional();
    }

    /** What becomes of a without some points. */
    Effect without(Collection<Integer> left) {
        Set<Integer> gone = new HashSet<>(left);
        Optional<ChinchillaLaw> rest = minimum(IntStream.range(0, points.size())
                        .filter(i -> !gone.contains(i))
                        .mapToObj(points::get)
                        .toList())
                .map(ParametricFit.Minimum::law);
        return new Effect(law().map(ChinchillaLaw::a), rest.map(ChinchillaLaw::a));
    }

    /** Log loss measured less that of the law of all points; empty if there is none. */
    double[] residuals() {
        return law().map(law -> points.stream()
                        .mapToDouble(p -> Math.log(p.loss() / law.loss(p.N(), p.D())))
                        .toArray())
                .orElse(new double[0]);
    }

    /**
     * a = d ln N* / d ln C, with all points and without some.
     *
     * @param without empty if too few remain
     */
    record Effect(Optional<Double> with, Optional<Double> without) {

        String change() {
            return with.isPresent() && without.isPresent()
                    ? String.format(
                            Locale.ROOT, "a of Chinchilla's law goes from %.3f to %.3f", with.get(), without.get())
                    : "too few runs remain to say what becomes of a";
        }

        void into(Map<String, Double> numbers) {
            with.ifPresent(a -> numbers.put("a", a));
            without.ifPresent(a -> numbers.put("aWithout", a));
        }
    }
}
