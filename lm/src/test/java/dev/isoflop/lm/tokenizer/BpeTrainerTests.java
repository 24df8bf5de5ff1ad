package dev.isoflop.lm.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class BpeTrainerTests {

    private static final HexFormat HEX = HexFormat.of();

    @Test
    void mergesOfTheCourseCorpusAreExact() throws IOException {
        String corpus = Files.readString(Fixtures.cs336("upstream/fixtures/corpus.en"));
        List<String> expected = Files.readString(Fixtures.cs336("upstream/fixtures/train-bpe-reference-merges.txt"))
                .lines()
                .toList();
        JsonNode vocab = JsonMapper.shared()
                .readTree(Files.readAllBytes(Fixtures.cs336("upstream/fixtures/train-bpe-reference-vocab.json")));

        Tokenizer tokenizer = BpeTrainer.train(BpeTrainer.Options.of(500), List.of(corpus));

        assertThat(spelledMerges(tokenizer)).isEqualTo(expected);
        Map<String, Integer> ids = new HashMap<>();
        for (int id = 0; id < tokenizer.vocabSize(); id++) {
            ids.put(
                    id == 0
                            ? new String(tokenizer.token(0), StandardCharsets.UTF_8)
                            : ByteAlphabet.spell(tokenizer.token(id)),
                    id);
        }
        Map<String, Integer> expectedIds = new HashMap<>();
        vocab.properties().forEach(e -> expectedIds.put(e.getKey(), e.getValue().asInt()));
        assertThat(ids).isEqualTo(expectedIds);
    }

    @Test
    void mergesOfTheStoriesSampleAreExact() throws IOException {
        String corpus = Files.readString(Fixtures.cs336("upstream/fixtures/tinystories_sample.txt"));
        JsonNode golden = golden("golden/train_bpe_tinystories_sample_own.json");

        Tokenizer tokenizer = BpeTrainer.train(BpeTrainer.Options.of(400), List.of(corpus));

        assertThat(hexMerges(tokenizer)).isEqualTo(hexMerges(golden));
    }

    @Test
    void everyMergeOfTheSpecialTokenSnapshotKeepsClearOfTheSpecialToken() throws IOException {
        // the snapshot's own corpus (5 MB) is not among the fixtures: its merges build a tokenizer instead, whose
        // vocabulary must be
        // the snapshot's, and which must encode the sample the slow reference's way, special tokens whole
        JsonNode golden = golden("golden/train_bpe_special_tokens_snapshot.json");
        Map<String, Integer> idByHex = new LinkedHashMap<>();
        List<byte[]> tokens = new ArrayList<>();
        tokens.add(Tokenizer.END_OF_TEXT.getBytes(StandardCharsets.UTF_8));
        for (int i = 0; i < 256; i++) {
            byte[] token = {(byte) ByteAlphabet.inOrder(i)};
            idByHex.put(HEX.formatHex(token), tokens.size());
            tokens.add(token);
        }
        List<int[]> rows = new ArrayList<>();
        for (JsonNode merge : golden.path("merges_hex")) {
            String left = merge.get(0).asString();
            String right = merge.get(1).asString();
            rows.add(new int[] {idByHex.get(left), idByHex.get(right), tokens.size()});
            idByHex.put(left + right, tokens.size());
            tokens.add(HEX.parseHex(left + right));
        }
        LinkedHashMap<String, Integer> specials = new LinkedHashMap<>(Map.of(Tokenizer.END_OF_TEXT, 0));
        Tokenizer tokenizer = new Tokenizer(tokens.toArray(byte[][]::new), rows.toArray(int[][]::new), specials);

        List<String> vocabulary = new ArrayList<>();
        for (int id = 0; id < tokenizer.vocabSize(); id++) {
            vocabulary.add(HEX.formatHex(tokenizer.token(id)));
        }
        List<String> expected = new ArrayList<>();
        golden.path("vocab_values_hex").forEach(v -> expected.add(v.asString()));
        assertThat(vocabulary).containsExactlyInAnyOrderElementsOf(expected);

        String sample = Files.readString(Fixtures.cs336("upstream/fixtures/tinystories_sample.txt"));
        assertThat(tokenizer.encode(sample)).isEqualTo(new SlowReference(tokenizer).encode(sample));
        assertThat(vocabulary.stream().filter(hex -> !hex.equals(HEX.formatHex(tokenizer.token(0)))))
                .noneMatch(hex -> hex.contains(HEX.formatHex("<|".getBytes(StandardCharsets.UTF_8))));
    }

    @Test
    void trainedTokensNeverHoldPartOfASpecialToken() {
        String corpus = "hello<|endoftext|>world<|endoftext|>".repeat(50);

        Tokenizer tokenizer = BpeTrainer.train(BpeTrainer.Options.of(300), List.of(corpus));

        for (int id = 257; id < tokenizer.vocabSize(); id++) {
            assertThat(new String(tokenizer.token(id), StandardCharsets.UTF_8)).matches("[helowrd]+");
        }
        assertThat(tokenizer.encode("hello<|endoftext|>world")).hasSize(3);
    }

    @Test
    void theResultDoesNotDependOnThreadsOrOnWhereDocumentsAreCut() {
        List<String> documents = randomDocuments(new Random(7), 40, 800);
        String hash = train(documents, 600, 1).hash();

        assertThat(train(documents, 600, 2).hash()).isEqualTo(hash);
        assertThat(train(documents, 600, 5).hash()).isEqualTo(hash);
        assertThat(train(documents.reversed(), 600, 3).hash()).isEqualTo(hash);
        // one document past the size at which it is cut, the parts joined by the special token: the same pieces
        List<String> many = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            many.addAll(documents);
        }
        String whole = String.join(Tokenizer.END_OF_TEXT, many);
        assertThat(whole.length()).isGreaterThan(2 << 19);
        assertThat(train(List.of(whole), 600, 2).hash()).isEqualTo(hash);
    }

    @Test
    void mergesEqualThoseOfANaiveTrainer() {
        for (int seed = 0; seed < 6; seed++) {
            List<String> documents = randomDocuments(new Random(seed), 5, 400);

            Tokenizer tokenizer = train(documents, 257 + 150, 1);

            assertThat(hexMerges(tokenizer)).as("seed %d", seed).isEqualTo(naiveMerges(documents, 257 + 150));
        }
    }

    @Test
    void fewerTokensComeOutWhenNoPairIsLeft() {
        Tokenizer tokenizer = train(List.of("aaaa"), 1000, 1);

        assertThat(hexMerges(tokenizer)).isEqualTo(List.of("61 61", "6161 6161"));
        assertThat(tokenizer.vocabSize()).isEqualTo(259);
    }

    @Test
    void aVocabularyTooSmallForTheBytesIsRefused() {
        assertThatThrownBy(() -> BpeTrainer.Options.of(256))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("at least 257");
    }

    static Tokenizer train(List<String> documents, int vocabSize, int threads) {
        return BpeTrainer.train(
                new BpeTrainer.Options(vocabSize, List.of(Tokenizer.END_OF_TEXT), 1, threads), documents);
    }

    /** Texts over few letters, so that ties and overlaps (aaa, abab) are common. */
    private static List<String> randomDocuments(Random random, int count, int length) {
        List<String> documents = new ArrayList<>();
        for (int d = 0; d < count; d++) {
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < length; i++) {
                int r = random.nextInt(100);
                text.append(r < 70 ? (char) ('a' + random.nextInt(4)) : r < 85 ? ' ' : r < 95 ? 'é' : '\n');
            }
            documents.add(text.toString());
        }
        return documents;
    }

    /** Counts everything anew for every merge. */
    private static List<String> naiveMerges(List<String> documents, int vocabSize) {
        List<List<byte[]>> words = new ArrayList<>();
        for (String document : documents) {
            var matcher = Pattern.compile(SlowReference.GPT2).matcher(document);
            while (matcher.find()) {
                List<byte[]> word = new ArrayList<>();
                for (byte b : matcher.group().getBytes(StandardCharsets.UTF_8)) {
                    word.add(new byte[] {b});
                }
                words.add(word);
            }
        }
        List<String> merges = new ArrayList<>();
        java.util.Set<String> known = new java.util.HashSet<>();
        while (257 + known.size() < vocabSize) {
            Map<String, Integer> counts = new HashMap<>();
            Map<String, byte[][]> pairs = new HashMap<>();
            for (List<byte[]> word : words) {
                for (int i = 0; i + 1 < word.size(); i++) {
                    String key = HEX.formatHex(word.get(i)) + " " + HEX.formatHex(word.get(i + 1));
                    counts.merge(key, 1, Integer::sum);
                    pairs.putIfAbsent(key, new byte[][] {word.get(i), word.get(i + 1)});
                }
            }
            String best = counts.keySet().stream()
                    .max((a, b) -> {
                        int order = Integer.compare(counts.get(a), counts.get(b));
                        if (order == 0) {
                            order = Arrays.compareUnsigned(pairs.get(a)[0], pairs.get(b)[0]);
                        }
                        return order != 0 ? order : Arrays.compareUnsigned(pairs.get(a)[1], pairs.get(b)[1]);
                    })
                    .orElseThrow();
            merges.add(best);
            known.add(best.replace(" ", ""));
            byte[][] pair = pairs.get(best);
            byte[] joined = HEX.parseHex(best.replace(" ", ""));
            for (List<byte[]> word : words) {
                for (int i = 0; i + 1 < word.size(); i++) {
                    if (Arrays.equals(word.get(i), pair[0]) && Arrays.equals(word.get(i + 1), pair[1])) {
                        word.set(i, joined);
                        word.remove(i + 1);
                    }
                }
            }
        }
        return merges;
    }

    private static JsonNode golden(String relative) throws IOException {
        return JsonMapper.shared().readTree(Files.readAllBytes(Fixtures.cs336(relative)));
    }

    private static List<String> spelledMerges(Tokenizer tokenizer) {
        return Arrays.stream(tokenizer.mergeRows())
                .map(m -> ByteAlphabet.spell(tokenizer.token(m[0])) + " " + ByteAlphabet.spell(tokenizer.token(m[1])))
                .toList();
    }

    private static List<String> hexMerges(Tokenizer tokenizer) {
        return Arrays.stream(tokenizer.mergeRows())
                .map(m -> HEX.formatHex(tokenizer.token(m[0])) + " " + HEX.formatHex(tokenizer.token(m[1])))
                .toList();
    }

    private static List<String> hexMerges(JsonNode golden) {
        List<String> merges = new ArrayList<>();
        golden.path("merges_hex")
                .forEach(m -> merges.add(m.get(0).asString() + " " + m.get(1).asString()));
        return merges;
    }
}
