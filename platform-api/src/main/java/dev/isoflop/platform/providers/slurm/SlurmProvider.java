package dev.isoflop.platform.providers.slurm;

import dev.isoflop.platform.IsoflopSettings;
import dev.isoflop.platform.providers.PoolSettings;
import dev.isoflop.platform.providers.ProvidedRunner;
import dev.isoflop.platform.providers.ProviderException;
import dev.isoflop.platform.providers.RunnerProvider;
import dev.isoflop.platform.providers.RunnerRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.springframework.stereotype.Component;
import org.springframework.util.unit.DataSize;

/**
 * Runners as jobs of a Slurm cluster: {@code sbatch}, {@code squeue} and {@code scancel} of this machine, as the user who
 * runs the platform.
 *
 * <p>A runner is a job by itself. Job arrays would save requests, but their tasks share one environment and therefore one
 * token, and a site limits them ({@code MaxArraySize}); a runner takes many runs, so there are few jobs.
 *
 * <p>The key is the job's name: sites overwrite comments, names stay. With {@code --requeue} a job whose node failed goes back
 * into the queue under its id and key, and the runner that starts then takes the name over. {@code
 * --signal=B:TERM@seconds} makes the time limit a SIGTERM in time for the last checkpoints; Slurm may send it up to a
 * minute earlier.
 *
 * <p>The token goes through the environment of {@code sbatch} ({@code --export} names the variable only): it is on no
 * command line, in no script, and {@code scontrol show job} does not have it.
 *
 * <p>{@code squeue} has ended jobs for {@code MinJobAge} (five minutes unless a site sets it otherwise). One that has gone
 * from it is found missing by the platform. {@code sacct} is not needed.
 */
@Component
class SlurmProvider implements RunnerProvider {

    /** Of one command. slurmctld answers in milliseconds, or is busy for many seconds. */
    private static final Duration LIMIT = Duration.ofSeconds(30);

    /** Options of sbatch that the platform sets itself, or that would make more than one job of a request. */
    private static final Set<String> OWN = Set.of(
            "--array",
            "--comment",
            "--error",
            "--export",
            "--export-file",
            "--input",
            "--job-name",
            "--output",
            "--parsable",
            "--signal",
            "--test-only",
            "--wait",
            "--wrap");

    private static final Pattern OPTION = Pattern.compile("(--[a-z][a-z-]*)(=.*)?");
    private static final Pattern JOB_ID = Pattern.compile("[0-9]+");

    /** Said by clients that could not speak to slurmctld: the request may have arrived all the same. */
    private static final Pattern IN_DOUBT = Pattern.compile(
            "(?i)socket timed out|zero bytes were transmitted|unable to contact|connection (reset|timed out)|communication");

    /** id, state, reason, node, name. The name is last: whatever is in it, the rest is read well. */
    private static final String FORMAT = "%A|%T|%r|%N|%j";

    private static final Set<String> WAITING = Set.of(
            "PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD", "SPECIAL_EXIT");
    /** All others are taken for at work: a state that is new to this code is no reason to give a runner up. */
    private static final Set<String> ENDED = Set.of(
            "BOOT_FAIL",
            "CANCELLED",
            "COMPLETED",
            "DEADLINE",
            "FAILED",
            "LAUNCH_FAILED",
            "NODE_FAIL",
            "OUT_OF_MEMORY",
            "PREEMPTED",
            "RECONFIG_FAIL",
            "REVOKED",
            "TIMEOUT");

    private final Path home;
    private final Commands commands = new Commands(LIMIT);

    SlurmProvider(IsoflopSettings settings) {
        this.home = settings.home().toAbsolutePath().normalize();
    }

    @Override
    public String name() {
        return "slurm";
    }

    @Override
    public void check(String prefix, PoolSettings pool) {
        if (pool.url() == null) {
            throw new IllegalArgumentException(
                    prefix + ".url must say where the cluster's nodes reach this platform, such as http://login1:8808");
        }
        for (String option : pool.sbatchOptions()) {
            Matcher parts = OPTION.matcher(option);
            if (!parts.matches()) {
                throw new IllegalArgumentException(prefix + ".sbatch-options holds one long option an item, such as"
                        + " --constraint=h100, was " + option);
            }
            if (OWN.contains(parts.group(1))) {
                throw new IllegalArgumentException(
                        prefix + ".sbatch-options must not have " + parts.group(1) + ": the platform sets it itself");
            }
        }
    }

    @Override
    public String start(RunnerRequest request) throws ProviderException {
        PoolSettings pool = request.pool();
        Path logs = pool.logDirectory() == null ? home.resolve("logs") : pool.logDirectory();
        try {
            Files.createDirectories(logs);
        } catch (IOException e) {
            throw ProviderException.refused("The directory of the runners' logs cannot be made: " + e.getMessage());
        }
        String work = (pool.workDirectory() == null ? home.resolve("runner") : pool.workDirectory()).toString();
        Commands.Answer answer = commands.run(
                sbatch(request, logs),
                Map.of(RunnerRequest.TOKEN_VARIABLE, request.token()),
                SlurmScript.of(work, request.commandLine(work)));
        if (answer.status() != 0) {
            throw failed("sbatch", answer);
        }
        // JOB or JOB;CLUSTER
        String id = answer.output().strip().split(";", 2)[0];
        if (!JOB_ID.matcher(id).matches()) {
            throw ProviderException.noAnswer(
                    "sbatch answered what is no job: " + answer.output().strip());
        }
        return id;
    }

    /** The command line; the directives are here and not in the script, so that no shell reads them. */
    static List<String> sbatch(RunnerRequest request, Path logs) {
        PoolSettings pool = request.pool();
        List<String> line = new ArrayList<>(List.of(
                tool(pool, "sbatch"),
                "--parsable",
                "--job-name=" + request.key(),
                "--export=" + RunnerRequest.TOKEN_VARIABLE + ",HOME,PATH,USER",
                "--output=" + logs.resolve(request.key() + ".log"),
                "--open-mode=append", // a requeued job goes on in it
                "--requeue",
                "--nodes=1",
                "--ntasks=1",
                "--cpus-per-task=" + pool.cpus(),
                "--signal=B:TERM@" + pool.signalBefore().toSeconds()));
        if (pool.gpus() > 0) {
            line.add("--gres=gpu:" + pool.gpus());
        }
        DataSize memory = pool.memory();
        if (memory != null) {
            line.add("--mem=" + memory.toMegabytes() + "M");
        }
        Duration limit = pool.timeLimit();
        if (limit != null) {
            line.add("--time=" + minutesAndSeconds(limit));
        }
        if (pool.partition() != null) {
            line.add("--partition=" + pool.partition());
        }
        if (pool.account() != null) {
            line.add("--account=" + pool.account());
        }
        line.addAll(pool.sbatchOptions()); // last: they may override, say, --requeue by --no-requeue
        return line;
    }

    private static String minutesAndSeconds(Duration limit) {
        return limit.toMinutes() + ":" + "%02d".formatted(limit.toSecondsPart());
    }

    @Override
    public List<ProvidedRunner> list(PoolSettings pool, String keyPrefix) throws ProviderException {
        Commands.Answer answer = commands.run(
                List.of(tool(pool, "squeue"), "--me", "--noheader", "--states=all", "--format=" + FORMAT),
                Map.of(),
                "");
        if (answer.status() != 0) {
            throw failed("squeue", answer);
        }
        return parse(answer.output(), keyPrefix);
    }

    /** The jobs whose names begin so. A line that is none of a job's is left out. */
    static List<ProvidedRunner> parse(String output, String keyPrefix) {
        List<ProvidedRunner> runners = new ArrayList<>();
        output.lines().forEach(line -> {
            String[] parts = line.strip().split("\\|", 5);
            if (parts.length == 5 && parts[4].startsWith(keyPrefix)) {
                runners.add(runner(parts));
            }
        });
        return runners;
    }

    private static ProvidedRunner runner(String[] parts) {
        String word = parts[1];
        ProvidedRunner.State state = WAITING.contains(word)
                ? ProvidedRunner.State.WAITING
                : ENDED.contains(word) ? ProvidedRunner.State.ENDED : ProvidedRunner.State.RUNNING;
        String why = parts[2].isBlank() || "None".equals(parts[2]) ? "" : ": " + parts[2];
        return new ProvidedRunner(
                parts[4],
                parts[0],
                state,
                parts[3].isBlank() ? null : parts[3],
                "RUNNING".equals(word) ? null : "Slurm: " + word + why);
    }

    /**
     * Once is enough: Slurm follows its SIGTERM with a SIGKILL after {@code KillWait} (30 s unless a site sets it otherwise),
     * and a runner takes twenty for its last checkpoints.
     */
    @Override
    public void stop(PoolSettings pool, ProvidedRunner runner, boolean forcibly) throws ProviderException {
        Commands.Answer answer =
                commands.run(List.of(tool(pool, "scancel"), "--quiet", runner.externalId()), Map.of(), "");
        if (answer.status() != 0 && !answer.errors().contains("Invalid job id")) {
            throw failed("scancel", answer);
        }
    }

    private static ProviderException failed(String command, Commands.Answer answer) {
        String said = answer.errors().isBlank() ? "status " + answer.status() : answer.errors();
        return IN_DOUBT.matcher(said).find()
                ? ProviderException.noAnswer(command + ": " + said)
                : ProviderException.refused(command + ": " + said);
    }

    private static String tool(PoolSettings pool, String name) {
        Path directory = pool.slurmBin();
        return directory == null ? name : directory.resolve(name).toString();
    }
}
