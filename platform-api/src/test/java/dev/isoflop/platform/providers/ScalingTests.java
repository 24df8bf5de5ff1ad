package dev.isoflop.platform.providers;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.db.runner.LaunchStore;
import dev.isoflop.db.runner.LaunchStore.Launch;
import dev.isoflop.db.runner.LaunchStore.State;
import dev.isoflop.db.runner.PoolLock;
import dev.isoflop.platform.PlatformTest;
import dev.isoflop.platform.orchestration.LeaseSettings;
import dev.isoflop.platform.tokens.RunnerTokens;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.transaction.support.TransactionTemplate;

/** The scaling of a pool against a real database and a provider in memory. Each test has a pool of its own. */
@PlatformTest
class ScalingTests {

    private static final URI URL = URI.create("http://127.0.0.1:1");

    private final LaunchStore launches;
    private final JdbcClient jdbc;
    private final DataSource database;
    private final FakeProvider provider = new FakeProvider();
    private final String name = "p" + UUID.randomUUID().toString().substring(0, 8);
    private final RunnerTokens tokens;
    private final TransactionTemplate transactions;
    private final LeaseSettings leases;
    private Pools.Pool pool = pool(2, 60);
    private PoolScaler scaler;

    ScalingTests(
            LaunchStore launches,
            JdbcClient jdbc,
            DataSource database,
            RunnerTokens tokens,
            TransactionTemplate transactions,
            LeaseSettings leases) {
        this.launches = launches;
        this.jdbc = jdbc;
        this.database = database;
        this.tokens = tokens;
        this.transactions = transactions;
        this.leases = leases;
        this.scaler = scaler();
    }

    private Pools.Pool pool(int maxRunners, int idleSeconds) {
        return new Pools.Pool(
                name, TestPools.pool("fake", maxRunners, idleSeconds), provider, "isoflop-test-" + name + "-");
    }

    /** A platform that has just started. */
    private PoolScaler scaler() {
        return new PoolScaler(
                launches,
                tokens,
                database,
                transactions,
                new PoolsSettings(
                        Map.of(),
                        new PoolsSettings.Scaling(
                                Duration.ofSeconds(5),
                                Duration.ofSeconds(60),
                                Duration.ofSeconds(20),
                                Duration.ofSeconds(10),
                                Duration.ofMinutes(5))),
                leases);
    }

    private void look() {
        scaler.look(pool, URL, List.of("runner"));
    }

    private long queue() {
        return jdbc.sql("insert into run (name, kind, state, pool) values ('r', 'pretrain', 'queued', ?) returning id")
                .param(name)
                .query(Long.class)
                .single();
    }

    private void emptyQueue() {
        jdbc.sql("update run set state = 'succeeded', finished_at = now() where pool = ?")
                .param(name)
                .update();
    }

    /** The runner of a launch registers, and has done so that long ago. */
    private long register(String key, int secondsAgo) {
        return jdbc.sql("""
                        insert into runner (name, instance, pool, host, pid, version, slots, cores, memory_bytes, registered_at)
                        values (?, 'i', ?, 'h', 1, 'v', 1, 1, 1, now() - make_interval(secs => ?)) returning id
                        """).params(key, name, secondsAgo).query(Long.class).single();
    }

    private void hold(long runner, long run) {
        jdbc.sql("update run set state = 'running', attempt_no = 1 where id = ?")
                .param(run)
                .update();
        jdbc.sql("insert into attempt (run_id, attempt_no, runner_id, state) values (?, 1, ?, 'running')")
                .params(run, runner)
                .update();
        jdbc.sql("insert into lease (run_id, attempt_no, runner_id) values (?, 1, ?)")
                .params(run, runner)
                .update();
    }

    /** Lets time pass for the launches and the provider's failures. */
    private void later(int seconds) {
        jdbc.sql("""
                        update runner_launch set asked_at = asked_at - make_interval(secs => :s),
                            stop_asked_at = stop_asked_at - make_interval(secs => :s),
                            ended_at = ended_at - make_interval(secs => :s) where pool = :pool
                        """).param("s", seconds).param("pool", name).update();
        jdbc.sql("update runner_pool set retry_at = retry_at - make_interval(secs => :s) where pool = :pool")
                .param("s", seconds)
                .param("pool", name)
                .update();
        jdbc.sql("update run set not_before = not_before - make_interval(secs => :s) where pool = :pool")
                .param("s", seconds)
                .param("pool", name)
                .update();
    }

    private List<Launch> all() {
        return launches.latest(name, 100);
    }

    private LaunchStore.Pool state() {
        return launches.pool(name).orElseThrow();
    }

    private String note() {
        return state().note();
    }

    private boolean hasToken(String key) {
        return jdbc.sql("select count(*) from api_token where name = ?")
                        .param("runner " + key)
                        .query(Integer.class)
                        .single()
                > 0;
    }

    // --- up and down

    @Test
    void nothingIsStartedWhileNothingIsQueued() {
        look();
        assertThat(provider.requests).isEmpty();
        assertThat(note()).isEqualTo("No run waits for a runner.");
    }

    @Test
    void oneRunnerIsAskedForForEachQueuedRunUpToTheMost() {
        queue();
        look();
        assertThat(provider.requests).hasSize(1);
        look();
        assertThat(provider.requests).as("the one that is coming has room").hasSize(1);
        assertThat(note()).isEqualTo("1 run waits for runners that are starting.");
        queue();
        queue();
        look();
        look();
        assertThat(provider.requests).hasSize(2);
        assertThat(note()).contains("max-runners");
        assertThat(all()).extracting(Launch::state).containsOnly(State.WAITING);
    }

    @Test
    void aFreshRunIsLeftToAFreeSlotButNotForLong() {
        register(name + "-by-hand", 600);
        queue();
        look();
        assertThat(provider.requests).isEmpty();
        later(30);
        look();
        assertThat(provider.requests).as("the runner there does not take it").hasSize(1);
    }

    @Test
    void aRunThatWaitsForAnotherAsksForNoRunner() {
        long first = queue();
        jdbc.sql("update run set waits_for = ? where id = ?")
                .params(first, queue())
                .update();
        look();
        assertThat(provider.requests).hasSize(1);
    }

    @Test
    void anIdleRunnerIsStoppedAndItsTokenTakenBackOnceItHasEnded() {
        long run = queue();
        look();
        String key = all().getFirst().key();
        assertThat(hasToken(key)).isTrue();
        provider.all(ProvidedRunner.State.RUNNING);
        long runner = register(key, 100);
        hold(runner, run);
        look();
        assertThat(all().getFirst().state()).isEqualTo(State.RUNNING);
        assertThat(all().getFirst().instance()).isEqualTo("i");
        assertThat(provider.stopped).as("it holds a run").isEmpty();

        jdbc.sql("delete from lease where runner_id = ?").param(runner).update();
        emptyQueue();
        look();
        assertThat(provider.stopped).containsExactly(key);
        assertThat(all().getFirst().state()).isEqualTo(State.STOPPING);
        look();
        assertThat(provider.stopped).as("told once").hasSize(1);
        later(61);
        look();
        assertThat(provider.stopped).as("told again after a minute").hasSize(2);
        provider.all(ProvidedRunner.State.ENDED);
        look();
        assertThat(all().getFirst().state()).isEqualTo(State.ENDED);
        assertThat(all().getFirst().reason()).contains("held no run for 60 s");
        assertThat(hasToken(key)).isFalse();
    }

    @Test
    void aRunnerThatStillWaitsWhenTheQueueIsEmptyIsTakenBack() {
        queue();
        look();
        look();
        emptyQueue();
        look();
        assertThat(provider.stopped).isEmpty();
        later(61);
        look();
        assertThat(provider.stopped).hasSize(1);
    }

    @Test
    void runnersThatEndWithoutHavingTakenARunAreNotReplacedAtOnce() {
        queue();
        look();
        provider.all(ProvidedRunner.State.RUNNING);
        look();
        provider.all(ProvidedRunner.State.ENDED);
        look();
        assertThat(provider.requests).hasSize(1);
        assertThat(note()).startsWith("The last runner ended without having taken a run; another is asked for in 10 s");
        later(11);
        look();
        assertThat(provider.requests).hasSize(2);
        provider.all(ProvidedRunner.State.ENDED);
        look();
        later(11);
        look();
        assertThat(provider.requests)
                .as("the second time it takes twice as long")
                .hasSize(2);
        later(10);
        look();
        assertThat(provider.requests).hasSize(3);
    }

    @Test
    void anIdleRunnerThatDoesNotTakeARunIsNoReasonForAnother() {
        queue();
        look();
        provider.all(ProvidedRunner.State.RUNNING);
        register(all().getFirst().key(), 30);
        later(30);
        look();
        assertThat(provider.requests).hasSize(1);
        assertThat(note()).contains("they need what it has not");
    }

    @Test
    void theSlotsOfARunnerThatHasEndedAreNotFreeAnyMore() {
        long run = queue();
        look();
        provider.all(ProvidedRunner.State.RUNNING);
        hold(register(all().getFirst().key(), 100), run);
        look();
        provider.all(ProvidedRunner.State.ENDED);
        jdbc.sql("delete from lease where run_id = ?").param(run).update();
        jdbc.sql("update run set state = 'queued' where id = ?").param(run).update();
        look();
        assertThat(provider.requests)
                .as("although it was heard from a moment ago")
                .hasSize(2);
    }

    @Test
    void programsThatHaveGpusForThemselvesAskForAsManyRunnersAsThatTakes() {
        for (int i = 0; i < 3; i++) {
            queueCommand(1);
        }
        look();
        assertThat(provider.requests).as("runners of this pool have no GPU").isEmpty();
        assertThat(note()).isEqualTo("3 runs wait for more memory or GPUs than a runner of this pool has.");
        queueCommand(4);
        pool = new Pools.Pool(
                name, TestPools.pool("fake", 5, 60, 2, null, List.of(), null), provider, "isoflop-test-" + name + "-");
        look();
        assertThat(provider.requests)
                .as("two programs a runner; nobody has four GPUs")
                .hasSize(2);
        provider.all(ProvidedRunner.State.RUNNING);
        long runner = register(all().getLast().key(), 100);
        jdbc.sql("update runner set slots = 128 where id = ?").param(runner).update();
        for (int i = 0; i < 2; i++) {
            hold(
                    runner,
                    jdbc.sql("select min(id) from run where pool = ? and state = 'queued'")
                            .param(name)
                            .query(Long.class)
                            .single());
        }
        queueCommand(2);
        look();
        assertThat(provider.requests).as("the first has slots left, and no GPU").hasSize(3);
    }

    private void queueCommand(int gpus) {
        jdbc.sql("insert into run (name, kind, gpus, state, pool) values ('r', 'command', ?, 'queued', ?)")
                .params(gpus, name)
                .update();
    }

    // --- crashes and lost answers

    @Test
    void aLostAnswerIsFoundAgainByItsKeyAndNothingIsAskedTwice() {
        queue();
        provider.lostAnswer = ProviderException.noAnswer("timed out");
        look();
        provider.lostAnswer = null;
        assertThat(all()).singleElement().satisfies(l -> {
            assertThat(l.state()).isEqualTo(State.ASKED);
            assertThat(l.externalId()).isNull();
        });
        assertThat(state().error()).isEqualTo("timed out");
        scaler = scaler(); // and the platform was restarted besides
        later(11);
        look();
        assertThat(provider.requests).hasSize(1);
        assertThat(all()).singleElement().satisfies(l -> {
            assertThat(l.state()).isEqualTo(State.WAITING);
            assertThat(l.externalId()).isEqualTo("job-1");
        });
        assertThat(state().error()).isNull();
    }

    @Test
    void aRequestThatNeverArrivedIsGivenUpAfterAWhileAndAnotherMade() {
        queue();
        provider.refusal = ProviderException.noAnswer("timed out");
        look();
        provider.refusal = null;
        later(11);
        look();
        assertThat(provider.requests).as("it may still show up").hasSize(1);
        later(60);
        look();
        assertThat(provider.requests).hasSize(2);
        assertThat(provider.requests.get(0).key())
                .isNotEqualTo(provider.requests.get(1).key());
        assertThat(all().getLast().state()).isEqualTo(State.FAILED);
        assertThat(hasToken(all().getLast().key())).isFalse();
    }

    @Test
    void whatWasGivenUpAndShowsUpAfterAllIsStopped() {
        queue();
        provider.refusal = ProviderException.noAnswer("timed out");
        look();
        provider.refusal = null;
        String key = provider.requests.getFirst().key();
        later(71);
        look();
        provider.put(key, "job-late", ProvidedRunner.State.RUNNING);
        provider.put(key.substring(0, key.length() - 12) + "000000000000", "other", ProvidedRunner.State.RUNNING);
        look();
        assertThat(provider.stopped)
                .as("not the one that this database has never known")
                .containsExactly(key);
    }

    @Test
    void aJobThatVanishedIsFoundOutUnlessItsRunnerIsAtWork() {
        long run = queue();
        look();
        provider.all(ProvidedRunner.State.RUNNING);
        long runner = register(all().getFirst().key(), 10);
        hold(runner, run);
        look();
        provider.runners.clear();
        later(100);
        look();
        assertThat(all().getFirst().state()).as("it is being heard from").isEqualTo(State.RUNNING);
        jdbc.sql("update runner set last_seen = now() - interval '2 minutes' where id = ?")
                .param(runner)
                .update();
        look();
        assertThat(all().getFirst().state()).isEqualTo(State.ENDED);
        assertThat(all().getFirst().reason()).contains("does not know it any more");
    }

    @Test
    void aJobThatWentBackIntoTheQueueIsStillTheSameLaunch() {
        queue();
        look();
        provider.all(ProvidedRunner.State.RUNNING);
        look();
        assertThat(all().getFirst().startedAt()).isNotNull();
        provider.all(ProvidedRunner.State.WAITING);
        look();
        assertThat(all()).singleElement().satisfies(l -> {
            assertThat(l.state()).isEqualTo(State.WAITING);
            assertThat(l.startedAt()).isNull();
        });
    }

    // --- providers that fail

    @Test
    void aProviderThatFailsIsLeftAloneForLongerEachTime() {
        queue();
        provider.listFailure = ProviderException.noAnswer("slurmctld is down");
        look();
        look();
        assertThat(provider.listed).isEqualTo(1);
        assertThat(state().error()).isEqualTo("slurmctld is down");
        later(11);
        look();
        assertThat(provider.listed).isEqualTo(2);
        later(11);
        look();
        assertThat(provider.listed).as("twenty seconds the second time").isEqualTo(2);
        provider.listFailure = null;
        later(10);
        look();
        assertThat(state().error()).isNull();
        assertThat(state().failures()).isZero();
        assertThat(provider.requests).hasSize(1);
    }

    @Test
    void aRefusalIsShownAndItsTokenTakenBack() {
        queue();
        provider.refusal = ProviderException.refused("sbatch: invalid partition");
        look();
        assertThat(all()).singleElement().satisfies(l -> {
            assertThat(l.state()).isEqualTo(State.FAILED);
            assertThat(l.reason()).isEqualTo("sbatch: invalid partition");
            assertThat(hasToken(l.key())).isFalse();
        });
        assertThat(state().error()).contains("invalid partition");
    }

    @Test
    void onlyOnePlatformScalesAPoolAtATime() {
        queue();
        try (PoolLock other = PoolLock.tryTake(database, name).orElseThrow()) {
            assertThat(other.isHeld()).isTrue();
            look();
            assertThat(provider.listed).isZero();
        }
        look();
        assertThat(provider.requests).hasSize(1);
    }

    @Test
    void theTokenIsInNoCommandLine() {
        queue();
        look();
        RunnerRequest request = provider.requests.getFirst();
        assertThat(request.commandLine("/work")).noneMatch(word -> word.contains(request.token()));
        assertThat(request.toString()).doesNotContain(request.token());
        assertThat(request.key()).hasSizeLessThanOrEqualTo(RunnerProvider.LONGEST_KEY);
    }
}
