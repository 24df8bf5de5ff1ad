package dev.isoflop.lm.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class TokenizerTests {

    private static final JsonMapper JSON = JsonMapper.shared();

    @TempDir
    Path folder;

    @Test
    void gpt2IdsAreExact() throws IOException {
        JsonNode golden = JSON.readTree(Files.readAllBytes(Fixtures.cs336("golden/tokenizer_gpt2_ids.json")));
        int cases = 0;
        for (JsonNode test : golden.path("cases")) {
            LinkedHashMap<String, Integer> specials = new LinkedHashMap<>();
            test.path("special_tokens")
                    .properties()
                    .forEach(e -> specials.put(e.getKey(), e.getValue().asInt()));
            String text = test.path("text").isNull()
                    ? Files.readString(Fixtures.cs336(
                            "upstream/fixtures/" + test.path("file").asString()))
                    : test.path("text").asString();
            int[] ids = JSON.treeToValue(test.path("ids"), int[].class);
            Tokenizer tokenizer = gpt2(specials);

            assertThat(tokenizer.encode(text)).as(test.path("test").asString()).isEqualTo(ids);
            assertThat(tokenizer.decode(ids)).as(test.path("test").asString()).isEqualTo(text);
            cases++;
        }
        assertThat(cases).isEqualTo(13);
    }

    @Test
    void randomUnicodeIsEncodedAsTheSlowReferenceDoes() throws IOException {
        Tokenizer tokenizer = gpt2(specials("<|endoftext|>", "<|endoftext|><|endoftext|>", "<| two words |>"));
        SlowReference reference = new SlowReference(tokenizer);
        Random random = new Random(20260101);
        for (int i = 0; i < 3000; i++) {
            String text = randomText(random, 1 + random.nextInt(60));
            int[] ids = tokenizer.encode(text);
            assertThat(ids).as("text %d: %s", i, text).isEqualTo(reference.encode(text));
            assertThat(tokenizer.decode(ids)).isEqualTo(text);
        }
    }

    @Test
    void longPiecesAreEncodedAsTheSlowReferenceDoes() throws IOException {
        Tokenizer tokenizer = gpt2(specials("<|endoftext|>"));
        SlowReference reference = new SlowReference(tokenizer);
        Random random = new Random(5);
        for (int length : new int[] {90, 95, 96, 97, 98, 200, 1500}) {
            for (String alphabet : List.of("a", "ab", "thequickbrown", " ", "\n", "=-", "0123456789", "éü漢")) {
                StringBuilder text = new StringBuilder("x ");
                for (int i = 0; i < length; i++) {
                    text.append(alphabet.charAt(random.nextInt(alphabet.length())));
                }
                assertThat(tokenizer.encode(text.toString()))
                        .as(text.toString())
                        .isEqualTo(reference.encode(text.toString()));
            }
        }
    }

    @Test
    void aMillionLettersWithoutASpaceAreEncodedInBearableTime() throws IOException {
        Tokenizer tokenizer = gpt2(specials());
        String text = "ab".repeat(500_000);

        assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
    }

    @Test
    void manyThreadsGiveTheIdsOfOne() throws IOException {
        Tokenizer tokenizer = gpt2(specials("<|endoftext|>", "<| two words |>"));
        Random random = new Random(11);
        List<String> texts = new ArrayList<>();
        texts.add("");
        for (int i = 0; i < 50; i++) {
            texts.add(randomText(random, 500));
        }
        StringBuilder large = new StringBuilder();
        while (large.length() < 3 << 20) {
            large.append(randomText(random, 400)).append("<| two words |>");
        }
        texts.add(large.toString());
        texts.add("b".repeat(1 << 21));

        List<int[]> encoded = tokenizer.encodeAll(texts, 4);

        assertThat(encoded).hasSameSizeAs(texts);
        for (int i = 0; i < texts.size(); i++) {
            assertThat(encoded.get(i)).as("text %d", i).isEqualTo(tokenizer.encode(texts.get(i)));
        }
    }

    @Test
    void bytesThatAreNotUtf8SurviveTheRoundTrip() throws IOException {
        Tokenizer tokenizer = gpt2(specials());
        Random random = new Random(3);
        for (int i = 0; i < 2000; i++) {
            byte[] bytes = new byte[random.nextInt(40)];
            random.nextBytes(bytes);
            assertThat(tokenizer.decodeBytes(tokenizer.encode(bytes))).isEqualTo(bytes);
        }
        assertThat(tokenizer.decode(tokenizer.encode(new byte[] {'a', (byte) 0xC3})))
                .isEqualTo("a\uFFFD");
    }

    @Test
    void aDecodedPrefixMayCutACharacter() throws IOException {
        Tokenizer tokenizer = gpt2(specials());

        assertThat(tokenizer.decode(new int[] {8582})).isEqualTo("\uFFFD");
        assertThat(tokenizer.decode(new int[] {8582, 247, 225})).isEqualTo("🙃");
    }

    @Test
    void ordinaryEncodingKnowsNoSpecialTokens() throws IOException {
        Tokenizer tokenizer = gpt2(specials("<|endoftext|>"));

        assertThat(tokenizer.encode("<|endoftext|>")).containsExactly(50256);
        assertThat(tokenizer.encodeOrdinary("<|endoftext|>"))
                .doesNotContain(50256)
                .hasSizeGreaterThan(1);
    }

    @Test
    void anUnknownIdIsRefused() throws IOException {
        Tokenizer tokenizer = gpt2(specials());

        assertThatThrownBy(() -> tokenizer.decode(new int[] {50257}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("50257");
        assertThatThrownBy(() -> tokenizer.token(-1)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void tokenizerJsonIsReadBackAsItWasWritten() throws IOException {
        Tokenizer trained = BpeTrainerTests.train(List.of("the cat sat on the mat, the end. ééé"), 300, 1);
        Path file = folder.resolve("tokenizer.json");
        trained.write(file);

        Tokenizer read = Tokenizer.read(file);

        assertThat(read.hash()).isEqualTo(trained.hash());
        assertThat(read.encode("the cat<|endoftext|>")).isEqualTo(trained.encode("the cat<|endoftext|>"));
        assertThat(read.endOfText()).hasValue(0);
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactly(file);
        }
    }

    @Test
    void mergesInTheOlderFormAreRead() throws IOException {
        Tokenizer trained = BpeTrainerTests.train(List.of("the cat sat on the mat"), 280, 1);
        Path file = folder.resolve("tokenizer.json");
        trained.write(file);
        ObjectNode root = (ObjectNode) JSON.readTree(Files.readAllBytes(file));
        ObjectNode model = (ObjectNode) root.path("model");
        List<String> old = new ArrayList<>();
        model.path("merges")
                .forEach(m -> old.add(m.get(0).asString() + " " + m.get(1).asString()));
        model.set("merges", JSON.valueToTree(old));
        Files.write(file, JSON.writeValueAsBytes(root));

        assertThat(Tokenizer.read(file).hash()).isEqualTo(trained.hash());
    }

    @Test
    void aTokenizerThatWouldEncodeDifferentlyIsRefusedByName() throws IOException {
        Path file = folder.resolve("tokenizer.json");
        BpeTrainerTests.train(List.of("abab"), 260, 1).write(file);
        String written = Files.readString(file);
        record Change(String from, String to, String told) {}
        for (Change change : List.of(
                new Change("\"normalizer\" : null", "\"normalizer\" : {\"type\":\"NFC\"}", "normalizer"),
                new Change("\"add_prefix_space\" : false", "\"add_prefix_space\" : true", "add_prefix_space"),
                new Change("\"use_regex\" : true", "\"use_regex\" : false", "pre_tokenizer"),
                new Change("\"dropout\" : null", "\"dropout\" : 0.1", "model.dropout"),
                new Change("\"ignore_merges\" : false", "\"ignore_merges\" : true", "model.ignore_merges"),
                new Change("\"type\" : \"BPE\"", "\"type\" : \"Unigram\"", "model.type"),
                new Change("\"!\" : 1,", "", "byte 0x21"),
                new Change("\"lstrip\" : false", "\"lstrip\" : true", "lstrip"))) {
            assertThat(written).contains(change.from);
            Files.writeString(file, written.replace(change.from, change.to));

            assertThatThrownBy(() -> Tokenizer.read(file))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(file.toString())
                    .hasMessageContaining(change.told);
        }
        Files.writeString(file, "{");
        assertThatThrownBy(() -> Tokenizer.read(file)).hasMessageContaining("not JSON");
    }

    private static LinkedHashMap<String, Integer> specials(String... texts) {
        LinkedHashMap<String, Integer> ids = new LinkedHashMap<>();
        for (String text : texts) {
            ids.put(text, 50256 + ids.size());
        }
        return ids;
    }

    private static Tokenizer gpt2(LinkedHashMap<String, Integer> specials) throws IOException {
        return Tokenizer.readGpt2(
                Fixtures.cs336("upstream/fixtures/gpt2_vocab.json"),
                Fixtures.cs336("upstream/fixtures/gpt2_merges.txt"),
                specials);
    }

    /** Runs of letters, digits, spaces, contractions, special tokens, and characters from all planes. */
    static String randomText(Random random, int parts) {
        String[] common = {
            "the",
            " and",
            "'s",
            "'ll",
            "'LL",
            "'",
            "''",
            " '",
            " 're",
            "'ve",
            "  ",
            "   ",
            "\n",
            "\r\n",
            "\t",
            " \n ",
            "\u00a0",
            "\u3000",
            "\u0085",
            "\u2028",
            "\u001c",
            "\u180e",
            "\u200b",
            "0",
            "12",
            " 345",
            "½",
            "Ⅷ",
            "٣",
            "é",
            "e\u0301",
            "漢字",
            "🙃",
            "👩‍👩‍👧",
            "!",
            "...",
            " --",
            "_",
            "<|endoftext|>",
            "<| two words |>",
            "<|endof",
            "|>",
            "𝔘",
            "𝟘",
            "𐐀",
            "\u0000",
            "\uFFFF"
        };
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < parts; i++) {
            int r = random.nextInt(10);
            if (r < 7) {
                text.append(common[random.nextInt(common.length)]);
            } else if (r < 9) {
                text.append((char) ('a' + random.nextInt(26)));
            } else {
                int c = random.nextInt(3) == 0 ? random.nextInt(0x110000) : random.nextInt(0x3100);
                if (c < 0xD800 || c > 0xDFFF) {
                    text.appendCodePoint(c);
                }
            }
        }
        return new String(text.toString().getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
    }
}
