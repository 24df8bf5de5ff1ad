package dev.isoflop.platform.orchestration;

import dev.isoflop.db.run.AttemptStore;
import dev.isoflop.db.run.LeaseStore;
import dev.isoflop.db.run.RunStore;
import dev.isoflop.db.run.RunTransitions;
import dev.isoflop.db.runner.RunnerStore;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.error.Problem;
import dev.isoflop.protocol.runner.Directives;
import dev.isoflop.protocol.runner.Directives.Directive;
import dev.isoflop.protocol.runner.Directives.Intent;
import dev.isoflop.protocol.runner.Heartbeat;
import dev.isoflop.protocol.runner.RegisterRunner;
import dev.isoflop.protocol.runner.Registration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;
import tools.jackson.databind.json.JsonMapper;

/**
 * Registration and heartbeats.
 *
 * <p>Concurrency: both lock the runner's row first, so a process that is being replaced and the one that replaces it
 * come one after the other.
 */
@Component
class Runners {

    /** Largest number a device may have: the history has two bytes for it. */
    static final int MAX_DEVICE = Short.MAX_VALUE;

    private static final int LONGEST_TROUBLE = 500;

    private final RunnerStore runners;
    private final DeviceSamples devices;
    private final LeaseStore leases;
    private final LostLeases lost;
    private final RunStore runs;
    private final AttemptStore attempts;
    private final RunTransitions transitions;
    private final LeaseSettings settings;
    private final OwnAttempts owners;
    private final JsonMapper json;

    Runners(
            RunnerStore runners,
            DeviceSamples devices,
            LeaseStore leases,
            LostLeases lost,
            RunStore runs,
            AttemptStore attempts,
            RunTransitions transitions,
            LeaseSettings settings,
            OwnAttempts owners,
            JsonMapper json) {
        this.runners = runners;
        this.devices = devices;
        this.leases = leases;
        this.lost = lost;
        this.runs = runs;
        this.attempts = attempts;
        this.transitions = transitions;
        this.settings = settings;
        this.owners = owners;
        this.json = json;
    }

    /**
     * Makes the runner known. Another process under a known name means that the old one is dead: its runs are lost at
     * once. The same process may register again without effect.
     *
     * @param tokenId whose the runner is from now on; null for nobody's
     * @throws ProblemException forbidden, if a living runner of another token has the name
     */
    @Transactional
    public Registration register(RegisterRunner request, @Nullable Long tokenId) {
        check(request);
        RunnerStore.NewRunner runner = new RunnerStore.NewRunner(
                request.name(),
                request.instance(),
                request.pool(),
                request.host(),
                request.pid(),
                request.version(),
                request.slots(),
                request.cores(),
                request.memoryBytes(),
                json.writeValueAsString(request.devices()),
                json.writeValueAsString(request.kinds()),
                place(request));
        RunnerStore.Registered registered = runners.register(runner, tokenId, settings.ttl());
        if (registered.foreign()) {
            throw new ProblemException(
                    ErrorCode.FORBIDDEN,
                    "A runner named %s is there already, registered with another token. Give this one another name (--name), or take back the other's token."
                            .formatted(request.name()));
        }
        if (registered.known()) {
            owners.forget();
        }
        if (registered.replaced()) {
            lost.replaced(registered.runnerId());
        }
        return new Registration(
                registered.runnerId(),
                LeaseSettings.seconds(settings.heartbeat()),
                LeaseSettings.seconds(settings.ttl()));
    }

    /**
     * A heartbeat to be answered.
     *
     * @param runnerId that it was sent for
     */
    record Beat(long runnerId, Heartbeat heartbeat) {}

    /**
     * Renews the leases of the attempts reported and answers all that each runner should be doing. A lease that is not
     * reported is answered but not renewed: its grant may have been lost, and it runs out like any other. A process that
     * has been replaced is answered with nothing, so it stops all it does.
     *
     * @param beats at most one of each runner
     * @return by runner; those that are not known are absent
     */
    @Transactional
    public Map<Long, Directives> heartbeats(List<Beat> beats) {
        Map<Long, RunnerStore.Heard> heard = runners.heard(beats.stream()
                .map(beat -> new RunnerStore.Word(
                        beat.runnerId,
                        beat.heartbeat.instance(),
                        devices.stored(beat.heartbeat.devices()),
                        shortened(beat.heartbeat.trouble())))
                .toList());
        Map<Long, List<Directive>> directives = new HashMap<>();
        heard.forEach((runner, how) -> {
            if (how != RunnerStore.Heard.UNKNOWN) {
                directives.put(runner, new ArrayList<>());
            }
        });
        List<Beat> current = beats.stream()
                .filter(beat -> heard.get(beat.runnerId) == RunnerStore.Heard.CURRENT)
                .toList();
        if (!current.isEmpty()) {
            List<LeaseStore.Held> held = leases.renew(
                    current.stream().map(Beat::runnerId).toList(),
                    current.stream()
                            .flatMap(beat -> beat.heartbeat.observed().stream()
                                    .map(o -> new LeaseStore.Progress(beat.runnerId, o.runId(), o.attempt(), o.step())))
                            .toList());
            for (LeaseStore.Held one : held) {
                if (one.back()) {
                    reachable(one.lease());
                }
                directives
                        .computeIfAbsent(one.runnerId(), r -> new ArrayList<>())
                        .add(directive(one.lease()));
            }
        }
        for (Beat beat : current) {
            beat.heartbeat.observed().stream()
                    .filter(o -> o.stage().startsWith("stalled"))
                    .forEach(o -> attempts.remark(o.runId(), o.attempt(), beat.runnerId, shortened(o.stage())));
        }
        Map<Long, Directives> answers = new HashMap<>();
        directives.forEach((runner, all) -> answers.put(runner, new Directives(all)));
        return answers;
    }

    private void reachable(LeaseStore.Lease lease) {
        boolean started =
                attempts.find(lease.runId(), lease.attempt()).orElseThrow().started();
        runs.lock(lease.runId())
                .filter(run -> run.isHeldBy(lease.attempt()) && run.state() == RunState.SUSPECT)
                .ifPresent(run -> transitions.reachable(run, started));
    }

    private static Directive directive(LeaseStore.Lease lease) {
        String intent = lease.stopIntent();
        if (intent == null) {
            return new Directive(lease.runId(), lease.attempt(), Intent.RUN, 0);
        }
        if ("checkpoint".equals(intent) && lease.secondsToStopDeadline() > 0) {
            return new Directive(lease.runId(), lease.attempt(), Intent.CHECKPOINT_AND_STOP, (int)
                    Math.ceil(lease.secondsToStopDeadline()));
        }
        return new Directive(lease.runId(), lease.attempt(), Intent.KILL, 0);
    }

    /** Another process, or another name, on the same host and GPUs is at the same place. */
    private static String place(RegisterRunner request) {
        String gpus = request.devices().stream()
                .map(RegisterRunner.Device::pciBusId)
                .filter(java.util.Objects::nonNull)
                .sorted()
                .collect(java.util.stream.Collectors.joining(","));
        return gpus.isEmpty() ? request.host() : request.host() + " gpu " + gpus;
    }

    private static @Nullable String shortened(@Nullable String text) {
        return text == null || text.length() <= LONGEST_TROUBLE ? text : text.substring(0, LONGEST_TROUBLE) + " …";
    }

    static ProblemException unknown(long runnerId) {
        return new ProblemException(ErrorCode.NOT_FOUND, "There is no runner " + runnerId + ": register first.");
    }

    private static void check(RegisterRunner r) {
        List<Problem.FieldError> errors = new ArrayList<>();
        blank(errors, "/name", r.name());
        blank(errors, "/instance", r.instance());
        blank(errors, "/pool", r.pool());
        blank(errors, "/host", r.host());
        if (r.slots() < 1) {
            errors.add(new Problem.FieldError("/slots", "A runner needs a slot.", "at least 1", null));
        }
        if (r.kinds().isEmpty()) {
            errors.add(new Problem.FieldError("/kinds", "A runner needs a kind of work.", "such as pretrain", null));
        }
        Set<Integer> indices = new HashSet<>();
        for (int i = 0; i < r.devices().size(); i++) {
            RegisterRunner.Device device = r.devices().get(i);
            blank(errors, "/devices/" + i + "/name", device.name());
            if (device.index() < 0 || device.index() > MAX_DEVICE || !indices.add(device.index())) {
                errors.add(new Problem.FieldError(
                        "/devices/" + i + "/index",
                        "Each device needs a number of its own.",
                        "0 to " + MAX_DEVICE,
                        null));
            }
        }
        if (!errors.isEmpty()) {
            throw new ProblemException(ErrorCode.INVALID_REQUEST, "The registration is incomplete.", errors);
        }
    }

    private static void blank(List<Problem.FieldError> errors, String pointer, String value) {
        // A field absent from the JSON arrives as null whatever its declared type.
        if (value == null || value.isBlank()) {
            errors.add(new Problem.FieldError(pointer, "It must not be empty.", null, null));
        }
    }
}
