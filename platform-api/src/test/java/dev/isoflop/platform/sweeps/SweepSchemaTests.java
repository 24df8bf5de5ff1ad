package dev.isoflop.platform.sweeps;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.isoflop.protocol.api.SweepSpec;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The published schema of sweep files says what the platform reads. */
class SweepSchemaTests {

    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final JsonNode TREE = read();
    private static final Schema SCHEMA = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
            .getSchema(TREE);

    private static final String VALID = """
            {"kind":"isoflop","name":"a","dataset":{"corpus":"x"},"models":[{"dModel":16,"layers":2}],
             "budgets":[{"flops":1e11,"batchSequences":2}]}""";

    private static JsonNode read() {
        try (InputStream in = SweepSpec.class.getResourceAsStream("/schema/sweep.schema.json")) {
            return JSON.readTree(in);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void everyFieldOfTheRecordsIsInTheSchemaAndNoOther() {
        compare(TREE.at("/$defs/isoflop"), SweepSpec.IsoFlop.class, "", Set.of("kind"));
        compare(TREE.at("/$defs/command"), SweepSpec.Command.class, "", Set.of("kind"));
        compare(
                TREE.at("/$defs/command/properties/parameters/additionalProperties"),
                SweepSpec.ParameterEntry.class,
                "/parameters/NAME",
                Set.of());
    }

    private static void compare(JsonNode schema, Class<?> type, String at, Set<String> extra) {
        Set<String> fields = new TreeSet<>(extra);
        Arrays.stream(type.getRecordComponents()).map(RecordComponent::getName).forEach(fields::add);
        assertThat(new TreeSet<>(schema.path("properties").propertyNames()))
                .as("fields of " + at)
                .isEqualTo(fields);
        assertThat(schema.path("additionalProperties").asBoolean(true)).as(at).isFalse();
        for (RecordComponent component : type.getRecordComponents()) {
            JsonNode property = schema.path("properties").path(component.getName());
            String where = at + "/" + component.getName();
            assertThat(property.path("description").asString("")).as(where).isNotBlank();
            Class<?> inner = recordIn(component.getGenericType());
            if (inner != null) {
                boolean list = component.getType() == java.util.List.class;
                compare(list ? property.path("items") : property, inner, where, Set.of());
            }
            if (component.getType().isEnum()) {
                assertThat(property.path("enum").values())
                        .extracting(JsonNode::asString)
                        .containsExactlyElementsOf(
                                Arrays.stream(component.getType().getEnumConstants())
                                        .map(c -> ((Enum<?>) c).name())
                                        .toList());
            }
        }
    }

    private static @org.jspecify.annotations.Nullable Class<?> recordIn(Type type) {
        Type inner = type instanceof ParameterizedType list ? list.getActualTypeArguments()[0] : type;
        return inner instanceof Class<?> found && found.isRecord() ? found : null;
    }

    @Test
    void theSmallestSweepIsValid() {
        assertThat(SCHEMA.validate(JSON.readTree(VALID))).isEmpty();
    }

    @Test
    void theSmallestSweepOfCommandsIsValidAndAMisspeltOneIsNot() {
        String small = "{\"kind\":\"command\",\"name\":\"a\",\"command\":[\"true\"]}";
        assertThat(SCHEMA.validate(JSON.readTree(small))).isEmpty();
        assertThat(SCHEMA.validate(JSON.readTree(small.replace("\"command\":[", "\"comand\":["))))
                .isNotEmpty();
        assertThat(SCHEMA.validate(JSON.readTree(small.replace("kind", "kinds"))))
                .isNotEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "a misspelt field     | \"name\"          | \"nam\"",
                "a budget of zero     | 1e11              | 0",
                "a width of a text    | 16                | \"wide\"",
                "no models            | {\"dModel\":16,\"layers\":2} | ''",
                "another kind         | isoflop           | grid",
                "a batch of a half    | \"batchSequences\":2 | \"batchSequences\":0.5",
            })
    void aWrongSweepIsNot(String what, String right, String wrong) {
        String text = VALID.replace(right, wrong);
        assertThat(text).isNotEqualTo(VALID);
        assertThat(SCHEMA.validate(JSON.readTree(text))).as(what).isNotEmpty();
    }

    @Test
    void defaultsInTheSchemaAreValidThemselves() {
        Stream.of("isoflop", "command")
                .map(kind -> TREE.at("/$defs/" + kind + "/properties"))
                .flatMap(properties -> properties.properties().stream())
                .forEach(entry -> {
                    JsonNode property = entry.getValue();
                    if (property.has("default")) {
                        Schema schema = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                                .getSchema(property);
                        assertThat(schema.validate(property.path("default")))
                                .as(entry.getKey())
                                .isEmpty();
                    }
                });
    }
}
