package dev.isoflop.scaling.diagnosis;

import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * Something to know about a fit.
 *
 * @param code stable name
 * @param sentence for people, with the numbers in it and what to do
 * @param numbers the same numbers by name, sorted
 * @param points which it is about, by their place among those fitted; empty if it is about all
 */
public record Finding(String code, String sentence, Map<String, Double> numbers, List<Integer> points) {

    public Finding {
        numbers = Collections.unmodifiableMap(new TreeMap<>(numbers));
        points = List.copyOf(points);
    }

    /** About all points. */
    public Finding(String code, String sentence, Map<String, Double> numbers) {
        this(code, sentence, numbers, List.of());
    }

    Finding about(List<Integer> which) {
        return new Finding(code, sentence, numbers, which);
    }

    static Finding of(String code, Map<String, Double> numbers, String pattern, Object... arguments) {
        return new Finding(code, String.format(Locale.ROOT, pattern, arguments), numbers);
    }
}
