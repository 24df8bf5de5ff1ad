package dev.isoflop.cli.demo;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import dev.isoflop.protocol.api.FitViews;
import dev.isoflop.protocol.api.Views;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What {@code --report} writes. N parameters, D tokens, C FLOPs, losses in nats per token.
 *
 * @param runs one entry a run
 * @param fits one entry a method
 * @param optimum at the target budget; absent when every fit was refused
 * @param wallSeconds from the start of the command to the fit
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record DemoReport(
        List<Run> runs, List<Fit> fits, @Nullable Optimum optimum, double wallSeconds) {

    @JsonInclude(JsonInclude.Include.ALWAYS)
    public record Run(
            long id,
            String name,
            @JsonProperty("N") long n,
            @JsonProperty("D") long d,
            @JsonProperty("C") double c,
            @Nullable Double finalLoss,
            @Nullable Double tokensPerSecond,
            String state) {}

    /** Either {@code converged} or with a named refusal. */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Fit(
            String method,
            boolean converged,
            FitViews.@Nullable Refusal refusal,
            List<FitViews.Estimate> parameters,
            List<Budget> budgets) {}

    /** One IsoFLOP curve: its interior optimum, or why it has none. */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Budget(
            @JsonProperty("C") double c,
            @JsonProperty("N") @Nullable Interval n,
            @JsonProperty("L") @Nullable Interval l,
            FitViews.@Nullable Refusal refusal) {}

    public record Interval(double value, double low, double high) {
        static Interval of(FitViews.Estimate e) {
            return new Interval(e.value(), e.low(), e.high());
        }
    }

    public record Optimum(
            String method,
            @JsonProperty("C") double c,
            @JsonProperty("N") Interval n,
            @JsonProperty("D") Interval d,
            @JsonProperty("L") Interval l) {}

    /** @param wallSeconds from the start of the command to the fit */
    public static DemoReport of(List<Views.Run> runs, List<FitViews.Fit> fits, double wallSeconds) {
        return new DemoReport(
                runs.stream()
                        .map(r -> new Run(
                                r.id(),
                                r.name(),
                                r.parameters(),
                                r.tokens(),
                                r.flops(),
                                r.finalLoss(),
                                r.tokensPerSecond(),
                                r.state().wireName()))
                        .toList(),
                fits.stream().map(DemoReport::fit).toList(),
                // the parabolas assume least, so theirs is the optimum of record where both have one
                fits.stream()
                        .sorted(Comparator.comparing(FitViews.Fit::method))
                        .map(DemoReport::optimum)
                        .filter(Objects::nonNull)
                        .findFirst()
                        .orElse(null),
                wallSeconds);
    }

    private static Fit fit(FitViews.Fit f) {
        return new Fit(
                f.method(),
                f.refusal() == null,
                f.refusal(),
                f.parameters(),
                f.budgets().stream()
                        .map(b -> {
                            FitViews.Optimum o = b.optimum();
                            return new Budget(
                                    b.flops(),
                                    o == null ? null : Interval.of(o.n()),
                                    o == null ? null : Interval.of(o.loss()),
                                    b.refusal());
                        })
                        .toList());
    }

    private static @Nullable Optimum optimum(FitViews.Fit f) {
        FitViews.Optimum o = f.target();
        return o == null
                ? null
                : new Optimum(f.method(), o.flops(), Interval.of(o.n()), Interval.of(o.d()), Interval.of(o.loss()));
    }
}
