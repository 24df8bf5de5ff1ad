package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.platform.PlatformClient.Reply;
import java.util.List;
import java.util.UUID;
import tools.jackson.databind.JsonNode;

/** Runs of programs in a pool of their own, executed by the test as a runner would. */
final class CommandRuns {

    final String pool = "c" + UUID.randomUUID().toString().substring(0, 8);
    private final PlatformClient client;

    CommandRuns(PlatformClient client) {
        this.client = client;
    }

    /** A runner on the pool's own host, with a GPU of a fixed address; its id. */
    long runner(String name) {
        Reply reply = client.post("/api/v1/runners", "runner", """
                {"name":"%s-%s","instance":"1","pool":"%s","host":"host-%s","pid":1,"version":"0","slots":8,"cores":2,
                 "memoryBytes":1024,"devices":[{"index":0,"name":"GPU","memoryBytes":1,"pciBusId":"0000:01:00.0"}],
                 "kinds":["command"]}""".formatted(pool, name, pool, pool));
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        return reply.body().path("runnerId").asLong();
    }

    /** Claims that many and starts them. */
    List<JsonNode> begin(long runner, int most) {
        List<JsonNode> granted = client.claim(runner, most, "command");
        granted.forEach(one -> assertThat(
                        client.post(attempt(one) + "/start", "runner", "{}").status())
                .isEqualTo(204));
        return granted;
    }

    static String attempt(JsonNode granted) {
        return "/api/v1/runs/%d/attempts/%d"
                .formatted(id(granted), granted.path("attempt").asInt());
    }

    static long id(JsonNode granted) {
        return granted.path("runId").asLong();
    }

    void succeed(JsonNode granted) {
        finish(granted, """
                {"outcome":"SUCCEEDED","result":{"kind":"command","exitCode":0,"metrics":{},"outputs":[],"wallSeconds":1.0}}""");
    }

    void fail(JsonNode granted, String message) {
        finish(granted, """
                {"outcome":"FAILED","failure":{"category":"USER","code":"command-failed","message":"%s","exitCode":3}}""".formatted(message));
    }

    private void finish(JsonNode granted, String report) {
        Reply reply = client.post(attempt(granted) + "/finish", "runner", report);
        assertThat(reply.status()).as(reply.text()).isEqualTo(204);
    }
}
