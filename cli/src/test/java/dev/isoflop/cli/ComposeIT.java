package dev.isoflop.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.cli.client.ApiException;
import dev.isoflop.cli.client.UnreachableException;
import dev.isoflop.cli.show.Screen;
import dev.isoflop.cli.show.SweepWatch;
import dev.isoflop.cli.sweepfile.LocatedYaml;
import dev.isoflop.protocol.api.MetricViews;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.api.Views;
import java.io.PrintStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

/**
 * The stack of containers as a user starts it: nothing is made by hand, a model is trained and a program runs over the published port while
 * the platform's container is replaced, all ends in order, and nothing is left.
 */
@Tag("compose")
class ComposeIT {

    private static final int STEPS = 60;

    @TempDir
    private Path corpora;

    @Test
    void theStackComesUpByItselfOutlivesItsPlatformAndGoesAway() throws Exception {
        assumeTrue(Processes.arePackaged(), "the platform and the runner are not packaged: ./isoflop build");
        Optional<String> missing = Compose.missing();
        assumeTrue(missing.isEmpty(), () -> "no compose here: " + missing.orElse(""));
        Files.writeString(corpora.resolve("corpus.txt"), text());
        // the runner's container has another user
        Files.setPosixFilePermissions(corpora, PosixFilePermissions.fromString("rwxr-xr-x"));
        Compose compose = Compose.of(corpora);
        try (compose) {
            compose.compose("up", "--build", "--detach");
            await("every container is healthy", () -> healthy(compose, "postgres", "platform", "runner"));
            assertContained(compose);
            ApiClient api = new ApiClient(
                    URI.create("http://127.0.0.1:" + compose.port),
                    compose.exec("platform", "cat", "/var/lib/isoflop/admin-token")
                            .orThrow()
                            .strip());

            Views.Sweep programs = submit(api, program());
            await("a program runs", () -> runs(api, programs).stream().anyMatch(r -> r.step() > 0));
            String before = compose.inspect("platform", "{{.State.StartedAt}}");
            compose.compose("restart", "platform");
            await("the platform is back", () -> healthy(compose, "platform"));
            assertThat(compose.inspect("platform", "{{.State.StartedAt}}")).isNotEqualTo(before);
            await("the programs have ended", () -> ended(api, programs));
            assertThat(runs(api, programs)).hasSize(2).allSatisfy(run -> {
                assertThat(run.state()).isEqualTo(RunState.SUCCEEDED);
                assertThat(run.attempt())
                        .as("the restart cost no run its attempt")
                        .isEqualTo(1);
                MetricViews.Series series = api.get(
                        "/runs/" + run.id() + "/metrics/series?maxPoints=1000&name=work%2Fvalue",
                        MetricViews.Series.class);
                assertThat(series.points())
                        .as("points while the platform was away")
                        .isEqualTo(STEPS);
            });

            ObjectNode models = models();
            new Submission(api, new Screen(new PrintStream(PrintStream.nullOutputStream()), false)).prepare(models);
            Views.Sweep trained = submit(api, models);
            await("the models are trained", () -> ended(api, trained));
            assertThat(runs(api, trained)).isNotEmpty().allSatisfy(run -> {
                assertThat(run.state()).isEqualTo(RunState.SUCCEEDED);
                assertThat(run.finalLoss()).isBetween(0.0, 5.0);
            });

            compose.compose("stop");
            assertThat(compose.inspect("runner", "{{.State.ExitCode}}"))
                    .as("ended by SIGTERM, not killed")
                    .isEqualTo("143");
            assertThat(compose.inspect("platform", "{{.State.ExitCode}}")).isEqualTo("143");
            assertThat(compose.inspect("postgres", "{{.State.ExitCode}}"))
                    .as("a PostgreSQL that has shut down")
                    .isEqualTo("0");
        }
        assertThat(compose.leftovers()).isBlank();
    }

    /** What a container is allowed and can reach. */
    private static void assertContained(Compose compose) throws Exception {
        for (String service : List.of("postgres", "platform", "runner")) {
            assertThat(compose.exec(service, "id", "-u").orThrow().strip())
                    .as(service + " does not run as root")
                    .isNotEqualTo("0");
            assertThat(compose.inspect(service, "{{.HostConfig.RestartPolicy.Name}}"))
                    .isEqualTo("unless-stopped");
        }
        assertThat(compose.inspect("platform", "{{json .HostConfig.PortBindings}}"))
                .as("published on the loopback address alone")
                .contains("\"HostIp\":\"127.0.0.1\"")
                .doesNotContain("\"HostIp\":\"\"", "0.0.0.0");
        assertThat(compose.inspect("postgres", "{{json .HostConfig.PortBindings}}"))
                .isIn("{}", "null");
        String address = compose.inspect("postgres", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}");
        String knock = "exec 3<>/dev/tcp/%s/5432".formatted(address);
        assertThat(compose.exec("platform", "timeout", "5", "bash", "-c", knock).status())
                .as("the platform reaches the database")
                .isZero();
        assertThat(compose.exec("runner", "timeout", "5", "bash", "-c", knock).status())
                .as("what runs on the runner does not")
                .isNotZero();
        assertThat(compose.compose("logs", "platform")).doesNotContain("isf_");
    }

    private static boolean healthy(Compose compose, String... services) throws Exception {
        for (String service : services) {
            if (!compose.inspect(service, "{{.State.Health.Status}}").equals("healthy")) {
                return false;
            }
        }
        return true;
    }

    private static Views.Sweep submit(ApiClient api, ObjectNode sweep) {
        return api.post("/sweeps", sweep, UUID.randomUUID().toString(), Views.Sweep.class);
    }

    private static List<Views.Run> runs(ApiClient api, Views.Sweep sweep) {
        return SweepWatch.runs(api, sweep.id());
    }

    private static boolean ended(ApiClient api, Views.Sweep sweep) {
        return runs(api, sweep).stream().allMatch(r -> r.state().isTerminal());
    }

    /** 200 documents, each of sentences of its own. */
    private static String text() {
        Random random = new Random(1);
        String[] words =
                "the a fox dog river stone old quick lazy brown jumps over under sees and then not far".split(" ");
        StringBuilder text = new StringBuilder();
        for (int word = 1; word <= 80_000; word++) {
            text.append(words[random.nextInt(words.length)]).append(word % 400 == 0 ? ".\n\n" : " ");
        }
        return text.toString();
    }

    private static ObjectNode program() throws Exception {
        ObjectNode sweep = (ObjectNode) LocatedYaml.parse("""
                kind: command
                name: program
                experiment: compose
                command: [bash, work.sh, "{n}"]
                parameters: {n: {values: [1, 2]}}
                """).tree();
        sweep.putObject("files").put("work.sh", """
                for step in $(seq %d); do
                  echo "{\\"step\\":$step,\\"work/value\\":$((step * $1))}"
                  sleep 0.5
                done
                """.formatted(STEPS));
        return sweep;
    }

    private static ObjectNode models() throws Exception {
        return (ObjectNode) LocatedYaml.parse("""
                kind: isoflop
                name: models
                experiment: compose
                dataset: {corpus: /corpora/corpus.txt, vocabSize: 300, validationModulus: 6}
                contextLength: 64
                models:
                  - {name: d24, dModel: 24, layers: 2, heads: 2}
                budgets:
                  - {flops: 3e10, batchSequences: 4}
                training: {learningRate: 0.003, metricsEverySteps: 1, evalEverySteps: 100, evalTokens: 1024}
                maxEpochs: 50
                """).tree();
    }

    /** A platform that is away, and one that is ending, are waited for. */
    private static void await(String what, Callable<Boolean> condition) throws Exception {
        long begin = System.nanoTime();
        while (true) {
            try {
                if (condition.call()) {
                    break;
                }
            } catch (UnreachableException | ApiException e) {
                System.out.println(what + ": " + e.getMessage());
            }
            assertThat(System.nanoTime() - begin).as("in time: " + what).isLessThan(180_000_000_000L);
            Thread.sleep(500);
        }
        System.out.printf("%s after %.1f s%n", what, (System.nanoTime() - begin) * 1e-9);
    }
}
