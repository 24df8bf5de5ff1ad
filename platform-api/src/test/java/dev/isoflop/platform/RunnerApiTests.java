package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.platform.PlatformClient.Reply;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

@PlatformTest
class RunnerApiTests {

    private final PlatformClient client;
    private long runner;

    RunnerApiTests(PlatformClient client) {
        this.client = client;
    }

    @BeforeEach
    void aRunnerWithTwoGpus() {
        Reply reply = client.post("/api/v1/runners", "runner", """
                {"name":"gpu-%s","instance":"1","pool":"gpu","host":"h","pid":1,"version":"0","slots":4,"cores":2,
                 "memoryBytes":1024,"kinds":["pretrain"],"devices":[
                 {"index":0,"name":"NVIDIA H100 80GB HBM3","memoryBytes":85017493504,"pciBusId":"0000:3B:00.0",
                  "multiprocessors":132,"computeCapability":"9.0","cudaVersion":"13.0"},
                 {"index":1,"name":"Old GPU","memoryBytes":1024}]}""".formatted(UUID.randomUUID()));
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        runner = reply.body().path("runnerId").asLong();
    }

    private void heartbeat(String devices) {
        Reply reply = client.post(
                "/api/v1/runners/" + runner + "/heartbeats",
                "runner",
                "{\"instance\":\"1\",\"freeMemoryBytes\":1,\"observed\":[]%s}".formatted(devices));
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
    }

    @Test
    void theRunnersViewHasItsDevicesWithTheirLatestSample() {
        heartbeat("");
        JsonNode before = client.get("/api/v1/runners/" + runner).body();
        assertThat(before.at("/devices/0/multiprocessors").asInt()).isEqualTo(132);
        assertThat(before.at("/devices/0/pciBusId").asString()).isEqualTo("0000:3B:00.0");
        assertThat(before.at("/devices/0/latest").isMissingNode()).isTrue();
        assertThat(before.at("/devices/1").propertyNames()).containsExactlyInAnyOrder("index", "name", "memoryBytes");
        heartbeat(",\"devices\":[{\"index\":0,\"utilisationPercent\":97.5,\"memoryUsedBytes\":17179869184,"
                + "\"powerWatts\":612.25,\"temperatureCelsius\":61,\"smClockMhz\":1980}]");
        JsonNode after = client.get("/api/v1/runners/" + runner).body();
        assertThat(after.at("/devices/0/latest/utilisationPercent").asDouble()).isEqualTo(97.5);
        assertThat(after.at("/devices/0/latest/at").asString()).isNotBlank();
        assertThat(after.at("/devices/1/latest").isMissingNode()).isTrue();
        JsonNode listed = client.get("/api/v1/runners").body();
        assertThat(listed.values()).anySatisfy(one -> {
            assertThat(one.path("id").asLong()).isEqualTo(runner);
            assertThat(one.path("devices")).isEqualTo(after.path("devices"));
        });
    }

    @Test
    void theHistoryOfADeviceComesAsColumns() {
        for (int i = 1; i <= 3; i++) {
            heartbeat(",\"devices\":[{\"index\":0,\"utilisationPercent\":%d.25}]".formatted(i));
        }
        JsonNode series =
                client.get("/api/v1/runners/" + runner + "/devices/0/samples").body();
        assertThat(series.path("times").size()).isEqualTo(3);
        assertThat(series.path("bucketSeconds").asInt()).isZero();
        assertThat(series.path("utilisationPercent").values())
                .extracting(JsonNode::asDouble)
                .containsExactly(1.25, 2.25, 3.25);
        assertThat(series.at("/powerWatts/0").asString()).as("unknown").isEqualTo("NaN");
        assertThat(client.get("/api/v1/runners/" + runner + "/devices/1/samples")
                        .body()
                        .path("times")
                        .size())
                .isZero();
        JsonNode earlier = client.get("/api/v1/runners/" + runner
                        + "/devices/0/samples?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z&maxPoints=100")
                .body();
        assertThat(earlier.path("times").size()).isZero();
        assertThat(earlier.path("bucketSeconds").asInt()).isEqualTo(864);
    }

    @ParameterizedTest
    @CsvSource({
        "/api/v1/runners/999999999, 404",
        "/api/v1/runners/999999999/devices/0/samples, 404",
        "/api/v1/runners/RUNNER/devices/2/samples, 404",
        "/api/v1/runners/RUNNER/devices/0/samples?maxPoints=1, 400",
        "/api/v1/runners/RUNNER/devices/0/samples?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z, 400",
        "/api/v1/runners/RUNNER/devices/0/samples?from=yesterday, 400",
        "/api/v1/runners/RUNNER/devices/x/samples, 400",
    })
    void whatIsNotThereOrMakesNoSenseIsAProblem(String path, int status) {
        Reply reply = client.get(path.replace("RUNNER", String.valueOf(runner)));
        assertThat(reply.status()).as(reply.text()).isEqualTo(status);
        assertThat(reply.code()).isNotBlank();
    }
}
