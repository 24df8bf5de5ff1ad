package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.platform.PlatformClient.Reply;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;

/** What a queued run says of why it waits; six runs in a pool of their own for each test. */
@PlatformTest
class WaitingReasonsApiTests {

    private static final String CORPUS = "waiting.txt";
    private static final long AMPLE = 1L << 40;

    private final PlatformClient client;
    private final JdbcClient jdbc;
    private String pool = "";
    private List<Long> runs = List.of();

    WaitingReasonsApiTests(PlatformClient client, JdbcClient jdbc) {
        this.client = client;
        this.jdbc = jdbc;
    }

    @BeforeEach
    void submitASweep() {
        client.readyDataset(CORPUS, 10_000_000);
        pool = "w" + UUID.randomUUID().toString().substring(0, 8);
        Reply made = client.submitSweep(pool, "waiting", CORPUS, pool, 3, 2);
        assertThat(made.status()).as(made.text()).isEqualTo(201);
        runs = jdbc.sql("select id from run where sweep_id = ? order by id")
                .param(made.body().path("id").asLong())
                .query(Long.class)
                .list();
        assertThat(runs).hasSize(6);
    }

    private JsonNode waiting(int run) {
        Reply reply = client.get("/api/v1/runs/" + runs.get(run));
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        return reply.body().path("waiting");
    }

    private void saysOf(int run, String code, String part) {
        JsonNode waiting = waiting(run);
        assertThat(waiting.path("code").asString()).as(waiting.toString()).isEqualTo(code);
        assertThat(waiting.path("reason").asString()).contains(part);
    }

    private long runner(long memoryBytes) {
        return client.registerRunner("runner-" + pool, pool, memoryBytes);
    }

    @Test
    void withoutARunnerItSaysHowToStartOne() {
        saysOf(0, "no-runner", "isoflop runner --pool " + pool);
        runner(AMPLE);
        jdbc.sql("update runner set last_seen = now() - interval '1 day' where pool = ?")
                .param(pool)
                .update();
        saysOf(0, "no-runner", "No runner of the pool " + pool);
    }

    @Test
    void runnersThatTakeOtherWorkAreNamed() {
        Reply reply = client.post("/api/v1/runners", "runner", """
                {"name":"other-%s","instance":"1","pool":"%s","host":"h","pid":1,"version":"0","slots":4,"cores":2,
                 "memoryBytes":%d,"devices":[],"kinds":["data"]}""".formatted(pool, pool, AMPLE));
        assertThat(reply.status()).isEqualTo(200);
        saysOf(0, "wrong-kind", "None of the 1 runner of the pool " + pool + " takes runs of kind pretrain.");
    }

    @Test
    void aRunThatNoRunnerHoldsSaysWhatItNeedsAndWhatThereIs() {
        runner(1 << 20);
        saysOf(0, "too-large", "the largest runner of the pool " + pool + " that takes such runs has 1 MiB.");
    }

    @Test
    void whoComesBeforeItIsCountedByPriorityThenByAge() {
        runner(AMPLE);
        saysOf(0, "next", "next of its pool");
        saysOf(5, "ahead", "5 runs are before it");
        assertThat(waiting(5).path("ahead").asInt()).isEqualTo(5);
        jdbc.sql("update run set priority = 7 where id = ?").param(runs.get(5)).update();
        saysOf(5, "next", "next of its pool");
        saysOf(0, "ahead", "1 run is before it");
    }

    @Test
    void takenSlotsAreSaidToBeTaken() {
        long runner = runner(AMPLE);
        assertThat(client.claim(runner, 4, "pretrain")).hasSize(4);
        saysOf(4, "busy", "All 4 slots of the 1 runner that could take it are in use; none is before it.");
        saysOf(5, "busy", "1 run is before it");
        assertThat(waiting(0).isMissingNode()).as("a run that is assigned").isTrue();
    }

    @Test
    void aRunThatIsHeldBackSaysUntilWhenAndOneThatDependsOnAnotherOnWhich() {
        runner(AMPLE);
        jdbc.sql("update run set not_before = now() + interval '90 seconds', attempt_no = 2 where id = ?")
                .param(runs.get(0))
                .update();
        saysOf(0, "back-off", "Attempt 2 did not end well");
        assertThat(waiting(0).path("until").asString()).isNotEmpty();
        saysOf(1, "next", "next of its pool");
        jdbc.sql("update run set waits_for = ? where id = ?")
                .param(runs.get(0))
                .param(runs.get(1))
                .update();
        saysOf(1, "dependency", "It waits for run " + runs.get(0));
        saysOf(2, "next", "next of its pool");
    }
}
