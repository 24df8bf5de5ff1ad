package dev.isoflop.cli.sweepfile;

import com.networknt.schema.Error;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.isoflop.cli.sweepfile.SweepFileException.Complaint;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** A sweep file checked against the schema that {@code GET /api/v1/schema/sweep.json} publishes. */
public final class SweepFile {

    static final String SCHEMA = "/schema/sweep.schema.json";

    private static final long MAX_BYTES = 1 << 20;

    private SweepFile() {}

    /**
     * Reads and checks a file.
     *
     * @throws SweepFileException with every complaint at once
     * @throws IOException if the file cannot be read
     */
    public static ObjectNode read(Path file) throws IOException, SweepFileException {
        if (Files.size(file) > MAX_BYTES) {
            throw new SweepFileException(
                    List.of(new Complaint(0, "", "larger than 1 MiB, which no sweep file needs to be")));
        }
        return parse(Files.readString(file));
    }

    /** As {@link #read}, for text already at hand. */
    public static ObjectNode parse(String text) throws SweepFileException {
        LocatedYaml yaml = LocatedYaml.parse(text);
        JsonNode schemaTree = schema();
        Schema schema = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                .getSchema(schemaTree);
        List<Complaint> complaints = new ArrayList<>();
        for (Error error : withoutConsequences(schema.validate(yaml.tree()))) {
            complaints.add(explain(error, yaml, schemaTree));
        }
        if (!complaints.isEmpty()) {
            complaints.sort(java.util.Comparator.comparingInt(Complaint::line));
            throw new SweepFileException(complaints);
        }
        if (!(yaml.tree() instanceof ObjectNode object)) {
            throw new SweepFileException(List.of(new Complaint(1, "", "expected fields, such as name and budgets")));
        }
        return object;
    }

    static JsonNode schema() {
        try (InputStream in = SweepFile.class.getResourceAsStream(SCHEMA)) {
            if (in == null) {
                throw new IllegalStateException("the schema of sweep files is missing from this build");
            }
            return JsonMapper.shared().readTree(in);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    /** Drops what only repeats another error: that a combination of schemas failed of which a part has already spoken. */
    private static List<Error> withoutConsequences(List<Error> errors) {
        Set<String> combining = Set.of("oneOf", "anyOf", "allOf", "if");
        List<Error> leaves =
                errors.stream().filter(e -> !combining.contains(e.getKeyword())).toList();
        return leaves.isEmpty() ? errors : leaves;
    }

    private static Complaint explain(Error error, LocatedYaml yaml, JsonNode schema) {
        String at = error.getInstanceLocation().toString();
        String pointer = at.startsWith("$") || at.equals("/") ? "" : at;
        String property = error.getProperty();
        String keyword = String.valueOf(error.getKeyword());
        if ((keyword.equals("additionalProperties") || keyword.equals("unevaluatedProperties")) && property != null) {
            String field = pointer + "/" + property;
            Set<String> known = fieldNames(schema, error);
            String nearest = NearestName.of(property, known)
                    .map(n -> "; did you mean " + n + "?")
                    .orElse(known.isEmpty() ? "" : "; expected one of " + String.join(", ", known));
            return new Complaint(yaml.line(field), field, "unknown field" + nearest);
        }
        JsonNode value = yaml.tree().at(pointer);
        JsonNode wanted = error.getSchemaNode();
        return switch (keyword) {
            case "required" ->
                new Complaint(
                        yaml.line(pointer), pointer + "/" + property, "missing" + description(schema, error, property));
            case "enum" -> {
                List<String> allowed = new ArrayList<>();
                if (wanted != null) {
                    wanted.forEach(v -> allowed.add(v.asString()));
                }
                String nearest = NearestName.of(value.asString(""), allowed)
                        .map(n -> "; did you mean " + n + "?")
                        .orElse("");
                yield new Complaint(
                        yaml.line(pointer),
                        pointer,
                        "is " + show(value) + ", expected one of " + String.join(", ", allowed) + nearest);
            }
            case "type" ->
                new Complaint(yaml.line(pointer), pointer, "is " + show(value) + ", expected " + types(wanted));
            case "minimum" -> bound(yaml, pointer, value, "at least " + text(wanted));
            case "maximum" -> bound(yaml, pointer, value, "at most " + text(wanted));
            case "exclusiveMinimum" -> bound(yaml, pointer, value, "more than " + text(wanted));
            case "exclusiveMaximum" -> bound(yaml, pointer, value, "less than " + text(wanted));
            case "minItems" ->
                new Complaint(
                        yaml.line(pointer),
                        pointer,
                        "has " + value.size() + " entries, expected at least " + text(wanted));
            case "const" -> bound(yaml, pointer, value, text(wanted));
            default -> new Complaint(yaml.line(pointer), pointer, String.valueOf(error.getMessage()));
        };
    }

    private static Complaint bound(LocatedYaml yaml, String pointer, JsonNode value, String expected) {
        return new Complaint(yaml.line(pointer), pointer, "is " + show(value) + ", expected " + expected);
    }

    /** Names the schema object around the failed keyword lists. */
    private static Set<String> fieldNames(JsonNode schema, Error error) {
        Set<String> names = new LinkedHashSet<>();
        enclosing(schema, error).path("properties").propertyNames().forEach(names::add);
        return names;
    }

    private static String description(JsonNode schema, Error error, @Nullable String property) {
        JsonNode text = enclosing(schema, error)
                .path("properties")
                .path(property == null ? "" : property)
                .path("description");
        return text.isString() ? "; expected: " + text.asString() : "";
    }

    private static JsonNode enclosing(JsonNode schema, Error error) {
        String location = error.getSchemaLocation().toString();
        String fragment = location.substring(location.indexOf('#') + 1);
        int last = fragment.lastIndexOf('/');
        return schema.at(last <= 0 ? "" : fragment.substring(0, last));
    }

    private static String types(@Nullable JsonNode wanted) {
        if (wanted != null && wanted.isArray()) {
            return wanted.valueStream().map(SweepFile::type).collect(Collectors.joining(" or "));
        }
        return type(wanted);
    }

    private static String type(@Nullable JsonNode wanted) {
        return switch (wanted == null ? "" : wanted.asString("")) {
            case "integer" -> "a whole number";
            case "number" -> "a number";
            case "string" -> "text";
            case "boolean" -> "true or false";
            case "array" -> "a list";
            case "object" -> "fields of its own";
            case "null" -> "nothing";
            case String other -> other;
        };
    }

    private static String text(@Nullable JsonNode node) {
        return node == null ? "?" : node.asString(node.toString());
    }

    private static String show(JsonNode value) {
        if (value.isObject()) {
            return "a group of fields";
        }
        if (value.isArray()) {
            return "a list";
        }
        String text = value.isNull() ? "empty" : value.toString();
        return text.length() > 60 ? text.substring(0, 57) + "…" : text;
    }
}
