package dev.isoflop.scaling.fit;

import dev.isoflop.scaling.law.FitPoint;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import org.apache.commons.math3.random.MersenneTwister;
import org.jspecify.annotations.Nullable;

/**
 * Case resampling as multiplicities: how often each point is drawn.
 *
 * <p>Indices come from MT19937 seeded by {@code init_genrand}, 32-bit words masked to the next power of two and rejected
 * above the last index: the draws of numpy's {@code RandomState(seed).choice}, so a published bootstrap can be repeated
 * draw by draw. All draws are made in order before any fit runs, which keeps them free of the number of threads.
 */
final class CaseDraws {

    private CaseDraws() {}

    /**
     * @return {@code count} rows of one multiplicity a point
     */
    static List<int[]> draw(List<FitPoint> points, ParametricOptions.Resampling resampling, int count, long seed) {
        return draw(points.size(), i -> points.get(i).group(), resampling, count, seed);
    }

    /** @param groupAt group of a point, null for one that is alone */
    static List<int[]> draw(
            int points,
            IntFunction<@Nullable String> groupAt,
            ParametricOptions.Resampling resampling,
            int count,
            long seed) {
        int[] groupOf = new int[points];
        Map<String, Integer> groups = new HashMap<>();
        int[] next = {0};
        for (int i = 0; i < groupOf.length; i++) {
            String group = groupAt.apply(i);
            groupOf[i] = switch (resampling) {
                case POINTS -> i;
                case GROUPS -> groups.computeIfAbsent(group == null ? "point " + i : "group " + group, g -> next[0]++);
                case RESIDUALS -> throw new IllegalArgumentException("residuals are no cases: all points stay");
            };
        }
        int units = resampling == ParametricOptions.Resampling.POINTS ? points : groups.size();
        List<int[]> out = new ArrayList<>(count);
        for (int[] indices : indices(units, count, seed)) {
            int[] drawn = new int[units];
            for (int index : indices) {
                drawn[index]++;
            }
            int[] multiplicity = new int[points];
            for (int i = 0; i < multiplicity.length; i++) {
                multiplicity[i] = drawn[groupOf[i]];
            }
            out.add(multiplicity);
        }
        return out;
    }

    /** {@code count} rows of as many indices as there are units, in the order drawn. */
    static List<int[]> indices(int units, int count, long seed) {
        MersenneTwister random =
                seed >= 0 && seed <= Integer.MAX_VALUE ? new MersenneTwister((int) seed) : new MersenneTwister(seed);
        int mask = units <= 1 ? 0 : -1 >>> Integer.numberOfLeadingZeros(units - 1);
        List<int[]> out = new ArrayList<>(count);
        for (int k = 0; k < count; k++) {
            int[] row = new int[units];
            for (int j = 0; j < units; j++) {
                row[j] = index(random, mask, units);
            }
            out.add(row);
        }
        return out;
    }

    private static int index(MersenneTwister random, int mask, int units) {
        while (mask != 0) {
            int candidate = random.nextInt() & mask;
            if (candidate < units) {
                return candidate;
            }
        }
        return 0;
    }
}
