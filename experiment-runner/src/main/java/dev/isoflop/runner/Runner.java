package dev.isoflop.runner;

import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.runner.ClaimGrant;
import dev.isoflop.protocol.runner.ClaimRequest;
import dev.isoflop.protocol.runner.Directives;
import dev.isoflop.protocol.runner.Heartbeat;
import dev.isoflop.protocol.runner.RegisterRunner;
import dev.isoflop.protocol.runner.Registration;
import dev.isoflop.runner.device.DeviceMonitor;
import dev.isoflop.runner.platform.PlatformClient;
import dev.isoflop.runner.platform.PlatformException;
import dev.isoflop.runner.platform.Retry;
import dev.isoflop.telemetry.Telemetry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.web.client.RestClientException;

/**
 * A worker: registers, claims, executes and reports, until told to end.
 *
 * <p>Concurrency: the calling thread claims; one thread sends heartbeats; every attempt has a thread of its own. The
 * heartbeat carries all attempts and its answer lists all that are wanted. An attempt missing from the answer is stopped
 * only if that very heartbeat had reported it: the answer to an older one says nothing about what was granted since.
 *
 * <p>Crash: a claim whose answer is lost is repeated with its key and brings the same grant. After a crash the runner
 * comes back as a new instance; what the old one held is the platform's to hand out again.
 */
final class Runner implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(Runner.class);

    private static final long STALL_LOOK_MILLIS = 250;

    private record Key(long runId, int attempt) {}

    private final RunnerSettings settings;
    private final PlatformClient platform;
    private final Attempt.Work work;
    private final DeviceMonitor devices;
    private final Capacity capacity;
    private final Path attemptsRoot;
    private final Path keptRoot;
    private final Runnable heard;
    private final Telemetry telemetry;
    private final String instance = UUID.randomUUID().toString();
    private final LeaseClock lease;
    private final DiskWatch disk;
    private boolean saidUnwell;
    private volatile @Nullable String hung;
    private final Retry retry;
    private final Map<Key, Attempt> attempts = new ConcurrentHashMap<>();
    private final Object slotFreed = new Object();
    private volatile boolean draining;
    private volatile @Nullable Registration registration;
    private volatile @Nullable PlatformException refused;

    /**
     * @param devices what it offers beside the processor
     * @param capacity what else limits how much it takes
     * @param attemptsRoot directory for the attempts' own directories, this process's alone
     * @param keptRoot directory for what outlives the process, for the next one of the same name
     * @param lease its clock
     * @param disk of its work directory
     */
    Runner(
            RunnerSettings settings,
            PlatformClient platform,
            Attempt.Work work,
            DeviceMonitor devices,
            Capacity capacity,
            Path attemptsRoot,
            Path keptRoot,
            LeaseClock lease,
            DiskWatch disk) {
        this(
                settings,
                platform,
                work,
                devices,
                capacity,
                attemptsRoot,
                keptRoot,
                lease,
                disk,
                () -> {},
                Telemetry.none());
    }

    /**
     * @param heard called whenever a heartbeat has been answered, by the thread that sends them
     * @param telemetry where traces of attempts go
     */
    Runner(
            RunnerSettings settings,
            PlatformClient platform,
            Attempt.Work work,
            DeviceMonitor devices,
            Capacity capacity,
            Path attemptsRoot,
            Path keptRoot,
            LeaseClock lease,
            DiskWatch disk,
            Runnable heard,
            Telemetry telemetry) {
        this.settings = settings;
        this.retry = settings.retry();
        this.platform = platform;
        this.work = work;
        this.devices = devices;
        this.capacity = capacity;
        this.attemptsRoot = attemptsRoot;
        this.keptRoot = keptRoot;
        this.lease = lease;
        this.disk = disk;
        this.heard = heard;
        this.telemetry = telemetry;
    }

    /**
     * Works until {@link #drain}.
     *
     * @throws PlatformException if the platform refuses this runner for good (a wrong token, say)
     */
    void run() throws InterruptedException {
        register();
        Thread heart = Thread.ofPlatform()
                .name("heartbeat")
                .daemon()
                .priority(Thread.MAX_PRIORITY)
                .start(this::beat);
        Thread watch = Thread.ofPlatform().name("stalls").daemon().start(this::watchStalls);
        try {
            while (!draining) {
                PlatformException refusal = refused;
                if (refusal != null) {
                    throw refusal;
                }
                if (registration == null) {
                    register();
                }
                if (!claim()) {
                    idle();
                }
            }
            awaitAttempts(Long.MAX_VALUE);
        } finally {
            draining = true;
            heart.interrupt();
            watch.interrupt();
        }
    }

    /** Takes no more work, lets what runs checkpoint and end as preempted, and returns when it has or time is up. */
    void drain(Duration grace) throws InterruptedException {
        draining = true;
        wake();
        attempts.values().forEach(a -> a.checkpointAndStop(grace.toNanos() * 3 / 4));
        awaitAttempts(System.nanoTime() + grace.toNanos());
        attempts.values().forEach(Attempt::abandon);
    }

    /** Ends everything at once, as a crash would: for the end of a process that has drained. */
    @Override
    public void close() {
        draining = true;
        attempts.values().forEach(Attempt::abandon);
        wake();
        platform.close();
    }

    private void register() {
        RegisterRunner request = Machine.describe(settings, instance, devices.devices());
        Optional<Registration> answer = retry.untilAnswered(
                "registration", () -> draining, () -> platform.api().register(request));
        answer.ifPresent(r -> {
            lease.configure(
                    Duration.ofSeconds(r.leaseSeconds()), settings.endurance().outage());
            registration = r;
            log.info(
                    "registered at {} as {} (runner {}, {} slots, {} GPUs, heartbeat every {} s, lease {} s)",
                    settings.url(),
                    settings.name(),
                    r.runnerId(),
                    settings.slots(),
                    devices.devices().size(),
                    r.heartbeatSeconds(),
                    r.leaseSeconds());
        });
    }

    // --- claims

    /** Asks for as much work as there are free slots; true if some came. */
    private boolean claim() {
        Registration me = registration;
        int free = Math.min(settings.slots() - attempts.size(), capacity.room());
        if (me == null || free <= 0 || !lease.holds() || !isWell()) {
            return false;
        }
        String key = UUID.randomUUID().toString();
        ClaimRequest request = new ClaimRequest(free, capacity.freeMemoryBytes(), settings.kinds());
        try {
            Optional<ClaimGrant> grant = retry.untilAnswered(
                    "claim", () -> draining, () -> platform.api().claim(me.runnerId(), key, request));
            grant.ifPresent(g -> g.assignments().forEach(this::begin));
            return grant.isPresent() && !grant.get().assignments().isEmpty();
        } catch (PlatformException e) {
            refusedBy(e, "claim");
            return false;
        }
    }

    /** Looked at before each claim, so that work is taken again by itself once there is room. */
    private boolean isWell() {
        Optional<String> trouble = trouble();
        if (trouble.isPresent() != saidUnwell) {
            saidUnwell = trouble.isPresent();
            log.warn("{}", trouble.orElse("all is well again: runs are taken"));
        }
        return trouble.isEmpty();
    }

    private Optional<String> trouble() {
        String left = hung;
        return left == null ? disk.trouble() : Optional.of(left);
    }

    private void watchStalls() {
        try {
            while (true) {
                Thread.sleep(STALL_LOOK_MILLIS);
                attempts.forEach((key, attempt) -> {
                    if (attempt.lookForStall()) {
                        hung =
                                "Run %d hung in this runner and could not be stopped: no runs are taken until the runner is restarted."
                                        .formatted(key.runId);
                        Thread.ofPlatform().name("give-up-" + key.runId).start(() -> {
                            try {
                                attempt.giveUp();
                            } finally {
                                attempts.remove(key);
                                wake();
                            }
                        });
                    }
                });
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void begin(ClaimGrant.Assignment assignment) {
        Key key = new Key(assignment.runId(), assignment.attempt());
        Path directory = attemptsRoot.resolve(assignment.runId() + "-" + assignment.attempt());
        Path kept = keptRoot.resolve(Long.toString(assignment.runId()));
        Attempt attempt = new Attempt(assignment, platform, settings, lease, disk, directory, kept, work, telemetry);
        attempts.put(key, attempt);
        Thread.ofPlatform()
                .name("run-" + assignment.runId() + "." + assignment.attempt())
                .start(() -> {
                    try {
                        attempt.run();
                    } finally {
                        attempts.remove(key);
                        wake();
                    }
                });
    }

    private void idle() throws InterruptedException {
        synchronized (slotFreed) {
            if (!draining) {
                slotFreed.wait(settings.poll().toMillis());
            }
        }
    }

    private void wake() {
        synchronized (slotFreed) {
            slotFreed.notifyAll();
        }
    }

    private void awaitAttempts(long untilNanos) throws InterruptedException {
        synchronized (slotFreed) {
            while (!attempts.isEmpty() && (untilNanos == Long.MAX_VALUE || System.nanoTime() - untilNanos < 0)) {
                slotFreed.wait(50);
            }
        }
    }

    // --- heartbeats

    /** Goes on while attempts end, too: a runner that drains still owes the platform its signs of life. */
    private void beat() {
        try {
            int missed = 0;
            while (!(draining && attempts.isEmpty())) {
                Registration me = registration;
                boolean answered = me != null && heartbeat(me);
                missed = answered ? 0 : Math.min(missed + 1, 10);
                long interval = me == null ? 1_000 : me.heartbeatSeconds() * 1_000L;
                // Soon at first, and not all runners at once when the platform comes back.
                long soon = Math.min(interval, 250L << missed);
                Thread.sleep(answered ? interval : ThreadLocalRandom.current().nextLong(soon / 2, soon + 1));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean heartbeat(Registration me) {
        LeaseClock.Moment sent = lease.now();
        Map<Key, Attempt> reported = new HashMap<>(attempts);
        List<Heartbeat.Observed> observed = new ArrayList<>(reported.size());
        reported.values().forEach(a -> observed.add(a.observed()));
        try {
            Directives directives = platform.api()
                    .heartbeat(
                            me.runnerId(),
                            new Heartbeat(
                                    instance,
                                    capacity.freeMemoryBytes(),
                                    observed,
                                    devices.samples(),
                                    trouble().orElse(null)));
            obey(directives, reported);
            lease.renewed(sent); // last: paused work must hear that it is not wanted before it may go on
            wake();
            heard.run();
            return true;
        } catch (PlatformException e) {
            refusedBy(e, "heartbeat");
        } catch (RestClientException e) {
            log.debug("heartbeat not answered: {}", String.valueOf(e.getMostSpecificCause()));
        } catch (Throwable e) {
            log.error("heartbeat failed", e); // the heart must not stop for a bug or a shortage of memory
        }
        return false;
    }

    private static void obey(Directives directives, Map<Key, Attempt> reported) {
        Map<Key, Attempt> unwanted = new HashMap<>(reported);
        for (Directives.Directive d : directives.desired()) {
            Attempt attempt = unwanted.remove(new Key(d.runId(), d.attempt()));
            if (attempt == null) {
                continue; // granted, but the answer to the claim is still on its way
            }
            switch (d.intent()) {
                case RUN -> {}
                case CHECKPOINT_AND_STOP -> attempt.checkpointAndStop(d.deadlineSeconds() * 1_000_000_000L);
                case KILL -> attempt.kill();
            }
        }
        unwanted.values().forEach(Attempt::revoke);
    }

    private void refusedBy(PlatformException e, String what) {
        if (e.code() == ErrorCode.NOT_FOUND) {
            log.warn("the platform does not know this runner any more; registering again");
            registration = null;
            wake();
        } else if (e.status() == 401 || e.status() == 403) {
            refused = e;
            wake();
        } else {
            log.warn("{} refused: {}", what, e.getMessage());
        }
    }
}
