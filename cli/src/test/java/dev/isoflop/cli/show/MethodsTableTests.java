package dev.isoflop.cli.show;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.protocol.api.FitAnswerViews.FitMethods;
import dev.isoflop.protocol.api.FitAnswerViews.MethodFit;
import dev.isoflop.protocol.api.FitAnswerViews.MethodTarget;
import dev.isoflop.protocol.api.FitAnswerViews.Reading;
import dev.isoflop.protocol.api.FitViews;
import java.util.List;
import org.junit.jupiter.api.Test;

class MethodsTableTests {

    private static Reading reading(double value) {
        return new Reading(value, value * .9, value * 1.1);
    }

    @Test
    void eachHasItsIntervalOrNoneOrTheReasonWhyThereIsNoLaw() {
        FitMethods all = new FitMethods(
                12,
                24,
                .95,
                1e14,
                List.of(
                        new MethodFit(
                                "envelope",
                                1,
                                null,
                                .2,
                                new Reading(.55, null, null),
                                new Reading(.45, null, null),
                                List.of(),
                                null,
                                null,
                                List.of()),
                        new MethodFit(
                                "isoflop",
                                2,
                                null,
                                .2,
                                reading(.5),
                                reading(.5),
                                List.of(),
                                new MethodTarget(reading(1e6), reading(1.7e7), reading(17), null),
                                null,
                                List.of()),
                        new MethodFit(
                                "cs336",
                                2,
                                "CS336, assignment 3",
                                null,
                                null,
                                null,
                                List.of(),
                                null,
                                new FitViews.Refusal("too-few-budgets", "There are 2."),
                                List.of())),
                List.of("They agree."));

        assertThat(MethodsTable.lines(all))
                .containsExactly(
                        "24 runs of fit 12 by every method (95 % intervals)",
                        "  approach, method             a of N* = k C^a            N* at 1e14",
                        "  1  envelope                  0.5500",
                        "  2  isoflop                   0.5000 [0.4500, 0.5500]    1.00M [900k, 1.10M]",
                        "  2  cs336                     –",
                        "     no law: There are 2.",
                        "  They agree.");
    }
}
