package dev.isoflop.cli.sweepfile;

import dev.isoflop.cli.sweepfile.SweepFileException.Complaint;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;
import org.snakeyaml.engine.v2.schema.CoreSchema;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * A YAML 1.2 document as a JSON tree that remembers where each value stood.
 *
 * @param tree the document
 * @param lines line (from 1) of each value, by JSON pointer; of a field, the line of its name
 */
public record LocatedYaml(JsonNode tree, Map<String, Integer> lines) {

    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    public LocatedYaml {
        lines = Map.copyOf(lines);
    }

    /** @throws SweepFileException if the text is not one YAML document */
    public static LocatedYaml parse(String text) throws SweepFileException {
        LoadSettings settings = LoadSettings.builder()
                .setSchema(new CoreSchema())
                .setAllowDuplicateKeys(true) // noticed below, where the line can be named
                .setMaxAliasesForCollections(20)
                .build();
        Node root;
        try {
            root = new Compose(settings).composeString(text).orElse(null);
        } catch (MarkedYamlEngineException e) {
            int line = e.getProblemMark().map(m -> m.getLine() + 1).orElse(0);
            throw refuse(line, "", "not valid YAML: " + e.getProblem());
        } catch (YamlEngineException e) {
            throw refuse(0, "", "not valid YAML: " + e.getMessage());
        }
        if (root == null) {
            throw refuse(0, "", "the file is empty; see examples/ for a sweep to start from");
        }
        Map<String, Integer> lines = new HashMap<>();
        return new LocatedYaml(convert(root, "", line(root), lines, 0), lines);
    }

    /** The line of a value, or of the closest thing around it that has one. */
    public int line(String pointer) {
        for (String p = pointer; ; p = p.substring(0, p.lastIndexOf('/'))) {
            Integer line = lines.get(p);
            if (line != null || p.isEmpty()) {
                return line == null ? 0 : line;
            }
        }
    }

    private static JsonNode convert(Node node, String pointer, int line, Map<String, Integer> lines, int depth)
            throws SweepFileException {
        lines.put(pointer, line);
        if (depth > 50) {
            throw refuse(line, pointer, "nested too deeply");
        }
        return switch (node) {
            case MappingNode mapping -> object(mapping, pointer, lines, depth);
            case SequenceNode sequence -> {
                ArrayNode array = JSON.arrayNode();
                int i = 0;
                for (Node item : sequence.getValue()) {
                    array.add(convert(item, pointer + "/" + i++, line(item), lines, depth + 1));
                }
                yield array;
            }
            case ScalarNode scalar -> scalar(scalar);
            default -> throw refuse(line, pointer, "not a mapping, a list or a plain value");
        };
    }

    private static ObjectNode object(MappingNode mapping, String pointer, Map<String, Integer> lines, int depth)
            throws SweepFileException {
        ObjectNode object = JSON.objectNode();
        for (NodeTuple tuple : mapping.getValue()) {
            if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
                throw refuse(line(tuple.getKeyNode()), pointer, "a field's name must be a plain word");
            }
            String child = pointer + "/" + key.getValue().replace("~", "~0").replace("/", "~1");
            if (object.has(key.getValue())) {
                throw refuse(line(key), child, "given twice, first on line " + lines.get(child));
            }
            object.set(key.getValue(), convert(tuple.getValueNode(), child, line(key), lines, depth + 1));
        }
        return object;
    }

    private static JsonNode scalar(ScalarNode scalar) {
        String text = scalar.getValue();
        Tag tag = scalar.getTag();
        if (tag.equals(Tag.NULL)) {
            return JSON.nullNode();
        }
        if (tag.equals(Tag.BOOL)) {
            return JSON.booleanNode(Boolean.parseBoolean(text));
        }
        JsonNode number = tag.equals(Tag.INT) || tag.equals(Tag.FLOAT) ? number(text) : null;
        return number == null ? JSON.stringNode(text) : number;
    }

    private static @Nullable JsonNode number(String text) {
        String digits = text.replace("_", "");
        try {
            if (digits.matches("[-+]?\\d{1,18}")) {
                return JSON.numberNode(Long.parseLong(digits));
            }
            double value = Double.parseDouble(digits);
            // 1e11 is a whole number to a person; an integer field must accept it
            boolean whole = value == Math.rint(value) && Math.abs(value) < 1e15;
            return whole ? JSON.numberNode((long) value) : JSON.numberNode(value);
        } catch (NumberFormatException e) {
            return null;
        }
    }

    private static int line(Node node) {
        return node.getStartMark().map(Mark::getLine).map(l -> l + 1).orElse(0);
    }

    private static SweepFileException refuse(int line, String pointer, String text) {
        return new SweepFileException(List.of(new Complaint(line, pointer, text)));
    }
}
