package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * {@code docs/openapi.json} is what the platform serves. After a change that is meant, write it anew with
 * {@code ./mvnw -pl platform-api test -Dtest=OpenApiTests -Dopenapi.update=true}, and the dashboard's types with
 * {@code npm run api} in {@code web-ui}.
 */
@PlatformTest
class OpenApiTests {

    private static final Path COMMITTED = Path.of(System.getProperty("isoflop.root"), "docs", "openapi.json");

    private final PlatformClient client;
    private final JsonMapper json = JsonMapper.builder()
            .enable(SerializationFeature.INDENT_OUTPUT)
            .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
            .build();

    OpenApiTests(PlatformClient client) {
        this.client = client;
    }

    @Test
    void theCommittedDescriptionIsWhatIsServed() throws Exception {
        JsonNode served =
                client.send("GET", "/v3/api-docs", null, null, Map.of()).body();
        String text = json.writeValueAsString(json.treeToValue(sorted(served), Object.class)) + "\n";
        if (Boolean.getBoolean("openapi.update")) {
            Files.writeString(COMMITTED, text);
        }
        assertThat(COMMITTED).exists();
        assertThat(text).isEqualTo(Files.readString(COMMITTED));
    }

    @Test
    void everyOperationHasANameOfItsOwnATagAndItsProblems() {
        JsonNode served =
                client.send("GET", "/v3/api-docs", null, null, Map.of()).body();
        List<String> names = new ArrayList<>();
        served.path("paths")
                .properties()
                .forEach(path -> path.getValue().properties().forEach(operation -> {
                    String at = operation.getKey() + " " + path.getKey();
                    JsonNode described = operation.getValue();
                    names.add(described.path("operationId").asString(""));
                    assertThat(described.path("operationId").asString(""))
                            .as(at)
                            .matches("[a-z][A-Za-z]+");
                    assertThat(described.path("tags").size()).as(at).isEqualTo(1);
                    assertThat(described
                                    .at("/responses/default/content/application~1problem+json/schema/$ref")
                                    .asString(""))
                            .as(at)
                            .isEqualTo("#/components/schemas/Problem");
                }));
        assertThat(names).hasSizeGreaterThan(35).doesNotHaveDuplicates();
    }

    @Test
    void everyPathOfTheArchitecturesTableIsServed() {
        JsonNode paths =
                client.send("GET", "/v3/api-docs", null, null, Map.of()).body().path("paths");
        assertThat(paths.propertyNames())
                .contains(
                        "/api/v1/session",
                        "/api/v1/overview",
                        "/api/v1/experiments",
                        "/api/v1/experiments/{id}",
                        "/api/v1/datasets",
                        "/api/v1/datasets/{id}",
                        "/api/v1/sweeps",
                        "/api/v1/sweeps/{id}",
                        "/api/v1/sweeps/{id}/cancellation",
                        "/api/v1/sweeps/{id}/plan",
                        "/api/v1/sweeps/{id}/export.csv",
                        "/api/v1/sweeps/{id}/export.parquet",
                        "/api/v1/sweeps/{id}/fits",
                        "/api/v1/fits/{id}",
                        "/api/v1/runs",
                        "/api/v1/runs/{id}",
                        "/api/v1/runs/{id}/cancellation",
                        "/api/v1/runs/{id}/attempts",
                        "/api/v1/runs/{id}/events",
                        "/api/v1/runs/{id}/checkpoints",
                        "/api/v1/runs/{id}/logs",
                        "/api/v1/runs/{id}/profile",
                        "/api/v1/runs/{id}/metrics",
                        "/api/v1/runs/{id}/metrics/series",
                        "/api/v1/runs/{id}/artifacts/{name}",
                        "/api/v1/pools",
                        "/api/v1/runners",
                        "/api/v1/runners/{id}",
                        "/api/v1/runners/{id}/devices/{index}/samples",
                        "/api/v1/runners/{runnerId}/claims",
                        "/api/v1/runners/{runnerId}/heartbeats",
                        "/api/v1/schedules",
                        "/api/v1/schedules/{id}",
                        "/api/v1/schedules/{id}/pause",
                        "/api/v1/schedules/{id}/resume",
                        "/api/v1/schedules/{id}/fires",
                        "/api/v1/tokens",
                        "/api/v1/tokens/{id}",
                        "/api/v1/stream",
                        "/api/v1/schema/sweep.json",
                        "/api/v1/artifacts/{sha256}");
    }

    @Test
    void schemasRequireWhatTheirRecordsAlwaysHaveAndKeepTypesOfOneNameApart() {
        JsonNode schemas =
                client.send("GET", "/v3/api-docs", null, null, Map.of()).body().at("/components/schemas");
        assertThat(schemas.at("/Run/required").values())
                .extracting(JsonNode::asString)
                .contains("id", "state", "flops", "createdAt")
                .doesNotContain("sweepId", "finalLoss", "finishedAt");
        assertThat(schemas.at("/SweepSpecIsoFlop/allOf/1/required").values())
                .extracting(JsonNode::asString)
                .as("experiment has a default")
                .containsExactlyInAnyOrder("name", "dataset", "models", "budgets");
        assertThat(schemas.at("/JobSpec/discriminator/mapping/pretrain").asString())
                .isEqualTo("#/components/schemas/PretrainSpec");
        assertThat(schemas.at("/Series/properties").propertyNames()).contains("segments");
        assertThat(schemas.at("/MetricBatchSeries/properties").propertyNames()).contains("timesMillis");
        assertThat(schemas.at("/Dataset/properties/detail/$ref").asString())
                .isEqualTo("#/components/schemas/JobResultDataset");
    }

    /** Without the server's address, which is another at every start. */
    private static JsonNode sorted(JsonNode served) {
        var copy = (tools.jackson.databind.node.ObjectNode) served.deepCopy();
        copy.remove("servers");
        var ordered = new TreeMap<String, JsonNode>();
        copy.properties().forEach(entry -> ordered.put(entry.getKey(), entry.getValue()));
        var result = copy.objectNode();
        ordered.forEach(result::set);
        return result;
    }
}
