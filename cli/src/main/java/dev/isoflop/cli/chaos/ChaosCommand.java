package dev.isoflop.cli.chaos;

import dev.isoflop.cli.CliException;
import dev.isoflop.cli.ExitCode;
import dev.isoflop.cli.Submission;
import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.cli.show.Screen;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.api.Views;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ObjectNode;

/**
 * The chaos suite. First the runs are trained undisturbed, then the same runs again while the script hurts runners, network, disks,
 * clocks, platform and PostgreSQL; at the end everything is mended, the rest of the runs is waited for, and the two are compared.
 *
 * <p>Crash: Ctrl-C stops what was started. A command that is killed leaves its processes behind.
 */
@Command(
        name = "chaos",
        description = {
            "Trains short runs on four runners while a seeded script kills, freezes, cuts off, fills and restarts everything,",
            "and checks that nothing is lost, doubled or different from undisturbed runs. Ends with 0 only if all is right.",
        },
        footer = {"", "Example:", "  isoflop chaos --minutes 1.5 --seed 7 --json"})
public final class ChaosCommand implements Callable<Integer> {

    private static final int RUNNERS = 4;

    /** Of each run for every minute of disturbance: two cores then need about half of that time undisturbed. */
    private static final double FLOPS_PER_MINUTE = 8e9;

    private static final int CORPUS_CHARS = 1_500_000;
    private static final int UNDISTURBED_SECONDS = 900;
    private static final int REST_SECONDS = 240;

    @Option(
            names = "--minutes",
            defaultValue = "10",
            description =
                    "How long to disturb (default ${DEFAULT-VALUE}); the undisturbed runs and the end come on top.")
    private double minutes = 10;

    @Option(names = "--seed", description = "What happens when (default: drawn, and printed).")
    private @Nullable Long seed;

    @Option(
            names = "--runs",
            defaultValue = "40",
            description = "Runs, a multiple of " + Work.MODELS + " (default ${DEFAULT-VALUE}).")
    private int runs = 40;

    @Option(names = "--json", description = "Print the verdict as one JSON object, the last line of standard output.")
    private boolean json;

    @Option(names = "--keep", description = "Keep logs and data; they are kept anyway if something is wrong.")
    private boolean keep;

    private final AtomicBoolean ending = new AtomicBoolean();

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (minutes <= 0 || minutes > 24 * 60 || runs < Work.MODELS || runs % Work.MODELS != 0) {
            throw new CliException(
                    ExitCode.USAGE, "--minutes must be positive and --runs a multiple of " + Work.MODELS + ".");
        }
        String root = System.getProperty("isoflop.root");
        if (root == null) {
            throw new CliException(ExitCode.FAILED, "Start it through ./isoflop chaos, from a built project.");
        }
        long chosen = seed == null ? ThreadLocalRandom.current().nextInt(1_000_000) : seed;
        PrintStream out = json ? System.err : System.out; // the last line of standard output is the verdict's
        Path directory = Files.createTempDirectory("isoflop-chaos");
        out.printf(Locale.ROOT, "Seed %d, in %s%n", chosen, directory);
        Lab lab = new Lab(directory, Path.of(root), RUNNERS, chosen, line -> say(out, line));
        Thread hook = new Thread(() -> interrupted(lab), "stop");
        Runtime.getRuntime().addShutdownHook(hook);
        Verdict verdict;
        try (lab) {
            verdict = run(lab, chosen, out);
        } finally {
            if (!ending.get()) {
                Runtime.getRuntime().removeShutdownHook(hook);
            }
        }
        if (verdict.isGood() && !keep) {
            delete(directory);
        } else {
            out.println("Logs, database and history are in " + directory);
        }
        out.println(verdict.isGood() ? "All is right." : "Something is WRONG, see above.");
        if (json) {
            System.out.println(ApiClient.mapper().writeValueAsString(verdict));
        }
        return verdict.isGood() ? ExitCode.OK.code() : ExitCode.FAILED.code();
    }

    private Verdict run(Lab lab, long chosen, PrintStream out) throws IOException, InterruptedException {
        lab.start();
        Path corpus = lab.directory().resolve("corpus.txt");
        Files.writeString(corpus, MadeUpText.of(new Random(1), CORPUS_CHARS));
        ApiClient api = lab.platform().api();
        Submission submission = new Submission(api, new Screen(new PrintStream(PrintStream.nullOutputStream()), false));
        double flops = FLOPS_PER_MINUTE * minutes;
        ObjectNode calm = Work.sweep("undisturbed", corpus, runs, flops);
        submission.prepare(calm);
        long begun = System.nanoTime();
        Views.Sweep undisturbed = submission.submit(calm);
        List<Views.Run> reference = lab.await(undisturbed, UNDISTURBED_SECONDS, runs);
        if (!reference.stream().allMatch(r -> r.state() == RunState.SUCCEEDED)) {
            throw new CliException(ExitCode.FAILED, "The undisturbed runs did not succeed; see " + lab.directory());
        }
        out.printf(
                Locale.ROOT, "Undisturbed: %d runs in %.1f s%n", reference.size(), (System.nanoTime() - begun) * 1e-9);

        Views.Sweep disturbed = submission.submit(Work.sweep("disturbed", corpus, runs, flops));
        long millis = (long) (minutes * 60_000);
        long disturbing = System.nanoTime();
        Disturber disturber = lab.disturber();
        disturber.run(Script.of(chosen, millis, RUNNERS), millis, () -> lab.allEnded(disturbed));
        double lasted = (System.nanoTime() - disturbing) * 1e-9;
        out.printf(Locale.ROOT, "Disturbed %d times in %.1f s; waiting for the rest%n", disturber.done(), lasted);
        lab.await(disturbed, REST_SECONDS + (int) (minutes * 60), runs);

        lab.history().save(lab.directory().resolve("history.jsonl"));
        Judge judge = new Judge(api, line -> say(out, line));
        Verdict verdict =
                judge.judge(chosen, disturbed, undisturbed, lab.history().ops());
        out.printf(
                Locale.ROOT,
                "%d of %d runs succeeded, with %d attempts beyond the first; %d requests on record; %s%n",
                verdict.succeeded(),
                verdict.runs(),
                judge.retried(),
                lab.history().ops().size(),
                verdict);
        if (disturber.failed() > 0) {
            throw new CliException(
                    ExitCode.FAILED,
                    disturber.failed() + " disturbances left something that did not come back; see " + lab.directory());
        }
        return verdict;
    }

    private static synchronized void say(PrintStream out, String line) {
        out.println(line);
        out.flush();
    }

    private void interrupted(Lab lab) {
        ending.set(true);
        System.err.println("Stopping what was started…");
        try {
            lab.close();
        } catch (IOException e) {
            System.err.println(e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void delete(Path directory) throws IOException {
        try (Stream<Path> tree = Files.walk(directory)) {
            for (Path path : tree.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
