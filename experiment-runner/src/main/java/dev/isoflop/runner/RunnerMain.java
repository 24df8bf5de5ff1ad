package dev.isoflop.runner;

import dev.isoflop.lm.cuda.driver.CudaDevices;
import dev.isoflop.protocol.job.CommandSpec;
import dev.isoflop.protocol.job.DataSpec;
import dev.isoflop.protocol.job.PretrainSpec;
import dev.isoflop.protocol.runner.RegisterRunner;
import dev.isoflop.runner.device.CudaProbe;
import dev.isoflop.runner.device.DeviceMonitor;
import dev.isoflop.runner.device.GpuChoice;
import dev.isoflop.runner.platform.PlatformClient;
import dev.isoflop.runner.platform.PlatformException;
import dev.isoflop.runner.platform.Retry;
import dev.isoflop.runner.work.CpuEngine;
import dev.isoflop.runner.work.DataExecutor;
import dev.isoflop.runner.work.DatasetCache;
import dev.isoflop.runner.work.PreparedDataset;
import dev.isoflop.runner.work.PretrainExecutor;
import dev.isoflop.runner.work.TrainingEngine;
import dev.isoflop.runner.work.command.CommandExecutor;
import dev.isoflop.runner.work.command.GpuShares;
import dev.isoflop.runner.work.gpu.GpuEngine;
import dev.isoflop.telemetry.Telemetry;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.util.unit.DataSize;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * The worker process.
 *
 * <p>Crash: on SIGTERM or SIGINT it takes no more work, checkpoints what runs, reports it as preempted and ends. On
 * SIGKILL the platform finds out by the silence.
 */
@Command(
        name = "isoflop runner",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Executes runs for a platform until it is told to end.",
        footer = {
            "",
            "On SIGTERM or SIGINT it checkpoints what runs and ends, with 143 or 130. Otherwise it ends with 2 for",
            "wrong options and 3 if the platform refuses the token. A GPU that fails in a way that only a new process",
            "mends gets one, and its runs go on from their last checkpoints; after six failures in ten minutes it ends with 4.",
            "",
            "Example:",
            "  ISOFLOP_TOKEN=isf_… isoflop runner --url http://127.0.0.1:8808 --slots 2"
        })
public final class RunnerMain implements Callable<Integer> {

    private static final Logger log = LoggerFactory.getLogger(RunnerMain.class);

    static final int REFUSED = 3;
    static final int GPU_LOST = 4;

    private static final int GPU_RESTARTS = 5;
    private static final Duration GPU_RESTART_WINDOW = Duration.ofMinutes(10);

    /** Runs at once on a GPU unless asked otherwise: small ones share it, and large ones are limited by its memory. */
    private static final int GPU_SLOTS = 128;

    private static final Duration REQUEST_TIMEOUT = Duration.ofSeconds(15);
    private static final Duration LINGER = Duration.ofMillis(300);
    private static final Duration POLL = Duration.ofSeconds(1);
    private static final Duration GRACE = Duration.ofSeconds(20);
    private static final Duration TOKEN_WAIT = Duration.ofMinutes(1);
    private static final Duration DEVICE_PERIOD = Duration.ofSeconds(1);

    @Option(
            names = "--url",
            defaultValue = "http://127.0.0.1:8808",
            description = "Address of the platform (default ${DEFAULT-VALUE}).")
    private URI url = URI.create("http://127.0.0.1:8808");

    @Option(
            names = "--token",
            defaultValue = "${env:ISOFLOP_TOKEN}",
            description = "Token of scope runner; better given as ISOFLOP_TOKEN, where other users cannot see it.")
    private @Nullable String token;

    @Option(
            names = "--token-file",
            defaultValue = "${env:ISOFLOP_TOKEN_FILE}",
            paramLabel = "<file>",
            description =
                    "File with the token instead (ISOFLOP_TOKEN_FILE does the same); waited for if it is not there yet.")
    private @Nullable Path tokenFile;

    @Option(
            names = "--heard-file",
            paramLabel = "<file>",
            description = "File whose time is set whenever the platform has answered a heartbeat, for health checks.")
    private @Nullable Path heardFile;

    @Option(
            names = "--name",
            description = "Name of this runner, unique on the platform (default: host name and a number).")
    private @Nullable String name;

    @Option(names = "--pool", defaultValue = "default", description = "Pool it serves (default ${DEFAULT-VALUE}).")
    private String pool = "default";

    @Option(names = "--slots", description = "Runs at once (default: one for each core, 128 with a GPU).")
    private @Nullable Integer slots;

    @Option(names = "--threads", description = "Threads for each run (default: the cores divided by the slots).")
    private @Nullable Integer threads;

    @Option(
            names = "--gpus",
            defaultValue = "${env:ISOFLOP_GPUS:-all}",
            paramLabel = "<which>",
            description =
                    "GPUs it offers: all, none, or numbers such as 0,1 (default all; ISOFLOP_GPUS does the same).")
    private String gpus = "all";

    @Option(
            names = "--home",
            description =
                    "Work directory for datasets, corpora and runs (default: runner/ in $ISOFLOP_HOME or ~/.isoflop).")
    private @Nullable Path home;

    @Option(names = "--offline", description = "Use only corpora that were fetched before.")
    private boolean offline;

    @Option(
            names = "--no-commands",
            description = "Run no programs: whoever may submit could otherwise run anything as this user.")
    private boolean noCommands;

    @Option(
            names = "--outage",
            defaultValue = "2h",
            converter = Quantities.Time.class,
            description =
                    "How long runs go on training while the platform does not answer (default ${DEFAULT-VALUE}); 0: only for as long as"
                            + " no other runner can have been given them.")
    private Duration outage = Endurance.STANDARD.outage();

    @Option(
            names = "--spool",
            defaultValue = "256MB",
            converter = Quantities.Size.class,
            description =
                    "Most metrics kept on disk for each run meanwhile (default ${DEFAULT-VALUE}); at that it pauses.")
    private DataSize spool = DataSize.ofMegabytes(256);

    @Option(
            names = "--disk-reserve",
            defaultValue = "1GB",
            converter = Quantities.Size.class,
            description =
                    "Space of the work directory's disk to leave free (default ${DEFAULT-VALUE}): below, no run is taken and no"
                            + " checkpoint written.")
    private DataSize reserve = DataSize.ofGigabytes(1);

    @Option(
            names = "--stall-after",
            defaultValue = "10m",
            converter = Quantities.Time.class,
            description =
                    "Least time without a step after which a run counts as stalled and is ended (default ${DEFAULT-VALUE}); a sweep's"
                            + " stallAfterSeconds goes before; 0: never.")
    private Duration stallAfter = StallWatch.Settings.STANDARD.after();

    public static void main(String[] args) {
        CommandLine line = new CommandLine(new RunnerMain());
        System.exit(line.execute(args));
    }

    @Spec
    private CommandLine.Model.@Nullable CommandSpec spec;

    @Override
    public Integer call() throws IOException, InterruptedException {
        String secret;
        try {
            secret = new RunnerToken(token, tokenFile, TOKEN_WAIT).read();
        } catch (IOException e) {
            return complain(String.valueOf(e.getMessage()));
        }
        if ((slots != null && slots < 1) || (threads != null && threads < 1)) {
            return complain("--slots and --threads must be at least 1.");
        }
        GpuChoice choice;
        try {
            choice = GpuChoice.parse(gpus);
        } catch (IllegalArgumentException e) {
            return complain(String.valueOf(e.getMessage()));
        }
        if (!(choice instanceof GpuChoice.None) && CudaDevices.count() > 0 && !Supervisor.isWorker()) {
            return supervise();
        }
        DeviceMonitor devices;
        try {
            devices = DeviceMonitor.start(choice, new CudaProbe(), DEVICE_PERIOD);
        } catch (IllegalArgumentException e) {
            return complain(String.valueOf(e.getMessage()));
        }
        int cores = Machine.cores();
        int runs = slots != null ? slots : devices.devices().isEmpty() ? cores : GPU_SLOTS;
        int each = threads == null ? Math.max(1, cores / runs) : threads;
        Path root = (home == null ? defaultHome() : home).toAbsolutePath().normalize();
        Files.createDirectories(root);
        try (devices;
                RunnerHome taken = RunnerHome.take(root, name, Machine.host())) {
            RunnerSettings settings = new RunnerSettings(
                    url,
                    secret,
                    taken.name(),
                    pool,
                    runs,
                    each,
                    root,
                    offline,
                    kinds(),
                    new Endurance(
                            outage,
                            spool.toBytes(),
                            reserve.toBytes(),
                            Endurance.STANDARD.keptFor(),
                            new StallWatch.Settings(
                                    stallAfter,
                                    StallWatch.Settings.STANDARD.phase(),
                                    StallWatch.Settings.STANDARD.grace(),
                                    StallWatch.Settings.STANDARD.force())),
                    LINGER,
                    POLL,
                    GRACE,
                    Retry.standard());
            return work(settings, devices, taken);
        } catch (IOException e) {
            return complain(String.valueOf(e.getMessage()));
        }
    }

    private List<String> kinds() {
        return noCommands || !CommandExecutor.isSupported()
                ? List.of("pretrain", "data")
                : List.of("pretrain", "data", "command");
    }

    /** Lets a process of its own do the work: with a GPU it may have to be replaced. */
    private int supervise() throws IOException, InterruptedException {
        List<String> arguments =
                spec == null ? List.of() : spec.commandLine().getParseResult().originalArgs();
        return new Supervisor(
                        Supervisor.ownCommand(RunnerMain.class.getName(), arguments),
                        GPU_LOST,
                        GPU_RESTARTS,
                        GPU_RESTART_WINDOW,
                        GRACE.plusSeconds(15))
                .run();
    }

    private int work(RunnerSettings settings, DeviceMonitor devices, RunnerHome home) throws InterruptedException {
        if (devices.devices().isEmpty()) {
            return work(settings, devices, home, new CpuEngine(), Capacity.ofMachine(), new AtomicBoolean());
        }
        AtomicBoolean lost = new AtomicBoolean();
        List<Integer> ordinals =
                devices.devices().stream().map(RegisterRunner.Device::index).toList();
        try (GpuEngine gpu = new GpuEngine(ordinals, settings.home().resolve("gpu"), e -> lost.set(true))) {
            Capacity capacity = new Capacity() {
                @Override
                public int room() {
                    return lost.get() ? 0 : gpu.room();
                }

                @Override
                public long freeMemoryBytes() {
                    return gpu.freeBytes();
                }
            };
            return work(settings, devices, home, gpu, capacity, lost);
        }
    }

    /** @param lost becomes true when the process has to end because of a GPU */
    private int work(
            RunnerSettings settings,
            DeviceMonitor devices,
            RunnerHome home,
            TrainingEngine engine,
            Capacity capacity,
            AtomicBoolean lost)
            throws InterruptedException {
        DatasetCache datasets = new DatasetCache(settings.home().resolve("datasets"));
        PretrainExecutor pretrain = new PretrainExecutor(engine, datasets, PreparedDataset::open);
        DataExecutor data = new DataExecutor(settings.home(), settings.offline());
        CommandExecutor command = new CommandExecutor(new GpuShares(
                devices.devices().stream().map(RegisterRunner.Device::index).toList(),
                System.getenv("CUDA_VISIBLE_DEVICES")));
        Attempt.Work work = (assignment, context) -> switch (assignment.job()) {
            case PretrainSpec spec -> pretrain.execute(spec, context);
            case DataSpec spec -> data.execute(spec, context);
            case CommandSpec spec -> command.execute(spec, context);
        };
        try (Telemetry telemetry = Telemetry.start("isoflop-runner");
                PlatformClient platform = new PlatformClient(settings.url(), settings.token(), REQUEST_TIMEOUT);
                Runner runner = new Runner(
                        settings,
                        platform,
                        work,
                        devices,
                        capacity,
                        home.attempts(),
                        home.kept(),
                        LeaseClock.system(),
                        DiskWatch.of(settings.home(), settings.endurance().diskReserveBytes()),
                        HeardFile.of(heardFile),
                        telemetry)) {
            KeptRun.forgetOld(
                    settings.home().resolve("kept"), settings.endurance().keptFor());
            Thread hook = new Thread(
                    () -> {
                        drain(runner, settings);
                        telemetry.close(); // the process is gone before the main thread gets there
                    },
                    "shutdown");
            Runtime.getRuntime().addShutdownHook(hook);
            Thread.ofPlatform().name("gpu-loss").daemon().start(() -> endWhen(lost, runner, settings));
            if (Supervisor.isWorker()) {
                Supervisor.endWithParent(() -> drain(runner, settings));
            }
            runner.run();
            return lost.get() ? GPU_LOST : 0;
        } catch (PlatformException e) {
            log.error("the platform at {} refuses this runner: {}", settings.url(), e.getMessage());
            System.err.println("The platform at " + settings.url() + " refuses this runner's token (" + e.getMessage()
                    + "); make one of scope runner.");
            return REFUSED;
        }
    }

    /** Lets the runner end once a GPU's context is lost; its attempts have failed by then and are only reported. */
    private static void endWhen(AtomicBoolean lost, Runner runner, RunnerSettings settings) {
        try {
            while (!lost.get()) {
                Thread.sleep(200);
            }
            log.error("a GPU failed for good: this process ends, its runs go on from their checkpoints in another");
            runner.drain(settings.grace());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void drain(Runner runner, RunnerSettings settings) {
        log.info("ending: no more work is taken, what runs is checkpointed");
        try {
            runner.drain(settings.grace());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static Path defaultHome() {
        String set = System.getenv("ISOFLOP_HOME");
        Path base = set == null || set.isBlank() ? Path.of(System.getProperty("user.home"), ".isoflop") : Path.of(set);
        return base.resolve("runner");
    }

    private static int complain(String message) {
        System.err.println(message);
        return CommandLine.ExitCode.USAGE;
    }
}
