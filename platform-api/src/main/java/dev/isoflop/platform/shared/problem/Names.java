package dev.isoflop.platform.shared.problem;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/** What somebody may have meant. */
public final class Names {

    private Names() {}

    /** The known name nearest to the given one by edit distance, if it is near enough to be a slip of the pen. */
    public static Optional<String> nearest(String given, Collection<String> known) {
        int farthest = Math.max(2, given.length() / 3);
        record Candidate(String name, int distance) {}
        return known.stream()
                .map(name ->
                        new Candidate(name, distance(given.toLowerCase(Locale.ROOT), name.toLowerCase(Locale.ROOT))))
                .filter(c -> c.distance() <= farthest)
                .min(Comparator.comparingInt(Candidate::distance).thenComparing(Candidate::name))
                .map(Candidate::name);
    }

    /** Levenshtein's. */
    static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int substituted = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(substituted, Math.min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.length()];
    }
}
