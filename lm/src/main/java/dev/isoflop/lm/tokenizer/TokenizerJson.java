package dev.isoflop.lm.tokenizer;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Hugging Face {@code tokenizer.json} for byte-level BPE with GPT-2 pre-tokenisation, and GPT-2's own {@code vocab.json} and
 * {@code merges.txt}.
 *
 * <p>Reading refuses what this tokenizer would encode differently (another pre-tokeniser, a normaliser, dropout, ...): wrong ids would
 * be worse than none.
 *
 * <p>Crash: a file is written beside its target, forced to disk and moved over it.
 */
final class TokenizerJson {

    private static final JsonMapper JSON = JsonMapper.shared();

    private TokenizerJson() {}

    static Tokenizer read(Path file) throws IOException {
        JsonNode root = parse(file);
        try {
            JsonNode model = root.path("model");
            refuseUnless(
                    model.path("type").asString("BPE").equals("BPE") && model.has("merges"),
                    "model.type is not BPE: " + model.path("type"));
            checkPipeline(root, model);
            Map<String, Integer> ids = ids(model.path("vocab"), "model.vocab");
            List<String[]> merges = new ArrayList<>();
            for (JsonNode merge : model.path("merges")) {
                merges.add(pair(merge, merges.size()));
            }
            SequencedMap<String, Integer> specials = new LinkedHashMap<>();
            for (JsonNode added : root.path("added_tokens")) {
                String content = added.path("content").asString("");
                refuseUnless(
                        !added.path("single_word").asBoolean(false)
                                && !added.path("lstrip").asBoolean(false)
                                && !added.path("rstrip").asBoolean(false),
                        "added token \"" + content + "\" has single_word, lstrip or rstrip set");
                specials.put(content, added.path("id").asInt());
            }
            return build(ids, merges, specials);
        } catch (IllegalArgumentException e) {
            throw new IOException(file + ": " + e.getMessage(), e);
        }
    }

    static Tokenizer readGpt2(Path vocabJson, Path mergesText, SequencedMap<String, Integer> specials)
            throws IOException {
        JsonNode vocab = parse(vocabJson);
        List<String[]> merges = new ArrayList<>();
        int number = 0;
        for (String line : Files.readString(mergesText).split("\n", -1)) {
            number++;
            if (line.isEmpty() || (number == 1 && line.startsWith("#version"))) {
                continue;
            }
            String[] pair = line.split(" ", -1);
            if (pair.length != 2) {
                throw new IOException(mergesText + ", line " + number + ": expected two tokens, got \"" + line + "\"");
            }
            merges.add(pair);
        }
        try {
            return build(ids(vocab, "the vocabulary"), merges, specials);
        } catch (IllegalArgumentException e) {
            throw new IOException(vocabJson + ", " + mergesText + ": " + e.getMessage(), e);
        }
    }

    static void write(Tokenizer tokenizer, Path file) throws IOException {
        Path target = file.toAbsolutePath();
        Path temporary = Files.createTempFile(target.getParent(), target.getFileName() + ".", ".tmp");
        try {
            try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
                ByteBuffer content = ByteBuffer.wrap(bytes(tokenizer));
                while (content.hasRemaining()) {
                    channel.write(content);
                }
                channel.force(true);
            }
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    static byte[] bytes(Tokenizer tokenizer) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (JsonGenerator json = JSON.writerWithDefaultPrettyPrinter().createGenerator(out)) {
            json.writeStartObject();
            json.writeStringProperty("version", "1.0");
            json.writeNullProperty("truncation");
            json.writeNullProperty("padding");
            json.writeArrayPropertyStart("added_tokens");
            List<Map.Entry<String, Integer>> specials =
                    new ArrayList<>(tokenizer.specialTokens().entrySet());
            specials.sort(Map.Entry.comparingByValue());
            for (Map.Entry<String, Integer> special : specials) {
                json.writeStartObject();
                json.writeNumberProperty("id", special.getValue());
                json.writeStringProperty("content", special.getKey());
                for (String flag : List.of("single_word", "lstrip", "rstrip", "normalized")) {
                    json.writeBooleanProperty(flag, false);
                }
                json.writeBooleanProperty("special", true);
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeNullProperty("normalizer");
            writeByteLevel(json, "pre_tokenizer");
            json.writeNullProperty("post_processor");
            writeByteLevel(json, "decoder");
            json.writeObjectPropertyStart("model");
            json.writeStringProperty("type", "BPE");
            for (String absent : List.of("dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix")) {
                json.writeNullProperty(absent);
            }
            for (String flag : List.of("fuse_unk", "byte_fallback", "ignore_merges")) {
                json.writeBooleanProperty(flag, false);
            }
            json.writeObjectPropertyStart("vocab");
            for (int id = 0; id < tokenizer.vocabSize(); id++) {
                String spelled = spell(tokenizer, id);
                if (spelled != null) {
                    json.writeNumberProperty(spelled, id);
                }
            }
            json.writeEndObject();
            json.writeArrayPropertyStart("merges");
            for (int[] merge : tokenizer.mergeRows()) {
                json.writeStartArray();
                json.writeString(ByteAlphabet.spell(tokenizer.token(merge[0])));
                json.writeString(ByteAlphabet.spell(tokenizer.token(merge[1])));
                json.writeEndArray();
            }
            json.writeEndArray();
            json.writeEndObject();
            json.writeEndObject();
        }
        return out.toByteArray();
    }

    private static @Nullable String spell(Tokenizer tokenizer, int id) {
        for (Map.Entry<String, Integer> special : tokenizer.specialTokens().entrySet()) {
            if (special.getValue() == id) {
                return special.getKey();
            }
        }
        byte[] token = tokenizer.tokenOrNull(id);
        return token == null ? null : ByteAlphabet.spell(token);
    }

    private static void writeByteLevel(JsonGenerator json, String name) {
        json.writeObjectPropertyStart(name);
        json.writeStringProperty("type", "ByteLevel");
        json.writeBooleanProperty("add_prefix_space", false);
        json.writeBooleanProperty("trim_offsets", true);
        json.writeBooleanProperty("use_regex", true);
        json.writeEndObject();
    }

    private static void checkPipeline(JsonNode root, JsonNode model) {
        refuseUnless(absent(root.path("normalizer")), "a normalizer is set; this tokenizer encodes the text as it is");
        JsonNode split = root.path("pre_tokenizer");
        if (split.path("type").asString("").equals("Sequence")
                && split.path("pretokenizers").size() == 1) {
            split = split.path("pretokenizers").get(0);
        }
        refuseUnless(
                split.path("type").asString("").equals("ByteLevel")
                        && split.path("use_regex").asBoolean(true),
                "pre_tokenizer is not ByteLevel with GPT-2's pattern");
        refuseUnless(!split.path("add_prefix_space").asBoolean(true), "pre_tokenizer.add_prefix_space is set");
        for (String field : List.of("dropout", "unk_token")) {
            refuseUnless(absent(model.path(field)), "model." + field + " is set");
        }
        for (String field : List.of("continuing_subword_prefix", "end_of_word_suffix")) {
            refuseUnless(model.path(field).asString("").isEmpty(), "model." + field + " is set");
        }
        for (String field : List.of("byte_fallback", "ignore_merges")) {
            refuseUnless(!model.path(field).asBoolean(false), "model." + field + " is set");
        }
    }

    private static boolean absent(JsonNode node) {
        return node.isMissingNode() || node.isNull();
    }

    private static void refuseUnless(boolean condition, String reason) {
        if (!condition) {
            throw new IllegalArgumentException(reason);
        }
    }

    private static JsonNode parse(Path file) throws IOException {
        try {
            return JSON.readTree(Files.readAllBytes(file));
        } catch (JacksonException e) {
            throw new IOException(file + " is not JSON: " + e.getOriginalMessage(), e);
        }
    }

    private static Map<String, Integer> ids(JsonNode vocab, String where) {
        refuseUnless(vocab.isObject() && !vocab.isEmpty(), where + " is missing");
        Map<String, Integer> ids = new HashMap<>();
        vocab.properties().forEach(entry -> {
            refuseUnless(
                    entry.getValue().isInt() && entry.getValue().intValue() >= 0,
                    "the id of \"" + entry.getKey() + "\" in " + where + " is not a number >= 0");
            ids.put(entry.getKey(), entry.getValue().intValue());
        });
        return ids;
    }

    private static String[] pair(JsonNode merge, int rank) {
        if (merge.isArray() && merge.size() == 2) {
            return new String[] {merge.get(0).asString(), merge.get(1).asString()};
        }
        String[] pair = merge.isString() ? merge.asString().split(" ", -1) : new String[0];
        refuseUnless(pair.length == 2, "model.merges[" + rank + "] is not a pair of tokens: " + merge);
        return pair;
    }

    private static Tokenizer build(
            Map<String, Integer> ids, List<String[]> merges, SequencedMap<String, Integer> specials) {
        int size = 1 + Math.max(max(ids), max(specials));
        refuseUnless(size <= 1 << 24, "an id past 16 million");
        byte[] @Nullable [] tokens = new byte[size][];
        specials.forEach((text, id) -> {
            refuseUnless(id >= 0 && !text.isEmpty(), "special token \"" + text + "\" with id " + id);
            Integer known = ids.get(text);
            refuseUnless(
                    known == null || known.equals(id),
                    "special token \"" + text + "\" has id " + id + " and, in the vocabulary, " + known);
            refuseUnless(tokens[id] == null, "two special tokens have the id " + id);
            tokens[id] = text.getBytes(StandardCharsets.UTF_8);
        });
        ids.forEach((spelled, id) -> {
            if (!specials.containsKey(spelled)) {
                refuseUnless(tokens[id] == null, "two tokens have the id " + id);
                tokens[id] = ByteAlphabet.bytes(spelled);
            }
        });
        int[][] rows = new int[merges.size()][];
        for (int rank = 0; rank < rows.length; rank++) {
            String[] pair = merges.get(rank);
            rows[rank] = new int[] {id(ids, pair[0], rank), id(ids, pair[1], rank), id(ids, pair[0] + pair[1], rank)};
        }
        return new Tokenizer(tokens, rows, specials);
    }

    private static int id(Map<String, Integer> ids, String token, int rank) {
        Integer id = ids.get(token);
        if (id == null) {
            throw new IllegalArgumentException(
                    "merge " + rank + " needs \"" + token + "\", which is not in the vocabulary");
        }
        return id;
    }

    private static int max(Map<String, Integer> ids) {
        return ids.values().stream().max(Comparator.naturalOrder()).orElse(-1);
    }
}
