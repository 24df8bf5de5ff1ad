package dev.isoflop.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.isoflop.cli.client.ApiClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class DownstreamCommandTests {

    @TempDir
    private Path directory;

    private static double bpb(double n, double d) {
        return .5 + 40 * Math.pow(n, -.22) + 300 * Math.pow(d, -.27);
    }

    private static double accuracy(double bpb) {
        return 1 - .7 / (1 + Math.exp(-12 * (bpb - 1)));
    }

    /** Runs and checkpoints of the laws above, and of a second task that is always as hard. */
    private String[] tables(boolean withTasks) throws IOException {
        StringBuilder runs = new StringBuilder(withTasks ? "task,model,N,D,bpb\n" : "model,N,D,bpb\n");
        StringBuilder checkpoints = new StringBuilder(withTasks ? "task,run,bpb,acc\n" : "run,bpb,acc\n");
        for (String task : withTasks ? List.of("easy,", "hard,") : List.of("")) {
            double harder = task.equals("hard,") ? 1.1 : 1;
            for (double n : new double[] {2e8, 4e8, 8e8, 1.6e9}) {
                for (double each : new double[] {20, 40, 100, 200}) {
                    for (int k = 1; k <= 5; k++) {
                        double loss = harder * bpb(n, n * each * k / 5);
                        checkpoints.append(String.format(
                                Locale.ROOT, "%s%s-%s,%.10f,%.10f%n", task, n, each, loss, accuracy(loss)));
                    }
                    runs.append(String.format(
                            Locale.ROOT, "%s%s,%s,%s,%.10f%n", task, n, n, n * each, harder * bpb(n, n * each)));
                }
            }
        }
        runs.append(withTasks ? "easy," : "").append("9e9,9e9,9e11,\n");
        return new String[] {
            Files.writeString(directory.resolve("runs.csv"), runs).toString(),
            Files.writeString(directory.resolve("checkpoints.csv"), checkpoints).toString()
        };
    }

    private static Ended downstream(String[] tables, String... options) {
        List<String> args = new ArrayList<>(List.of("downstream"));
        args.addAll(Arrays.asList(tables));
        args.addAll(Arrays.asList(options));
        return Ended.of(args.toArray(String[]::new));
    }

    @Test
    void accuracyIsToldFromBothSteps() throws IOException {
        Ended ended = downstream(
                tables(false), "--target", "1e10:2e12", "--target-flops", "1e22", "--resamples", "20", "--json");
        assertThat(ended.code()).as(ended.err()).isZero();
        JsonNode found = ApiClient.mapper().readTree(ended.out());

        assertThat(found.at("/runs/leftOut/0/reason").asString()).isEqualTo("no loss");
        assertThat(found.at("/checkpoints/columns/ACCURACY").asString()).isEqualTo("acc");
        JsonNode task = found.at("/tasks/0");
        assertThat(task.at("/runs").asInt()).isEqualTo(16);
        assertThat(task.at("/checkpoints").asInt()).isEqualTo(80);
        assertThat(task.at("/bpb/parameters/alpha/value").asDouble()).isCloseTo(.22, within(1e-3));
        assertThat(task.at("/accuracy/parameters/k/value").asDouble()).isCloseTo(12, within(1e-2));
        assertThat(task.at("/bpb/objective").isNumber()).isTrue();
        JsonNode made = task.at("/predictions/0");
        assertThat(made.at("/bpb/value").asDouble()).isCloseTo(bpb(1e10, 2e12), within(1e-5));
        assertThat(made.at("/accuracy/value").asDouble()).isCloseTo(accuracy(bpb(1e10, 2e12)), within(1e-5));
        assertThat(made.at("/accuracy/low").isNumber()).isTrue();
        assertThat(made.at("/accuracyOfSecondStepAlone/high").isNumber()).isTrue();
        JsonNode optimum = task.at("/predictions/1");
        assertThat(optimum.at("/optimumOf").asDouble()).isEqualTo(1e22);
        double n = Math.pow(40 * .22 / (300 * .27), 1 / .49) * Math.pow(1e22 / 6, .27 / .49);
        assertThat(optimum.at("/N").asDouble() / n).isCloseTo(1, within(.01));
        assertThat(task.at("/beyondCheckpoints").asBoolean()).isTrue();
    }

    @Test
    void severalTasksAreARowEach() throws IOException {
        String[] tables = tables(true);
        Ended unsaid = downstream(tables);
        assertThat(unsaid.code()).isEqualTo(ExitCode.USAGE.code());
        assertThat(unsaid.err()).contains("choose with --task: easy, hard, or all");

        Ended all = downstream(tables, "--task", "all", "--target", "1e10:2e12", "--resamples", "4");
        assertThat(all.code()).as(all.err()).isZero();
        assertThat(all.out())
                .contains("2 tasks, bits per byte by L = E + A N^-alpha + B D^-beta")
                .contains("N = 10.0G, D = 2.00T")
                .containsPattern("\n  easy  0\\.8")
                .containsPattern("\n  hard  0\\.9")
                .contains("left out of the runs: line 34, no loss");

        Ended one = downstream(tables, "--task", "hard", "--resamples", "4", "--law", "over-training");
        assertThat(one.out())
                .contains("hard: 16 runs, 80 checkpoints in 16 groups (90 % intervals)")
                .contains("bits per byte, over-training:")
                .contains("accuracy = b + a / (1 + exp(-k (L - L0)))");
    }

    @Test
    void whatIsWrongIsNamed() throws IOException {
        String[] tables = tables(true);
        assertUsage("--task: the tables have no task 'x'; they have easy, hard", tables, "--task", "x");
        assertUsage("--target is N:D, parameters and training tokens", tables, "--task", "easy", "--target", "1e9");
        assertUsage("both positive, such as 7e9:4e12; was '0:1'", tables, "--task", "easy", "--target", "0:1");
        assertUsage("one of chinchilla, kaplan, over-training, envelope; was 'u'", tables, "--law", "u");
        assertUsage("--target-flops is the optimum of chinchilla", tables, "--law", "kaplan", "--target-flops", "1e21");
        assertUsage("--skip must be at least 0 and below 1, was 1.0", tables, "--skip", "1");
        assertUsage("neither table has a run or model called '7B'", tables, "--leave-out", "7B");
        String[] reversed = {tables[1], tables[0]};
        assertUsage("checkpoints.csv, line 1: no column of parameters", reversed);
        assertUsage("]. Say which it is with --column N=NAME.", reversed);
        String[] dashed = {
            tables[0],
            // a column may be called like the option
            Files.writeString(directory.resolve("dashed.csv"), "--column,bpb\n1,1\n")
                    .toString()
        };
        assertUsage("the header has [--column, bpb]. Say which it is with --checkpoint-column ACCURACY=NAME.", dashed);
        String[] twice = {tables[0], tables[0]};
        assertUsage("]. Say which it is with --checkpoint-column ACCURACY=NAME.", twice);
        String[] missing = {tables[0], "nope.csv"};
        assertUsage("There is no file nope.csv", missing);
        String[] bare = {
            tables[0],
            Files.writeString(directory.resolve("bare.csv"), "bpb,acc\n1,.5\n").toString()
        };
        assertUsage("--task all: only one of the tables says", bare, "--task", "all");
        assertUsage(
                "name the run's column with --checkpoint-column GROUP=NAME", bare, "--task", "easy", "--window", "2");
        Ended few = downstream(bare, "--task", "easy");
        assertThat(few.code()).isEqualTo(ExitCode.FAILED.code());
        assertThat(few.out()).contains("refused, too-few-points");
    }

    private static void assertUsage(String message, String[] tables, String... options) {
        Ended ended = downstream(tables, options);
        assertThat(ended.code()).as(ended.err()).isEqualTo(ExitCode.USAGE.code());
        assertThat(ended.err()).contains(message);
    }

    /** Bhagia et al.'s ladder: what was published of the model of 13 billion parameters and 5 trillion tokens. */
    @Test
    void thePublishedPredictionsOfTheLadderComeOut() throws IOException {
        Path shared = Path.of(System.getProperty("isoflop.shared", ""), "data/scaling");
        String[] tables = {
            shared.resolve("olmo_ladder_step1.csv").toString(),
            shared.resolve("olmo_ladder_step2.csv").toString()
        };
        assumeTrue(Files.isRegularFile(Path.of(tables[0])), "the published ladder is not on this machine");

        Ended ended = downstream(
                tables,
                "--task",
                "all",
                "--leave-out",
                "*TARGET",
                "--target",
                "13202396160:5000088518656",
                "--resamples",
                "2",
                "--json");

        assertThat(ended.code()).as(ended.err()).isZero();
        JsonNode tasks = ApiClient.mapper().readTree(ended.out()).at("/tasks");
        double[] published = {
            .5126799915287485,
            .8530359563499285,
            .5267099358093748,
            .7724156000459201,
            .820804177694882,
            .7760887505172276,
            .5994822062474122,
            .4486476977672386
        };
        assertThat(tasks.size()).isEqualTo(8);
        for (int i = 0; i < published.length; i++) {
            assertThat(tasks.at("/" + i + "/predictions/0/accuracy/value").asDouble())
                    .as(tasks.at("/" + i + "/task").asString())
                    .isCloseTo(published[i], within(1e-6));
        }
    }
}
