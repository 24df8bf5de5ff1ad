package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.platform.PlatformClient.Reply;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;

/** Budgets over REST: who may set them, what they refuse, and what the ledger says. */
@PlatformTest
class ExperimentApiTests {

    private static final String CORPUS = "budget.txt";

    private final PlatformClient client;
    private final JdbcClient jdbc;
    private final String name = "x" + UUID.randomUUID().toString().substring(0, 8);

    ExperimentApiTests(PlatformClient client, JdbcClient jdbc) {
        this.client = client;
        this.jdbc = jdbc;
    }

    @BeforeEach
    void prepareDataset() {
        client.readyDataset(CORPUS, 10_000_000);
    }

    /** Six runs; what they plan together is in the answer. */
    private Reply submit(String sweep) {
        return client.submitSweep(sweep, name, CORPUS, name, 3, 2);
    }

    private Reply budget(String scope, @Nullable String ifMatch, String body) {
        return client.send(
                "PUT",
                "/api/v1/experiments/" + id() + "/budget",
                client.token(scope),
                body,
                ifMatch == null ? Map.of() : Map.of("If-Match", ifMatch));
    }

    private long id() {
        return jdbc.sql("select id from experiment where name = ?")
                .param(name)
                .query(Long.class)
                .single();
    }

    private JsonNode ledger() {
        Reply reply = client.get("/api/v1/experiments/" + id() + "/ledger");
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        return reply.body();
    }

    @Test
    void aBudgetRefusesTheSweepThatWouldBreakItAndSaysByHowMuch() {
        Reply first = submit("first");
        assertThat(first.status()).as(first.text()).isEqualTo(201);
        double planned = first.body().path("plannedFlops").asDouble();
        assertThat(ledger().path("committedFlops").asDouble())
                .isCloseTo(planned, org.assertj.core.data.Percentage.withPercentage(1e-6));
        Reply set = budget("admin", "\"0\"", "{\"flops\":%s}".formatted(planned * 1.5));
        assertThat(set.status()).as(set.text()).isEqualTo(200);
        assertThat(set.header("ETag")).isEqualTo("\"1\"");
        Reply refused = submit("second");
        assertThat(refused.status()).isEqualTo(422);
        assertThat(refused.code()).isEqualTo("budget-exceeded");
        assertThat(refused.body().path("detail").asString()).contains("The sweep plans", "left of its");
        assertThat(jdbc.sql("select count(*) from sweep where experiment_id = ?")
                        .param(id())
                        .query(Integer.class)
                        .single())
                .as("nothing half written")
                .isEqualTo(1);
        assertThat(budget("admin", "*", "{\"flops\":%s}".formatted(planned * 2)).status())
                .isEqualTo(200);
        assertThat(submit("second").status()).isEqualTo(201);
        assertThat(budget("admin", "*", "{}").status()).isEqualTo(200);
        assertThat(client.get("/api/v1/experiments/" + id()).body().has("flopBudget"))
                .isFalse();
        assertThat(submit("third").status()).isEqualTo(201);
    }

    @Test
    void onlyAdministratorsSetBudgetsAndOnlyOnWhatTheyHaveSeen() {
        submit("s");
        assertThat(budget("submit", "*", "{\"flops\":1e20}").status()).isEqualTo(403);
        assertThat(budget("read", "*", "{\"flops\":1e20}").status()).isEqualTo(403);
        assertThat(budget("admin", null, "{\"flops\":1e20}").code()).isEqualTo("if-match-missing");
        assertThat(budget("admin", "\"7\"", "{\"flops\":1e20}").code()).isEqualTo("etag-mismatch");
        Reply wrong = budget("admin", "*", "{\"flops\":-1,\"gpuHours\":0,\"weight\":0}");
        assertThat(wrong.status()).isEqualTo(400);
        assertThat(wrong.body().path("errors"))
                .extracting(e -> e.path("pointer").asString())
                .containsExactly("/flops", "/gpuHours", "/weight");
        assertThat(budget("admin", "*", "{\"flop\":1e20}").status())
                .as("a name that is not there")
                .isEqualTo(400);
        JsonNode unchanged = client.get("/api/v1/experiments/" + id()).body();
        assertThat(unchanged.path("version").asLong()).isZero();
        assertThat(unchanged.path("weight").asDouble()).isEqualTo(1);
    }

    @Test
    void aRunThatTheBudgetHoldsBackSaysSoAndOneThatWaitsForOthersSaysForWhom() {
        submit("s");
        List<Long> runs = jdbc.sql("select id from run where experiment_id = ? order by id")
                .param(id())
                .query(Long.class)
                .list();
        long runner = client.registerRunner("runner-" + name, name, 1L << 40);
        assertThat(budget("admin", "*", "{\"flops\":1}").status()).isEqualTo(200);
        saysOf(runs.getFirst(), "budget", "leaves 1");
        assertThat(client.claim(runner, 4, "pretrain")).isEmpty();
        assertThat(budget("admin", "*", "{}").status()).isEqualTo(200);
        assertThat(client.claim(runner, 1, "pretrain")).hasSize(1);
        // another experiment, in the same pool, which has had nothing
        Reply other = client.submitSweep(name, "other-" + name, CORPUS, name, 3, 1);
        assertThat(other.status()).as(other.text()).isEqualTo(201);
        saysOf(runs.get(1), "fair-share", "another with less for its weight comes first");
        jdbc.sql("insert into reservation (run_id, runner_id, until) values (?, ?, now() + interval '1 minute')")
                .param(runs.get(1))
                .param(runner)
                .update();
        saysOf(runs.get(1), "room", "is being emptied for it");
        saysOf(runs.get(2), "room", "is being emptied for run " + runs.get(1));
    }

    private void saysOf(long run, String code, String part) {
        JsonNode waiting = client.get("/api/v1/runs/" + run).body().path("waiting");
        assertThat(waiting.path("code").asString()).as(waiting.toString()).isEqualTo(code);
        assertThat(waiting.path("reason").asString()).contains(part);
    }

    @Test
    void theLedgerOfAnExperimentThatIsNotThereIsNotFound() {
        assertThat(client.get("/api/v1/experiments/999999/ledger").status()).isEqualTo(404);
    }
}
