package dev.isoflop.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.isoflop.cli.Collector.Received;
import dev.isoflop.cli.show.Screen;
import dev.isoflop.cli.show.SweepWatch;
import dev.isoflop.cli.sweepfile.LocatedYaml;
import dev.isoflop.protocol.api.Page;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.api.ScheduleViews;
import dev.isoflop.protocol.api.Views;
import io.opentelemetry.proto.trace.v1.Span.SpanKind;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** One trace goes from the submission of a sweep to the steps of its runs, through a real platform and a real runner. */
class TraceIT {

    private static final String PLATFORM = "isoflop-platform";
    private static final String RUNNER = "isoflop-runner";

    @TempDir
    private Path home;

    @Test
    void aTraceGoesFromTheSubmissionToTheSteps() throws Exception {
        assumeTrue(Processes.arePackaged(), "the platform and the runner are not packaged: ./isoflop build");
        Files.createDirectories(home.resolve("logs"));
        Path corpus = Files.writeString(home.resolve("corpus.txt"), text());
        Views.Sweep sweep;
        List<Views.Run> runs;
        List<Views.Run> scheduled;
        try (Collector collector = Collector.start()) {
            try (Processes p = Processes.start(home, "--otel.exporter.otlp.endpoint=" + collector.endpoint())) {
                Process runner = p.runner("traced", 2, Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint()));
                Submission submission =
                        new Submission(p.api, new Screen(new PrintStream(PrintStream.nullOutputStream()), false));
                ObjectNode spec = sweep(corpus);
                submission.prepare(spec);
                sweep = submission.submit(spec);
                long id = sweep.id();
                await(() -> SweepWatch.runs(p.api, id).stream()
                        .allMatch(r -> r.state().isTerminal()));
                runs = SweepWatch.runs(p.api, id);
                scheduled = fired(p);
                runner.destroy();
                assertThat(runner.waitFor()).isEqualTo(143);
            } // both have sent what they had when they end
            assertThat(runs).hasSize(2).allMatch(r -> r.state() == RunState.SUCCEEDED);
            check(collector.spans(), runs);
            assertThat(scheduled).hasSize(1).allMatch(r -> r.state() == RunState.SUCCEEDED);
            checkFire(collector.spans(), scheduled.getFirst());
        }
    }

    /** The runs of a schedule that was told to fire, ended. */
    private static List<Views.Run> fired(Processes p) throws Exception {
        JsonNode schedule = LocatedYaml.parse("""
                name: traced-schedule
                cron: 30 2 * * *
                zone: UTC
                spec: {kind: command, experiment: traces, command: [bash, -c, "echo done"]}
                """).tree();
        String key = UUID.randomUUID().toString();
        long id = p.api.post("/schedules", schedule, key, ScheduleViews.Schedule.class)
                .id();
        p.api.post("/schedules/" + id + "/fires", Map.of(), UUID.randomUUID().toString(), ScheduleViews.Fire.class);
        String fires = "/schedules/" + id + "/fires";
        AtomicReference<Long> sweep = new AtomicReference<>();
        await(() -> {
            ScheduleViews.Fire fire = p.api.get(fires, new TypeReference<Page<ScheduleViews.Fire>>() {})
                    .items()
                    .getFirst();
            sweep.set(fire.sweepId());
            return fire.sweepId() != null;
        });
        await(() -> SweepWatch.runs(p.api, sweep.get()).stream()
                .allMatch(r -> r.state().isTerminal()));
        return SweepWatch.runs(p.api, sweep.get());
    }

    /** Nobody's request has asked for what a schedule submits: the trace begins with the fire. */
    private static void checkFire(List<Received> all, Views.Run run) {
        Received fire = one(all, s -> s.name().equals("fire of a schedule"), "the fire");
        assertThat(fire.parent()).isEmpty();
        assertThat(fire.error()).isFalse();
        Received claim = one(all, s -> s.name().equals("claim") && s.number("isoflop.run") == run.id(), "its claim");
        assertThat(claim.trace()).isEqualTo(fire.trace());
        assertThat(claim.parent()).isEqualTo(fire.id());
        Received attempt =
                one(all, s -> s.name().equals("attempt") && s.number("isoflop.run") == run.id(), "its attempt");
        assertThat(attempt.parent()).isEqualTo(claim.id());
    }

    private static void check(List<Received> all, List<Views.Run> runs) {
        Received submission = one(all, s -> s.name().equals("POST /api/v1/sweeps"), "the submission");
        assertThat(submission.service()).isEqualTo(PLATFORM);
        assertThat(submission.parent()).as("the trace begins there").isEmpty();
        assertThat(submission.attributes()).containsEntry("http.response.status_code", "201");
        List<Received> trace =
                all.stream().filter(s -> s.trace().equals(submission.trace())).toList();
        Set<String> ids = new HashSet<>();
        trace.forEach(s -> assertThat(ids.add(s.id())).as(s.name()).isTrue());
        assertThat(trace).allSatisfy(s -> {
            assertThat(s.equals(submission) || ids.contains(s.parent()))
                    .as("every parent of the trace is in it: " + s)
                    .isTrue();
            assertThat(s.error()).as(s.toString()).isFalse();
        });
        for (Views.Run run : runs) {
            Received claim =
                    one(trace, s -> s.name().equals("claim") && s.number("isoflop.run") == run.id(), "its claim");
            assertThat(claim.parent()).isEqualTo(submission.id());
            assertThat(claim.service()).isEqualTo(PLATFORM);
            Received attempt =
                    one(trace, s -> s.name().equals("attempt") && s.number("isoflop.run") == run.id(), "its attempt");
            assertThat(attempt.parent()).isEqualTo(claim.id());
            assertThat(attempt.service()).isEqualTo(RUNNER);
            assertThat(attempt.attributes())
                    .containsEntry("isoflop.outcome", "succeeded")
                    .containsEntry("isoflop.run.name", run.name());
            List<Received> inside =
                    trace.stream().filter(s -> s.parent().equals(attempt.id())).toList();
            assertThat(inside)
                    .extracting(Received::name)
                    .contains(
                            "start",
                            "fetch dataset",
                            "set up",
                            "steps",
                            "evaluate",
                            "save checkpoint",
                            "publish checkpoint",
                            "commit checkpoint",
                            "send metrics",
                            "finish");
            assertThat(inside).allSatisfy(s -> {
                assertThat(s.startNanos()).isGreaterThanOrEqualTo(attempt.startNanos());
                assertThat(s.endNanos()).isLessThanOrEqualTo(attempt.endNanos());
            });
            assertStepsAreWhole(run, inside);
            assertRequestsArrive(run, trace, inside);
        }
        // a dataset is asked for by a request of its own, and so has its own trace
        Received data = one(all, s -> s.name().equals("POST /api/v1/datasets"), "the dataset's request");
        assertThat(data.trace()).isNotEqualTo(submission.trace());
        assertThat(all)
                .filteredOn(s -> s.trace().equals(data.trace()))
                .extracting(Received::name)
                .contains("claim", "attempt", "send file");
    }

    /** Blocks follow each other from the first step to the last. */
    private static void assertStepsAreWhole(Views.Run run, List<Received> inside) {
        List<Received> blocks = inside.stream()
                .filter(s -> s.name().equals("steps"))
                .sorted((a, b) -> Long.compare(a.startNanos(), b.startNanos()))
                .toList();
        long step = 0;
        for (Received block : blocks) {
            assertThat(block.number("isoflop.step.from")).isEqualTo(step);
            step = block.number("isoflop.step.to");
        }
        assertThat(step).isEqualTo(run.steps());
        assertThat(blocks).as("cut by the evaluations").hasSizeBetween(2, 20);
    }

    /** What the runner sends is, on the platform, a child of the sending. */
    private static void assertRequestsArrive(Views.Run run, List<Received> trace, List<Received> inside) {
        for (String[] pair : new String[][] {
            {"start", "/start"},
            {"send metrics", "/metrics"},
            {"commit checkpoint", "/checkpoints"},
            {"finish", "/finish"}
        }) {
            List<Received> sent =
                    inside.stream().filter(s -> s.name().equals(pair[0])).toList();
            assertThat(sent).as(pair[0]).isNotEmpty().allSatisfy(s -> {
                assertThat(s.kind()).isEqualTo(SpanKind.SPAN_KIND_CLIENT);
                Received taken = one(trace, t -> t.parent().equals(s.id()), "what came of " + s);
                assertThat(taken.service()).isEqualTo(PLATFORM);
                assertThat(taken.kind()).isEqualTo(SpanKind.SPAN_KIND_SERVER);
                assertThat(taken.name()).endsWith(pair[1]);
                assertThat(taken.attributes().get("url.path")).contains("/runs/" + run.id() + "/");
            });
        }
    }

    private static Received one(List<Received> spans, java.util.function.Predicate<Received> which, String what) {
        List<Received> found = spans.stream().filter(which).toList();
        assertThat(found).as(what).hasSize(1);
        return found.getFirst();
    }

    private static ObjectNode sweep(Path corpus) throws Exception {
        return (ObjectNode) LocatedYaml.parse("""
                kind: isoflop
                name: traced
                experiment: traces
                dataset: {corpus: "%s", vocabSize: 300, validationModulus: 6}
                contextLength: 64
                models:
                  - {name: d24, dModel: 24, layers: 2, heads: 2}
                  - {name: d32, dModel: 32, layers: 2, heads: 2}
                budgets:
                  - {flops: 3e10, batchSequences: 4}
                training: {learningRate: 0.003, evalEverySteps: 100, evalTokens: 1024}
                maxEpochs: 50
                """.formatted(corpus)).tree();
    }

    private static String text() {
        Random random = new Random(1);
        String[] words = "the a fox dog river stone old quick lazy brown jumps over under sees and then not".split(" ");
        StringBuilder text = new StringBuilder();
        for (int word = 1; word <= 80_000; word++) {
            text.append(words[random.nextInt(words.length)]).append(word % 400 == 0 ? ".\n\n" : " ");
        }
        return text.toString();
    }

    private static void await(BooleanSupplier condition) throws InterruptedException {
        long begin = System.nanoTime();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime() - begin)
                    .as("every run has ended in time")
                    .isLessThan(120_000_000_000L);
            Thread.sleep(100);
        }
    }
}
