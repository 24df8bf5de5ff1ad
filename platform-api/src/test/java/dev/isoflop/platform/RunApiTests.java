package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.platform.PlatformClient.Reply;
import dev.isoflop.platform.orchestration.CancelRuns;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.TransactionStatus;
import tools.jackson.databind.JsonNode;

/** A sweep of its own for each test, its runs in a pool of their own. */
@PlatformTest
class RunApiTests {

    private static final String CORPUS = "runs.txt";

    private final PlatformClient client;
    private final JdbcClient jdbc;
    private final PlatformTransactionManager transactions;
    private final CancelRuns cancelRuns;
    private String pool = "";
    private long sweep;

    RunApiTests(
            PlatformClient client, JdbcClient jdbc, PlatformTransactionManager transactions, CancelRuns cancelRuns) {
        this.client = client;
        this.jdbc = jdbc;
        this.transactions = transactions;
        this.cancelRuns = cancelRuns;
    }

    @BeforeEach
    void submitASweep() {
        client.readyDataset(CORPUS, 10_000_000);
        pool = "p" + UUID.randomUUID().toString().substring(0, 8);
        Reply made = client.submitSweep(pool, "runs", CORPUS, pool, 3, 2);
        assertThat(made.status()).as(made.text()).isEqualTo(201);
        sweep = made.body().path("id").asLong();
    }

    private List<JsonNode> all(String query) {
        List<JsonNode> runs = new ArrayList<>();
        String after = "";
        do {
            Reply page = client.get("/api/v1/runs?sweep=" + sweep + query + after);
            assertThat(page.status()).as(page.text()).isEqualTo(200);
            runs.addAll(page.body().path("items").values());
            after = page.body().hasNonNull("next") ? "&after=" + page.at("/next") : "";
        } while (!after.isEmpty() && runs.size() < 10_000);
        return runs;
    }

    /** Claims a run and begins it. Returns its attempt's path. */
    private String begin() {
        long runner = client.registerRunner("runner-" + pool, pool, 1L << 34);
        JsonNode assignment = client.claim(runner, 1, "pretrain").getFirst();
        String attempt = "/api/v1/runs/%d/attempts/%d"
                .formatted(
                        assignment.path("runId").asLong(),
                        assignment.path("attempt").asInt());
        assertThat(client.post(attempt + "/start", "runner", "{}").status()).isEqualTo(204);
        return attempt;
    }

    @Test
    void filtersNarrowTheList() {
        String attempt = begin();
        long running = Long.parseLong(attempt.split("/")[4]);
        assertThat(all("&state=running")).extracting(r -> r.path("id").asLong()).containsExactly(running);
        assertThat(all("&state=running&state=queued")).hasSize(6);
        assertThat(all("&kind=data")).isEmpty();
        assertThat(all("&q=d16"))
                .hasSize(2)
                .allSatisfy(r -> assertThat(r.path("name").asString()).contains("d16"));
        assertThat(all("&q=D16-")).as("in any case").hasSize(2);
        assertThat(all("&q=6-")).as("two letters").hasSize(2);
        assertThat(all("&q=" + "%25")).as("a per cent sign is no wildcard").isEmpty();
        assertThat(all("&q=d16_s")).as("nor is an underscore").isEmpty();
        assertThat(all("&q=d16%5C")).as("a backslash is itself").isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "id",
                "-id",
                "parameters",
                "-tokens",
                "name",
                "-name",
                "finalLoss",
                "-trainLoss",
                "startedAt",
                "-startedAt",
                "-finishedAt",
                "createdAt",
                "sweep",
                "budget"
            })
    void everyOrderIsTotalAndItsPagesJoin(String sort) {
        begin();
        List<Long> whole =
                all("&sort=" + sort).stream().map(r -> r.path("id").asLong()).toList();
        List<Long> paged = all("&limit=2&sort=" + sort).stream()
                .map(r -> r.path("id").asLong())
                .toList();
        assertThat(paged).isEqualTo(whole).hasSize(6).doesNotHaveDuplicates();
    }

    @Test
    void ordersByTheFieldAsked() {
        assertThat(all("&sort=-parameters"))
                .extracting(r -> r.path("parameters").asLong())
                .isSortedAccordingTo(Comparator.reverseOrder());
        assertThat(all("&sort=tokens"))
                .extracting(r -> r.path("tokens").asLong())
                .isSorted();
    }

    @Test
    void aCursorOfAnotherOrderIsRefused() {
        String next =
                client.get("/api/v1/runs?limit=1&sort=tokens&sweep=" + sweep).at("/next");
        Reply reply = client.get("/api/v1/runs?limit=1&sort=-name&after=" + next);
        assertThat(reply.status()).as(reply.text()).isEqualTo(400);
    }

    @Test
    void aRunTellsItsStory() {
        String attempt = begin();
        String run = attempt.substring(0, attempt.indexOf("/attempts"));
        assertThat(client.post(attempt + "/logs", "runner", """
                {"firstSeq":0,"lines":[{"timeMillis":1000,"level":"INFO","text":"one"},
                 {"timeMillis":2000,"level":"WARN","text":"two"}]}""").status()).isEqualTo(204);
        assertThat(client.post(attempt + "/metrics", "runner", """
                {"seq":0,"series":[{"metric":"train/loss","steps":[1,2],"values":[3.5,3.25],"timesMillis":[1,2]}]}""").status()).isEqualTo(200);
        assertThat(client.post(attempt + "/finish", "runner", """
                {"outcome":"FAILED","failure":{"category":"OUT_OF_MEMORY","code":"out-of-memory","message":"Too large."}}""").status()).isEqualTo(204);

        Reply detail = client.get(run);
        assertThat(detail.at("/run/state")).isEqualTo("failed");
        assertThat(detail.at("/run/failure/code")).isEqualTo("out-of-memory");
        assertThat(detail.at("/run/sweep")).isEqualTo(pool);
        assertThat(detail.at("/retriesLeft/infrastructure")).isEqualTo("10");
        assertThat(detail.header("ETag")).isNotNull();
        assertThat(client.get(run + "/events").body().values())
                .extracting(e -> e.path("to").asString())
                .containsExactly("queued", "assigned", "running", "failed");
        assertThat(client.get(run + "/attempts").at("/0/runner")).isEqualTo("runner-" + pool);
        Reply firstLine = client.get(run + "/logs?limit=1");
        assertThat(firstLine.at("/items/0/text")).isEqualTo("one");
        Reply secondLine = client.get(run + "/logs?limit=1&after=" + firstLine.at("/next"));
        assertThat(secondLine.at("/items/0/text")).isEqualTo("two");
        assertThat(client.get(run + "/checkpoints").body().size()).isZero();
        assertThat(client.get(run + "/metrics").at("/0/metric")).isEqualTo("train/loss");
    }

    @Test
    void aCancellationNeedsTheVersionSeen() {
        long id = all("").getFirst().path("id").asLong();
        String path = "/api/v1/runs/" + id;
        assertThat(client.post(path + "/cancellation", "submit", "{}").status()).isEqualTo(428);
        assertThat(cancel(path, "\"77\"").status()).isEqualTo(412);
        String tag = String.valueOf(client.get(path).header("ETag"));
        Reply cancelled = cancel(path, tag);
        assertThat(cancelled.status()).as(cancelled.text()).isEqualTo(200);
        assertThat(cancelled.at("/state")).isEqualTo("cancelled");
    }

    private Reply cancel(String path, String tag) {
        return client.send("POST", path + "/cancellation", client.token("submit"), null, Map.of("If-Match", tag));
    }

    // The live stream.

    private record Event(@Nullable String id, String name, JsonNode data) {}

    private BlockingQueue<Event> listen(String topics, @Nullable String lastEventId) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(client.uri("/api/v1/stream?topics=" + topics))
                .header("Authorization", "Bearer " + client.token("read"))
                .timeout(Duration.ofSeconds(10));
        if (lastEventId != null) {
            request.header("Last-Event-ID", lastEventId);
        }
        var response = client.http().send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.headers().firstValue("Content-Type").orElse("")).startsWith("text/event-stream");
        BlockingQueue<Event> events = new LinkedBlockingQueue<>();
        Thread.ofVirtual().start(() -> {
            try (var lines = new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
                String id = null;
                String name = "";
                StringBuilder data = new StringBuilder();
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    if (line.startsWith("id:")) {
                        id = line.substring(3).strip();
                    } else if (line.startsWith("event:")) {
                        name = line.substring(6).strip();
                    } else if (line.startsWith("data:")) {
                        data.append(line.substring(5));
                    } else if (line.isEmpty() && !data.isEmpty()) {
                        events.add(new Event(
                                id,
                                name,
                                tools.jackson.databind.json.JsonMapper.shared().readTree(data.toString())));
                        id = null;
                        data.setLength(0);
                    }
                }
            } catch (IOException e) {
                // The test is over.
            }
        });
        return events;
    }

    /** @param name of the event, or the state that a transition leads to */
    private static Event next(BlockingQueue<Event> events, String name) throws InterruptedException {
        for (Event event = events.poll(8, TimeUnit.SECONDS); event != null; event = events.poll(8, TimeUnit.SECONDS)) {
            if (event.name().equals(name)
                    || event.data().path("to").asString("").equals(name)) {
                return event;
            }
        }
        throw new AssertionError("no " + name + " in time");
    }

    @Test
    void theStreamTellsTransitionsAndProgressAndResumesAfterABreak() throws Exception {
        BlockingQueue<Event> live = listen("sweep:" + sweep, null);
        String attempt = begin();
        Event assigned = next(live, "transition");
        while (assigned.data().path("to").asString().equals("queued")) {
            assigned = next(live, "transition"); // Published a moment after the submission was answered.
        }
        assertThat(assigned.data().path("to").asString()).isEqualTo("assigned");
        Event running = next(live, "transition");
        assertThat(running.data().path("to").asString()).isEqualTo("running");
        assertThat(running.id()).isEqualTo(running.data().path("id").asString());

        client.post(attempt + "/metrics", "runner", """
                {"seq":0,"series":[{"metric":"train/loss","steps":[10],"values":[3.5],"timesMillis":[1]}]}""");
        Event progress = next(live, "progress");
        assertThat(progress.data().at("/0/trainLoss").asDouble()).isEqualTo(3.5);
        assertThat(progress.data().at("/0/step").asLong()).isEqualTo(10);
        assertThat(progress.data().at("/0/doneTokens").asLong()).isEqualTo(2560);

        BlockingQueue<Event> resumed = listen("sweep:" + sweep, assigned.id());
        Event replayed = next(resumed, "transition");
        assertThat(replayed.id()).isEqualTo(running.id());
        assertThat(replayed.data()).isEqualTo(running.data());
    }

    @Test
    void anEventCommittedLateWithASmallerIdIsReplayed() throws Exception {
        List<Long> runs =
                all("&sort=id").stream().map(r -> r.path("id").asLong()).toList();
        long late = runs.get(0);
        long early = runs.get(1);
        BlockingQueue<Event> live = listen("run:" + early + ",run:" + late, null);
        // this thread's transaction writes its event and stays open while another writes and commits
        TransactionStatus open = transactions.getTransaction(TransactionDefinition.withDefaults());
        cancelRuns.cancel(late, null);
        long lateId = jdbc.sql("select max(id) from run_event where run_id = ?")
                .param(late)
                .query(Long.class)
                .single();
        assertThat(cancel("/api/v1/runs/" + early, "*").status()).isEqualTo(200);
        Event seen = next(live, "cancelled");
        transactions.commit(open);

        assertThat(Long.parseLong(String.valueOf(seen.id())))
                .as("the ids are not in the order of the commits")
                .isGreaterThan(lateId);
        Event replayed = next(listen("run:" + late, seen.id()), "cancelled");
        assertThat(replayed.id()).isEqualTo(Long.toString(lateId));
        assertThat(next(live, "cancelled").id())
                .as("and a client that stayed heard of it after its commit")
                .isEqualTo(Long.toString(lateId));

        // whoever has seen the late one last is told the other again, and knows it by its id
        assertThat(next(listen("run:" + early, Long.toString(lateId)), "cancelled")
                        .id())
                .isEqualTo(seen.id());
    }

    @Test
    void whatWasSeenOfTransactionsLongOverIsNotRepeated() throws Exception {
        List<Long> runs =
                all("&sort=id").stream().map(r -> r.path("id").asLong()).toList();
        cancel("/api/v1/runs/" + runs.get(0), "*");
        cancel("/api/v1/runs/" + runs.get(1), "*");
        String first = jdbc.sql("select max(id) from run_event where run_id = ?")
                .param(runs.get(0))
                .query(Long.class)
                .single()
                .toString();
        // the submission of the same runs came before: a replay from the first cancellation begins with the second
        Event event = next(listen("sweep:" + sweep, first), "transition");
        assertThat(event.data().path("runId").asLong()).isEqualTo(runs.get(1));
        assertThat(event.data().path("to").asString()).isEqualTo("cancelled");
    }

    @Test
    void aReplayIsWholeHoweverMuchWasMissed() throws Exception {
        long run = all("").getFirst().path("id").asLong();
        long first = jdbc.sql("select max(id) from run_event where run_id = ?")
                .param(run)
                .query(Long.class)
                .single();
        int missed = 12_345;
        jdbc.sql("""
                        insert into run_event (run_id, sweep_id, from_state, to_state, attempt_no, cause)
                        select :run, :sweep, 'running', 'suspect', 1, 'missed ' || n from generate_series(1, :missed) n
                        """)
                .param("run", run)
                .param("sweep", sweep)
                .param("missed", missed)
                .update();
        BlockingQueue<Event> events = listen("run:" + run, Long.toString(first));
        for (int i = 1; i <= missed; i++) {
            assertThat(next(events, "transition").data().path("cause").asString())
                    .isEqualTo("missed " + i);
        }
    }

    @Test
    void theStreamTellsOnlyWhatWasAskedFor() throws Exception {
        List<JsonNode> runs = all("&sort=id");
        assertThat(runs).hasSize(6);
        long other = runs.getLast().path("id").asLong();
        BlockingQueue<Event> live = listen("run:" + other, null);
        begin(); // The first of the queue, not the last.
        cancel("/api/v1/runs/" + other, "*");
        assertThat(next(live, "transition").data().path("runId").asLong()).isEqualTo(other);
    }
}
