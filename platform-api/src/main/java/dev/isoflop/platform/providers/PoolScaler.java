package dev.isoflop.platform.providers;

import dev.isoflop.db.runner.LaunchStore;
import dev.isoflop.db.runner.LaunchStore.Launch;
import dev.isoflop.db.runner.LaunchStore.Live;
import dev.isoflop.db.runner.LaunchStore.State;
import dev.isoflop.db.runner.PoolLock;
import dev.isoflop.platform.orchestration.LeaseSettings;
import dev.isoflop.platform.providers.Pools.Pool;
import dev.isoflop.platform.tokens.RunnerTokens;
import java.net.URI;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import javax.sql.DataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * One look at a pool: what its provider has is compared with what was asked of it, then runners are started and stopped.
 *
 * <p>Concurrency: under the pool's {@link PoolLock}, so one platform does it at a time.
 *
 * <p>Crash: a launch is in the database before the provider is asked, and its key goes with the request. A launch without
 * an answer counts as one that is coming until the provider's list shows it or, some time later, still does not; it is never
 * asked for again. Nothing is kept in memory.
 */
@Component
class PoolScaler {

    private static final Logger log = LoggerFactory.getLogger(PoolScaler.class);
    private static final SecureRandom RANDOM = new SecureRandom();

    /** A runner told to end has checkpointed by then. */
    private static final Duration STOP_AGAIN = Duration.ofSeconds(60);

    private final LaunchStore launches;
    private final RunnerTokens tokens;
    private final DataSource locks;
    private final TransactionTemplate transactions;
    private final PoolsSettings.Scaling settings;
    private final LeaseSettings leases;

    PoolScaler(
            LaunchStore launches,
            RunnerTokens tokens,
            @Qualifier(ProviderConfiguration.LOCKS) DataSource locks,
            TransactionTemplate transactions,
            PoolsSettings settings,
            LeaseSettings leases) {
        this.launches = launches;
        this.tokens = tokens;
        this.locks = locks;
        this.transactions = transactions;
        this.settings = settings.scaling();
        this.leases = leases;
    }

    /**
     * One round.
     *
     * @param url where runners find the platform
     * @param command what starts a runner on this machine
     */
    void look(Pool pool, URI url, List<String> command) {
        Optional<PoolLock> lock = PoolLock.tryTake(locks, pool.name());
        if (lock.isEmpty()) {
            return; // another platform is at it
        }
        try (PoolLock held = lock.get()) {
            Optional<LaunchStore.Pool> before = launches.pool(pool.name());
            if (before.isPresent() && !before.get().due()) {
                return;
            }
            try {
                launches.looked(pool.name(), scale(pool, url, command, held));
            } catch (ProviderException e) {
                int failures = before.map(LaunchStore.Pool::failures).orElse(0);
                Duration wait = doubled(failures);
                log.warn("Pool {}: {} (asked again in {} s)", pool.name(), e.getMessage(), wait.toSeconds());
                launches.failed(
                        pool.name(),
                        "The provider " + pool.provider().name() + " fails; it is asked again in " + wait.toSeconds()
                                + " s.",
                        e.getMessage(),
                        wait);
            }
        }
    }

    private Duration doubled(int before) {
        Duration wait = settings.backoff().multipliedBy(1L << Math.min(before, 20));
        return wait.compareTo(settings.backoffMax()) > 0 ? settings.backoffMax() : wait;
    }

    private String scale(Pool pool, URI url, List<String> command, PoolLock lock) throws ProviderException {
        Map<String, ProvidedRunner> provided = pool.provider().list(pool.settings(), pool.keyPrefix()).stream()
                .filter(runner -> Pools.isKeyOf(pool.keyPrefix(), runner.key()))
                // a provider that lists a key twice (a job that was requeued by hand): the one that has not ended
                // counts
                .collect(Collectors.toMap(
                        ProvidedRunner::key, r -> r, (a, b) -> a.state() == ProvidedRunner.State.ENDED ? b : a));
        PoolSettings wants = pool.settings();
        LaunchStore.Size size = wants.size();
        reconcile(pool, provided, launches.live(pool.name(), size, leases.suspect()));
        launches.noteRegistrations(pool.name());

        List<Launch> open = launches.open(pool.name());
        Decision decision = Decision.of(
                wants,
                settings.patience(),
                launches.queue(pool.name(), size, settings.patience()),
                open,
                launches.live(pool.name(), size, leases.suspect()));
        for (Map.Entry<Launch, String> stop : decision.stop().entrySet()) {
            stop(pool, stop.getKey(), stop.getValue(), provided);
        }
        if (decision.start() == 0) {
            return decision.note();
        }
        LaunchStore.Fruitless fruitless = launches.fruitless(pool.name());
        double wait =
                fruitless.count() == 0 ? 0 : doubled(fruitless.count() - 1).toSeconds() - fruitless.secondsSince();
        if (wait > 0) {
            return "The last " + (fruitless.count() == 1 ? "runner" : fruitless.count() + " runners")
                    + " ended without having taken a run; another is asked for in " + (long) Math.ceil(wait) + " s.";
        }
        for (int i = 0; i < decision.start() && lock.isHeld(); i++) {
            start(pool, url, command);
        }
        return decision.note();
    }

    // --- what the provider has

    private void reconcile(Pool pool, Map<String, ProvidedRunner> provided, List<Live> live) throws ProviderException {
        Map<String, ProvidedRunner> left = new HashMap<>(provided);
        for (Launch launch : launches.open(pool.name())) {
            ProvidedRunner runner = left.remove(launch.key());
            if (runner == null) {
                missing(launch, live);
            } else if (runner.state() == ProvidedRunner.State.ENDED) {
                end(launch, false, ended(launch, runner));
            } else {
                launches.seen(
                        launch.id(),
                        runner.externalId(),
                        runner.state() == ProvidedRunner.State.RUNNING,
                        runner.place(),
                        runner.reason());
                Double asked = launch.stopAskedSeconds();
                if (asked != null && asked > STOP_AGAIN.toSeconds()) {
                    pool.provider().stop(pool.settings(), runner, true);
                    launches.stopping(launch.id(), String.valueOf(launch.reason()));
                }
            }
        }
        for (ProvidedRunner runner : left.values()) {
            // Of a launch given up for lost, its token revoked. One that this database has never known is not its to
            // stop.
            if (runner.state() != ProvidedRunner.State.ENDED
                    && launches.find(runner.key()).isPresent()) {
                log.info("Pool {}: {} was given up before and is there: stopped", pool.name(), runner.key());
                pool.provider().stop(pool.settings(), runner, true);
            }
        }
    }

    private void missing(Launch launch, List<Live> live) {
        if (launch.askedSeconds() < settings.settle().toMillis() / 1e3) {
            return; // the provider may not show it yet
        }
        if (live.stream().anyMatch(runner -> runner.name().equals(launch.key()))) {
            return; // it is at work whatever the provider says
        }
        if (launch.externalId() == null) {
            end(launch, true, "The provider's answer was lost, and its list does not have it.");
        } else {
            end(launch, false, "The provider does not know it any more.");
        }
    }

    private static String ended(Launch launch, ProvidedRunner runner) {
        String why = runner.reason() == null ? "It ended." : runner.reason();
        return launch.state() == State.STOPPING ? launch.reason() + " (" + why + ")" : why;
    }

    private void end(Launch launch, boolean failed, String reason) {
        log.info("Pool {}: runner {} has ended: {}", launch.pool(), launch.key(), reason);
        launches.ended(launch.id(), failed, reason);
        Long token = launch.tokenId();
        if (token != null) {
            tokens.revoke(token);
        }
    }

    // --- what is asked of it

    private void stop(Pool pool, Launch launch, String reason, Map<String, ProvidedRunner> provided)
            throws ProviderException {
        ProvidedRunner runner = provided.get(launch.key());
        if (runner == null) {
            return;
        }
        log.info("Pool {}: runner {} is stopped: {}", pool.name(), launch.key(), reason);
        // Noted first: it counts no more, even if the answer is lost. It is told again if it does not end.
        launches.stopping(launch.id(), reason);
        pool.provider().stop(pool.settings(), runner, false);
    }

    private void start(Pool pool, URI url, List<String> command) throws ProviderException {
        PoolSettings wants = pool.settings();
        List<String> runner = wants.command().isEmpty() ? command : wants.command();
        if (runner.isEmpty()) {
            throw ProviderException.refused("No runner is built beside this platform: "
                    + PoolsSettings.prefix(pool.name()) + ".command must say what starts one.");
        }
        byte[] random = new byte[6];
        RANDOM.nextBytes(random);
        String key = pool.freshKey(HexFormat.of().formatHex(random));
        RunnerTokens.Issued token = transactions.execute(status -> {
            RunnerTokens.Issued issued = tokens.issue("runner " + key);
            launches.ask(key, pool.name(), pool.provider().name(), wants.expectedSlots(), issued.id());
            return issued;
        });
        if (token == null) {
            throw new AssertionError("the transaction returns a token");
        }
        URI own = wants.url();
        RunnerRequest request =
                new RunnerRequest(key, pool.name(), wants, own == null ? url : own, token.secret(), runner);
        Launch launch = launches.find(key).orElseThrow();
        try {
            String externalId = pool.provider().start(request);
            launches.seen(launch.id(), externalId, false, null, null);
            log.info(
                    "Pool {}: runner {} asked for, {} {}",
                    pool.name(),
                    key,
                    pool.provider().name(),
                    externalId);
        } catch (ProviderException e) {
            if (!e.isInDoubt()) {
                end(launch, true, e.getMessage());
            }
            throw e;
        }
    }
}
