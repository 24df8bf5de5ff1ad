package dev.isoflop.platform.sweeps;

import dev.isoflop.protocol.api.SweepSpec;
import dev.isoflop.protocol.api.SweepSpec.ParameterEntry;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Turns the parameters of a sweep of commands into runs. Lists make a grid: every combination. Ranges are drawn {@code count} times,
 * all ranges together, at random or by Halton's sequence (Halton 1960: coordinate i of point n is the radical inverse of n in the i-th
 * prime, so any number of points covers the ranges evenly). Every draw is combined with every cell of the grid.
 */
final class CommandPlanning {

    /** In order: the bases of Halton's sequence. Beyond these its coordinates are too alike to be of use. */
    private static final int[] PRIMES = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};

    static final int MAX_RANGES = PRIMES.length;

    private static final int DEFAULT_COUNT = 10;
    private static final int MAX_NAME = 150;
    private static final int MAX_VALUE = 24;
    private static final int SIGNIFICANT_DIGITS = 5;
    private static final Pattern PLACEHOLDER = Pattern.compile("\\{\\{|\\}\\}|\\{([A-Za-z_][A-Za-z0-9_]*)\\}");

    private CommandPlanning() {}

    /**
     * @param name unique within the sweep, from the parameters
     * @param parameters values by name, in the order of the file
     */
    record Cell(String name, Map<String, String> parameters) {}

    /** @param repeated names of draws that came out as another did */
    record Planned(List<Cell> cells, List<String> repeated) {}

    /** The sweep has been checked by {@link CommandChecks}. */
    static Planned plan(SweepSpec.Command spec) {
        Map<String, ParameterEntry> parameters = spec.parameters() == null ? Map.of() : spec.parameters();
        List<Map<String, String>> cells = new ArrayList<>();
        cells.add(Map.of());
        Map<String, ParameterEntry> ranges = new LinkedHashMap<>();
        for (Map.Entry<String, ParameterEntry> parameter : parameters.entrySet()) {
            List<Object> values = parameter.getValue().values();
            if (values == null) {
                ranges.put(parameter.getKey(), parameter.getValue());
            } else {
                cells = product(cells, parameter.getKey(), values);
            }
        }
        List<Map<String, String>> draws = ranges.isEmpty() ? List.of(Map.of()) : draws(ranges, spec.search());
        List<Cell> named = new ArrayList<>();
        List<String> repeated = new ArrayList<>();
        Set<Map<String, String>> seen = new HashSet<>();
        Set<String> names = new HashSet<>();
        for (Map<String, String> cell : cells) {
            for (Map<String, String> draw : draws) {
                Map<String, String> all = new LinkedHashMap<>();
                for (String name : parameters.keySet()) {
                    String value = cell.get(name);
                    all.put(name, value == null ? String.valueOf(draw.get(name)) : value);
                }
                if (seen.add(all)) {
                    named.add(new Cell(unique(name(all), names), all));
                } else {
                    repeated.add(name(all)); // whole numbers of a small range come up again
                }
            }
        }
        return new Planned(named, repeated);
    }

    /** How many runs there would be, without making them; the largest number if there is no saying. */
    static long size(SweepSpec.Command spec) {
        long size = 1;
        boolean ranges = false;
        for (ParameterEntry entry : spec.parameters() == null
                ? List.<ParameterEntry>of()
                : spec.parameters().values()) {
            ranges |= entry.values() == null;
            size = saturated(size, entry.values() == null ? 1 : entry.values().size());
        }
        return ranges ? saturated(size, count(spec.search())) : size;
    }

    private static long saturated(long a, long b) {
        return Math.multiplyHigh(a, b) != 0 || a * b < 0 ? Long.MAX_VALUE : a * b;
    }

    /** Placeholders that name no parameter. */
    static List<String> unknown(String text, Set<String> parameters) {
        List<String> unknown = new ArrayList<>();
        Matcher placeholder = PLACEHOLDER.matcher(text);
        while (placeholder.find()) {
            String name = placeholder.group(1);
            if (name != null && !parameters.contains(name)) {
                unknown.add(name);
            }
        }
        return unknown;
    }

    /** The text with {@code {name}} replaced by the parameter's value; <code>{{</code> and <code>}}</code> are single braces. */
    static String fill(String text, Map<String, String> parameters) {
        return PLACEHOLDER.matcher(text).replaceAll(found -> {
            String name = found.group(1);
            String with = name == null ? found.group().substring(1) : parameters.getOrDefault(name, found.group());
            return Matcher.quoteReplacement(with);
        });
    }

    private static List<Map<String, String>> product(
            List<Map<String, String>> cells, String name, List<Object> values) {
        List<Map<String, String>> product = new ArrayList<>();
        for (Map<String, String> cell : cells) {
            for (Object value : values) {
                Map<String, String> extended = new LinkedHashMap<>(cell);
                extended.put(name, text(value));
                product.add(extended);
            }
        }
        return product;
    }

    private static int count(SweepSpec.@org.jspecify.annotations.Nullable Search search) {
        return search == null || search.count() == null ? DEFAULT_COUNT : search.count();
    }

    private static List<Map<String, String>> draws(
            Map<String, ParameterEntry> ranges, SweepSpec.@org.jspecify.annotations.Nullable Search search) {
        SweepSpec.Method method = search == null || search.method() == null ? SweepSpec.Method.HALTON : search.method();
        SplittableRandom random = new SplittableRandom(search == null || search.seed() == null ? 1 : search.seed());
        List<Map<String, String>> draws = new ArrayList<>();
        for (int n = 1; n <= count(search); n++) {
            Map<String, String> draw = new LinkedHashMap<>();
            int axis = 0;
            for (Map.Entry<String, ParameterEntry> range : ranges.entrySet()) {
                double u = switch (method) {
                    case RANDOM -> random.nextDouble();
                    case HALTON -> radicalInverse(n, PRIMES[axis]);
                };
                draw.put(range.getKey(), text(at(range.getValue(), u)));
                axis++;
            }
            draws.add(draw);
        }
        return draws;
    }

    /** Digits of n in a base, mirrored at the point: in (0, 1) for n > 0. */
    static double radicalInverse(int n, int base) {
        double inverse = 0;
        double place = 1.0 / base;
        for (int rest = n; rest > 0; rest /= base) {
            inverse += (rest % base) * place;
            place /= base;
        }
        return inverse;
    }

    /** @param u in [0, 1) */
    private static Object at(ParameterEntry range, double u) {
        double min = range.min() == null ? 0 : range.min();
        double max = range.max() == null ? 0 : range.max();
        boolean whole = Boolean.TRUE.equals(range.integer());
        // a whole number stands for the unit around it, so that both ends are as likely as the rest
        double low = whole ? min - 0.5 : min;
        double high = whole ? max + 0.5 : max;
        double value = range.scale() == SweepSpec.Scale.LOG
                ? Math.exp(Math.log(low) + u * (Math.log(high) - Math.log(low)))
                : low + u * (high - low);
        return whole
                ? (Object) Math.clamp(Math.round(value), (long) min, (long) max)
                : Math.clamp(rounded(value), min, max);
    }

    /** As many digits as people read; where a run lies does not depend on more. */
    private static double rounded(double value) {
        return new java.math.BigDecimal(value)
                .round(new java.math.MathContext(SIGNIFICANT_DIGITS))
                .doubleValue();
    }

    /** A value as programs read it: 1e-4, not 1.0E-4. */
    static String text(Object value) {
        if (value instanceof Double || value instanceof Float) {
            double number = ((Number) value).doubleValue();
            if (number == Math.rint(number) && Math.abs(number) < 1e15) {
                return Long.toString((long) number);
            }
            return Double.toString(number).replace(".0E", "e").replace('E', 'e');
        }
        return String.valueOf(value);
    }

    private static String name(Map<String, String> parameters) {
        if (parameters.isEmpty()) {
            return "run";
        }
        List<String> parts = new ArrayList<>();
        parameters.forEach((name, value) -> {
            String plain = value.replaceAll("[^A-Za-z0-9._+-]+", "_");
            parts.add(name + "=" + (plain.length() > MAX_VALUE ? plain.substring(0, MAX_VALUE) : plain));
        });
        String name = String.join(",", parts);
        return name.length() > MAX_NAME ? name.substring(0, MAX_NAME) : name;
    }

    /** Names that were cut may be alike. */
    private static String unique(String name, Set<String> taken) {
        String own = name;
        for (int i = 2; !taken.add(own); i++) {
            own = name + "~" + i;
        }
        return own;
    }
}
