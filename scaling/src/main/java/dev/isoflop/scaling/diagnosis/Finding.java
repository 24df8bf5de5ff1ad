package dev.isoflop.scaling.diagnosis;

import java.util.Collections;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * Something to know about a fit.
 *
 * @param code stable name
 * @param sentence for people, with the numbers in it and what to do
 * @param numbers the same numbers by name, sorted
 */
public record Finding(String code, String sentence, Map<String, Double> numbers) {

    public Finding {
        numbers = Collections.unmodifiableMap(new TreeMap<>(numbers));
    }

    static Finding of(String code, Map<String, Double> numbers, String pattern, Object... arguments) {
        return new Finding(code, String.format(Locale.ROOT, pattern, arguments), numbers);
    }
}
