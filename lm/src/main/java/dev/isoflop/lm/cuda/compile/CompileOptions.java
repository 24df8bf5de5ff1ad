package dev.isoflop.lm.cuda.compile;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a kernel file is compiled with, the same for NVRTC and {@code nvcc}.
 *
 * @param defines macros and their values, in the order of their names
 * @param fastMath whether divisions, roots and special functions may be approximate and denormals zero; off unless asked for
 */
public record CompileOptions(SortedMap<String, String> defines, boolean fastMath) {

    public CompileOptions {
        defines = Collections.unmodifiableSortedMap(new TreeMap<>(defines));
        defines.forEach((name, value) -> {
            if (!name.matches("[A-Za-z_][A-Za-z0-9_]*") || !value.matches("[A-Za-z0-9_.+-]*")) {
                throw new IllegalArgumentException("not a macro: " + name + "=" + value);
            }
        });
    }

    /** No macros, exact arithmetic. */
    public static CompileOptions none() {
        return new CompileOptions(new TreeMap<>(), false);
    }

    /** Macros only. */
    public static CompileOptions defining(Map<String, ?> defines) {
        SortedMap<String, String> sorted = new TreeMap<>();
        defines.forEach((name, value) -> sorted.put(name, String.valueOf(value)));
        return new CompileOptions(sorted, false);
    }

    /** Macros written {@code NAME=VALUE} with spaces between, and {@code fast-math}. */
    static CompileOptions parse(String text) {
        SortedMap<String, String> defines = new TreeMap<>();
        boolean fastMath = false;
        for (String word : Arrays.asList(text.strip().split("\\s+"))) {
            if (word.equals("fast-math")) {
                fastMath = true;
            } else if (!word.isEmpty()) {
                int equals = word.indexOf('=');
                defines.put(
                        equals < 0 ? word : word.substring(0, equals), equals < 0 ? "1" : word.substring(equals + 1));
            }
        }
        return new CompileOptions(defines, fastMath);
    }

    /** The same with approximate arithmetic. */
    public CompileOptions withFastMath() {
        return new CompileOptions(defines, true);
    }

    /** For the command line of either compiler, without the architecture. */
    List<String> flags() {
        List<String> flags = new ArrayList<>();
        flags.add("--std=c++17");
        if (fastMath) {
            flags.add("--use_fast_math");
        }
        defines.forEach((name, value) -> flags.add("-D" + name + "=" + value));
        return List.copyOf(flags);
    }

    /** What identifies them in names of compiled files. */
    String canonical() {
        return String.join(" ", flags());
    }
}
