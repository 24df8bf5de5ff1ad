package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.platform.PlatformClient.Reply;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Where a run's time goes: told by its attempt, read by whoever looks at the run. */
@PlatformTest
class RunProfileApiTests {

    private static final String PROFILE = """
            {"step":20,"tokensPerStep":16384,"flopsPerToken":2.17e8,"device":"NVIDIA H100 80GB HBM3","precision":"BF16",
             "lanes":4,"runs":3,"datasheet":{"flops":9.894e14,"bytesPerSecond":3.35e12},
             "measured":{"flops":7.9e14,"bytesPerSecond":2.9e12},
             "memory":{"parameters":204,"gradients":136,"optimizer":272,"activations":4000},
             "operations":[{"name":"attention backward","count":8,"micros":1139,"flops":1.72e11,"bytes":7e8},
                           {"name":"adamw","count":1,"micros":520,"flops":4e8,"bytes":1e9}]}""";

    private final PlatformClient client;
    private final String pool = "p" + UUID.randomUUID().toString().substring(0, 8);
    private String attempt = "";
    private String run = "";

    RunProfileApiTests(PlatformClient client) {
        this.client = client;
    }

    @BeforeEach
    void beginARun() {
        String corpus = pool + ".txt";
        client.readyDataset(corpus, 10_000_000);
        Reply made = client.post("/api/v1/sweeps", "submit", """
                {"kind":"isoflop","name":"%s","experiment":"profiles","dataset":{"corpus":"%s"},"pool":"%s",
                 "models":[{"dModel":12,"layers":2,"heads":2},{"dModel":16,"layers":2,"heads":2},{"dModel":24,"layers":2,"heads":2}],
                 "budgets":[{"flops":3e10,"batchSequences":2}]}""".formatted(pool, corpus, pool));
        assertThat(made.status()).as(made.text()).isEqualTo(201);
        begin();
    }

    private void begin() {
        long runner = client.registerRunner("runner-" + UUID.randomUUID(), pool, 1L << 34);
        JsonNode assignment = client.claim(runner, 1, "pretrain").getFirst();
        run = "/api/v1/runs/" + assignment.path("runId").asLong();
        attempt = run + "/attempts/" + assignment.path("attempt").asInt();
        assertThat(client.post(attempt + "/start", "runner", "{}").status()).isEqualTo(204);
    }

    private Reply put(String body) {
        return client.send("PUT", attempt + "/profile", client.token("runner"), body, Map.of());
    }

    @Test
    void whatAnAttemptToldIsAnsweredAsItIs() {
        Reply none = client.get(run + "/profile");
        assertThat(none.status()).isEqualTo(404);
        assertThat(none.code()).isEqualTo("not-found");
        Reply told = put(PROFILE);
        assertThat(told.status()).as(told.text()).isEqualTo(204);
        Reply answer = client.get(run + "/profile");
        assertThat(answer.status()).as(answer.text()).isEqualTo(200);
        assertThat(answer.at("/attempt")).isEqualTo("1");
        assertThat(answer.at("/at")).isNotBlank();
        JsonNode profile = answer.body().path("profile");
        assertThat(profile).isEqualTo(numbers(PROFILE));
        assertThat(client.get("/api/v1/runs/999999999/profile").status()).isEqualTo(404);
    }

    /** As the platform writes numbers. */
    private static JsonNode numbers(String text) {
        JsonMapper json = JsonMapper.shared();
        return json.readTree(
                json.writeValueAsString(json.readValue(text, dev.isoflop.protocol.runner.RunProfile.class)));
    }

    @Test
    void theNewestProfileCountsAndOneWithoutPeaksIsFine() {
        put(PROFILE);
        Reply again = put("""
                {"step":40,"tokensPerStep":256,"flopsPerToken":1e5,"device":"a CPU, 2 threads","precision":"FP32","lanes":1,
                 "runs":1,"memory":{"parameters":1,"gradients":1,"optimizer":2,"activations":9},"operations":[]}""");
        assertThat(again.status()).as(again.text()).isEqualTo(204);
        JsonNode profile = client.get(run + "/profile").body().path("profile");
        assertThat(profile.path("step").asInt()).isEqualTo(40);
        assertThat(profile.has("measured")).isFalse();
        assertThat(client.post(attempt + "/finish", "runner", "{\"outcome\":\"PREEMPTED\"}")
                        .status())
                .isEqualTo(204);
        assertThat(put(PROFILE).code()).isEqualTo("stale-attempt");
        assertThat(client.get(run + "/profile").body().path("profile")).isEqualTo(profile);
    }

    @Test
    void onlyARunnerMayTell() {
        for (String scope : new String[] {"read", "submit"}) {
            Reply reply = client.send("PUT", attempt + "/profile", client.token(scope), PROFILE, Map.of());
            assertThat(reply.code()).as(scope).isEqualTo("forbidden");
        }
    }

    @ParameterizedTest(name = "{2}")
    @CsvSource(
            delimiter = '|',
            value = {
                "'\"step\":20'           | '\"step\":-1'                | /step",
                "'\"tokensPerStep\":16384' | '\"tokensPerStep\":0'       | /tokensPerStep",
                "'2.17e8'                | '\"NaN\"'                    | /flopsPerToken",
                "'NVIDIA H100 80GB HBM3' | ' '                          | /device",
                "'\"runs\":3'            | '\"runs\":5'                 | /runs",
                "'\"lanes\":4'           | '\"lanes\":0'                | /lanes",
                "'9.894e14'              | '0'                          | /datasheet/flops",
                "'2.9e12'                | '\"Infinity\"'               | /measured/bytesPerSecond",
                "'\"gradients\":136'     | '\"gradients\":-136'         | /memory/gradients",
                "'attention backward'    | 'a\\u0000b'                 | /operations/0/name",
                "'\"count\":1,'          | '\"count\":0,'               | /operations/1/count",
                "'520'                   | '\"Infinity\"'               | /operations/1/micros",
                "'1.72e11'               | '-1'                         | /operations/0/flops",
                "'7e8}'                  | '\"NaN\"}'                   | /operations/0/bytes",
            })
    void whatMakesNoSenseIsRefusedByItsPlace(String good, String bad, String pointer) {
        assertThat(PROFILE).contains(good);
        Reply reply = put(PROFILE.replace(good, bad));
        assertThat(reply.status()).as(reply.text()).isEqualTo(400);
        assertThat(reply.at("/errors/0/pointer")).as(reply.text()).isEqualTo(pointer);
        assertThat(client.get(run + "/profile").status()).isEqualTo(404);
    }

    @Test
    void absentPartsAndTooManyOperationsAreRefused() {
        assertThat(put("{}").status()).isEqualTo(400);
        assertThat(put(PROFILE.replace("\"memory\"", "\"memories\"")).status()).isEqualTo(400);
        String many = IntStream.range(0, 201)
                .mapToObj(i -> "{\"name\":\"%d\",\"count\":1,\"micros\":1,\"flops\":1,\"bytes\":1}".formatted(i))
                .collect(Collectors.joining(",", "[", "]"));
        String body = PROFILE.substring(0, PROFILE.indexOf("\"operations\"")) + "\"operations\":" + many + "}";
        Reply reply = put(body);
        assertThat(reply.status()).isEqualTo(400);
        assertThat(reply.at("/errors/0/pointer")).isEqualTo("/operations");
    }
}
