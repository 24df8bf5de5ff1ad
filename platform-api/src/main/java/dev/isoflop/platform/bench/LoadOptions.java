package dev.isoflop.platform.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What {@code ./isoflop bench platform} is told.
 *
 * @param runs stored before anything is measured
 * @param points of metrics stored before
 * @param runners numbers of simulated runners, one round of phases each
 * @param seconds each phase takes
 * @param phases those of {@link #PHASES} that are measured
 * @param home directory of the platform; what was seeded there with the same sizes is used again. None: a temporary one
 * @param jvm flags of the platform's process, in place of those {@code isoflop up} gives it
 * @param report file the JSON also goes to
 * @param json whether the JSON is printed, last and on one line
 */
record LoadOptions(
        int runs,
        long points,
        List<Integer> runners,
        int seconds,
        Set<String> phases,
        @Nullable Path home,
        List<String> jvm,
        @Nullable Path report,
        boolean json) {

    /** As {@code isoflop up} starts the platform. */
    static final List<String> JVM = List.of("-Xmx512m", "-XX:+UseSerialGC");

    static final Set<String> PHASES = Set.of("claims", "lives", "heartbeats", "metrics", "submissions", "reads");

    static final String USAGE = """
            Usage: isoflop bench platform [OPTION...]
            The real platform under load: claims, heartbeats, metrics, submissions, lists and charts, with data in place.

              --runs N          runs stored before (100000; at least 200)
              --points N        points of metrics stored before (100000000)
              --runners A,B,C   simulated runners, a round of phases for each (10,100,1000)
              --seconds N       each phase takes (10)
              --phases A,B      of claims, lives, heartbeats, metrics, submissions, reads (all)
              --home DIR        keep the seeded data there, and use it again if it is of these sizes
              --jvm "FLAGS"     of the platform's process
              --report FILE     write the JSON there as well
              --json            print the JSON, as the last line
            Exit code 1 if a run was granted twice, anything was refused, or the database does not agree.
            """;

    /** @throws IllegalArgumentException with a sentence for whoever typed it */
    static LoadOptions parse(String... args) {
        int runs = 100_000;
        long points = 100_000_000;
        List<Integer> runners = List.of(10, 100, 1000);
        int seconds = 10;
        Set<String> phases = PHASES;
        Path home = null;
        List<String> jvm = JVM;
        Path report = null;
        boolean json = false;
        for (int i = 0; i < args.length; i++) {
            if (args[i].equals("--json")) {
                json = true;
                continue;
            }
            if (i + 1 == args.length) {
                throw new IllegalArgumentException("unknown option, or one without its value: " + args[i]);
            }
            String value = args[++i];
            switch (args[i - 1]) {
                case "--runs" -> runs = (int) number("--runs", value, 200, 10_000_000);
                case "--points" -> points = number("--points", value, 10_000, 10_000_000_000L);
                case "--runners" ->
                    runners = Arrays.stream(value.split(",", -1))
                            .map(n -> (int) number("--runners", n.strip(), 1, 5_000))
                            .toList();
                case "--seconds" -> seconds = (int) number("--seconds", value, 1, 3_600);
                case "--phases" -> phases = phases(value);
                case "--home" -> home = Path.of(value).toAbsolutePath();
                case "--jvm" -> jvm = flags(value);
                case "--report" -> report = Path.of(value).toAbsolutePath();
                default -> throw new IllegalArgumentException("unknown option " + args[i - 1]);
            }
        }
        return new LoadOptions(runs, points, runners, seconds, phases, home, jvm, report, json);
    }

    private static Set<String> phases(String value) {
        Set<String> phases = new TreeSet<>(List.of(value.split(",", -1)));
        if (!PHASES.containsAll(phases)) {
            throw new IllegalArgumentException("--phases wants some of " + new TreeSet<>(PHASES) + ", was " + value);
        }
        return phases;
    }

    private static List<String> flags(String value) {
        List<String> flags = new ArrayList<>(List.of(value.strip().split("\\s+", -1)));
        flags.removeIf(String::isEmpty);
        return flags;
    }

    private static long number(String option, String value, long least, long most) {
        try {
            long number = Long.parseLong(value.replace("_", ""));
            if (number >= least && number <= most) {
                return number;
            }
        } catch (NumberFormatException e) {
            throw wrong(option, value, least, most, e);
        }
        throw wrong(option, value, least, most, null);
    }

    private static IllegalArgumentException wrong(
            String option, String value, long least, long most, @Nullable Throwable cause) {
        return new IllegalArgumentException(
                String.format(Locale.ROOT, "%s wants a number from %d to %d, was %s", option, least, most, value),
                cause);
    }
}
