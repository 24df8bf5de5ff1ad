package dev.isoflop.cli.chaos;

import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.cli.show.SweepWatch;
import dev.isoflop.protocol.api.MetricViews;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.api.Views;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.type.TypeReference;

/** Looks at what is left when all is over, through the API alone. */
final class Judge {

    /** They measure time, which no two executions share: only their steps must agree. */
    private static final Set<String> TIMINGS = Set.of("train/tokens_per_second", "train/gflops");

    private static final int MOST_POINTS = 10_000;

    private final ApiClient api;
    private final Consumer<String> complain;
    private int doubled;
    private int mismatches;
    private int illegal;
    private int retried;
    private boolean linearizable = true;

    /** @param complain told what is wrong, one sentence each */
    Judge(ApiClient api, Consumer<String> complain) {
        this.api = api;
        this.complain = complain;
    }

    /** Attempts beyond the first of each run: how much the disturbances hit. */
    int retried() {
        return retried;
    }

    Verdict judge(long seed, Views.Sweep disturbed, Views.Sweep undisturbed, List<Op> history) {
        List<Views.Run> runs = SweepWatch.runs(api, disturbed.id());
        Map<String, Views.Run> reference = SweepWatch.runs(api, undisturbed.id()).stream()
                .collect(Collectors.toMap(Views.Run::name, Function.identity()));
        int succeeded = 0;
        for (Views.Run run : runs) {
            if (run.state() == RunState.SUCCEEDED) {
                succeeded++;
                compare(run, reference.get(run.name()));
            } else {
                complain.accept("%s (run %d) is %s in attempt %d%s"
                        .formatted(
                                run.name(),
                                run.id(),
                                run.state().wireName(),
                                run.attempt(),
                                run.failure() == null
                                        ? ""
                                        : ": " + run.failure().message()));
            }
            events(run);
            attempts(run);
        }
        ClaimChecker.violations(history).forEach(this::notLinearizable);
        return new Verdict(
                seed, runs.size(), succeeded, runs.size() - succeeded, doubled, mismatches, illegal, linearizable);
    }

    private void notLinearizable(String why) {
        linearizable = false;
        complain.accept(why);
    }

    private void events(Views.Run run) {
        List<Views.RunEvent> events =
                api.get("/runs/" + run.id() + "/events", new TypeReference<List<Views.RunEvent>>() {});
        for (String wrong : EventChecker.violations(run.name(), events)) {
            illegal++;
            complain.accept(wrong);
        }
        long ends = events.stream().filter(e -> e.to() == RunState.SUCCEEDED).count();
        if (ends > 1) {
            doubled++;
            complain.accept(run.name() + " succeeded " + ends + " times");
        }
    }

    private void attempts(Views.Run run) {
        List<Views.Attempt> attempts =
                api.get("/runs/" + run.id() + "/attempts", new TypeReference<List<Views.Attempt>>() {});
        retried += Math.max(0, attempts.size() - 1);
        List<Integer> numbers =
                attempts.stream().map(Views.Attempt::number).sorted().toList();
        for (int i = 0; i < numbers.size(); i++) {
            if (numbers.get(i) != i + 1) {
                notLinearizable(run.name() + " has attempts " + numbers);
                break;
            }
        }
        List<Integer> successful = attempts.stream()
                .filter(a -> a.state().equals("succeeded"))
                .map(Views.Attempt::number)
                .toList();
        if (successful.size() > 1) {
            doubled++;
            complain.accept(run.name() + " has successful attempts " + successful);
        }
        if (run.state() == RunState.SUCCEEDED && !successful.equals(List.of(run.attempt()))) {
            notLinearizable(run.name() + " succeeded in attempt " + run.attempt() + ", but its successful attempts are "
                    + successful);
        }
    }

    private void compare(Views.Run run, Views.@Nullable Run reference) {
        if (reference == null) {
            mismatches++;
            complain.accept("there is no undisturbed " + run.name());
            return;
        }
        Set<String> names = new TreeSet<>(names(run));
        names.addAll(names(reference));
        for (String name : names) {
            String difference = difference(series(run, name), series(reference, name), TIMINGS.contains(name));
            if (difference != null) {
                mismatches++;
                complain.accept(name + " of " + run.name() + " (run " + run.id() + "): " + difference);
            }
        }
        if (!java.util.Objects.equals(run.finalLoss(), reference.finalLoss())) {
            mismatches++;
            complain.accept("the result of %s is %s instead of %s"
                    .formatted(run.name(), run.finalLoss(), reference.finalLoss()));
        }
    }

    /** What differs, or null. */
    static @Nullable String difference(MetricViews.Series is, MetricViews.Series should, boolean stepsOnly) {
        if (is.reduced() || should.reduced()) {
            return "too many points to compare";
        }
        if (!Arrays.equals(is.steps(), should.steps())) {
            return "it has %d points up to step %d instead of %d up to step %d"
                    .formatted(is.steps().length, last(is.steps()), should.steps().length, last(should.steps()));
        }
        int at = stepsOnly ? -1 : Arrays.mismatch(is.last(), should.last());
        return at < 0
                ? null
                : "at step %d it is %s instead of %s".formatted(is.steps()[at], is.last()[at], should.last()[at]);
    }

    private static long last(long[] steps) {
        return steps.length == 0 ? 0 : steps[steps.length - 1];
    }

    private List<String> names(Views.Run run) {
        List<MetricViews.Head> heads =
                api.get("/runs/" + run.id() + "/metrics", new TypeReference<List<MetricViews.Head>>() {});
        return new ArrayList<>(heads.stream().map(MetricViews.Head::metric).toList());
    }

    private MetricViews.Series series(Views.Run run, String name) {
        return api.get(
                "/runs/" + run.id() + "/metrics/series?maxPoints=" + MOST_POINTS + "&name="
                        + URLEncoder.encode(name, StandardCharsets.UTF_8),
                MetricViews.Series.class);
    }
}
