package dev.isoflop.platform.tokens;

import dev.isoflop.platform.CannotStartException;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * How much anybody may ask of one platform process.
 *
 * @param enabled whether there are limits at all
 * @param people for each token, person or session: what dashboards and the command line ask
 * @param runners for each token, what runners say; many runners may share one
 * @param anonymous for each address, requests that nobody stands behind, sign-ins among them
 * @param failures for each address, credentials that were not good
 * @param streams live streams that one token, person or session may have open
 */
@ConfigurationProperties("isoflop.limits")
record LimitSettings(
        @DefaultValue("true") boolean enabled,
        @DefaultValue People people,
        @DefaultValue Runners runners,
        @DefaultValue Anonymous anonymous,
        @DefaultValue Failures failures,
        @DefaultValue("100") int streams) {

    LimitSettings {
        require(people.perSecond, people.burst, "people");
        require(runners.perSecond, runners.burst, "runners");
        require(anonymous.perSecond, anonymous.burst, "anonymous");
        require(failures.perSecond, failures.burst, "failures");
        if (streams < 1) {
            throw new CannotStartException("isoflop.limits.streams is at least 1, was " + streams + ".");
        }
    }

    /** @param burst requests at once after a pause */
    record People(
            @DefaultValue("100") double perSecond,
            @DefaultValue("1000") int burst) {}

    /** @param burst requests at once after a pause */
    record Runners(
            @DefaultValue("10000") double perSecond,
            @DefaultValue("20000") int burst) {}

    /** @param burst requests at once after a pause */
    record Anonymous(
            @DefaultValue("20") double perSecond,
            @DefaultValue("200") int burst) {}

    /** @param burst credentials at once after a pause */
    record Failures(
            @DefaultValue("0.2") double perSecond,
            @DefaultValue("30") int burst) {}

    private static void require(double perSecond, int burst, String what) {
        if (!(perSecond > 0 && perSecond <= 1e9) || burst < 1) {
            throw new CannotStartException(
                    "isoflop.limits.%s: per-second must be positive and burst at least 1, were %s and %d."
                            .formatted(what, perSecond, burst));
        }
    }
}
