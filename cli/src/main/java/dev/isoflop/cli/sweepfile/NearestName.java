package dev.isoflop.cli.sweepfile;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/** The valid name a misspelt one was probably meant to be. */
public final class NearestName {

    private NearestName() {}

    /** The candidate with the fewest edits (Levenshtein), unless that is more than a third of the longer name. */
    public static Optional<String> of(String given, Collection<String> candidates) {
        record Scored(String name, int edits) {}
        return candidates.stream()
                .map(c -> new Scored(c, edits(fold(given), fold(c))))
                .filter(s -> s.edits <= Math.max(1, Math.max(given.length(), s.name.length()) / 3)
                        || fold(s.name).startsWith(fold(given)) && given.length() >= 3)
                .min(Comparator.comparingInt(Scored::edits).thenComparing(Scored::name))
                .map(Scored::name);
    }

    /** batch_size, batch-size and batchSize are spelt alike. */
    private static String fold(String name) {
        return name.replaceAll("[_\\- ]", "").toLowerCase(Locale.ROOT);
    }

    private static int edits(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int above = row[j];
                int change = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                row[j] = Math.min(change, Math.min(above, row[j - 1]) + 1);
                diagonal = above;
            }
        }
        return row[b.length()];
    }
}
