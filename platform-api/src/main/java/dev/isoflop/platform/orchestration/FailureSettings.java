package dev.isoflop.platform.orchestration;

import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * What follows from failures.
 *
 * @param rules the operator's, looked at before the built-in ones
 * @param avoidFor how long a run is kept away from a place whose device failed it
 * @param avoidBrieflyFor the same where it stalled, or where its pool has no other place that is alive
 * @param deviceErrors incidents of devices within {@code deviceErrorWindow} that set a place aside
 * @param setAsideFor how long, unless somebody clears it before
 * @param quarantineAfter runners that may die under a run, one after the other, before it is stopped as the cause
 */
@ConfigurationProperties("isoflop.failures")
record FailureSettings(
        @Nullable List<Rule> rules,
        @DefaultValue("1h") Duration avoidFor,
        @DefaultValue("5m") Duration avoidBrieflyFor,
        @DefaultValue("2") int deviceErrors,
        @DefaultValue("1h") Duration deviceErrorWindow,
        @DefaultValue("24h") Duration setAsideFor,
        @DefaultValue("3") int quarantineAfter) {

    FailureSettings {
        rules = rules == null ? List.of() : List.copyOf(rules);
        if (deviceErrors < 1 || quarantineAfter < 1) {
            throw new IllegalArgumentException(
                    "isoflop.failures: device-errors and quarantine-after are at least 1, were %d and %d"
                            .formatted(deviceErrors, quarantineAfter));
        }
    }

    /** Never null, whatever the properties say. */
    @Override
    public List<Rule> rules() {
        return rules == null ? List.of() : rules;
    }

    /**
     * A rule as it is written in the configuration.
     *
     * @param pattern a regular expression, looked for in the message and in the last lines of the log
     * @param verdict a {@link FailureClass}, such as {@code device}
     * @param place keep, avoid or set-aside; by default what goes with the verdict
     */
    record Rule(String name, String pattern, FailureClass verdict, FailureRule.@Nullable Place place) {

        Rule {
            if (name == null || name.isBlank() || pattern == null || pattern.isEmpty() || verdict == null) {
                throw new IllegalArgumentException(
                        "isoflop.failures.rules: a rule has a name, a pattern and a verdict");
            }
        }

        FailureRule compiled() {
            FailureRule.Place given = place;
            try {
                return new FailureRule(
                        name,
                        Pattern.compile(pattern),
                        verdict,
                        given != null
                                ? given
                                : verdict == FailureClass.DEVICE ? FailureRule.Place.AVOID : FailureRule.Place.KEEP);
            } catch (PatternSyntaxException e) {
                throw new IllegalArgumentException(
                        "isoflop.failures.rules: the pattern of %s is no regular expression: %s"
                                .formatted(name, e.getMessage()),
                        e);
            }
        }
    }
}
