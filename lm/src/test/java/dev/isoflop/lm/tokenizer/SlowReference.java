package dev.isoflop.lm.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The obvious encoder: the pattern through java.util.regex, then the lowest-ranked merge again and again over a list. */
final class SlowReference {

    /**
     * GPT-2's pattern; compile with UNICODE_CHARACTER_CLASS, where {@code \s} is White_Space. {@code \S} is spelled out so that both
     * are complements for characters past the BMP as well.
     */
    static final String GPT2 =
            "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\p{IsWhite_Space}\\p{L}\\p{N}]+|\\p{IsWhite_Space}+(?!\\P{IsWhite_Space})|\\p{IsWhite_Space}+";

    private static final Pattern PATTERN = Pattern.compile(GPT2);

    private final Tokenizer tokenizer;
    private final Map<Long, int[]> merges = new HashMap<>();
    private final Map<Byte, Integer> byteIds = new HashMap<>();

    SlowReference(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
        for (int rank = 0; rank < tokenizer.mergeRows().length; rank++) {
            int[] row = tokenizer.mergeRows()[rank];
            merges.put((long) row[0] << 32 | row[1], new int[] {rank, row[2]});
        }
        for (int id = tokenizer.vocabSize() - 1; id >= 0; id--) {
            byte[] token = tokenizer.token(id);
            if (token.length == 1) {
                byteIds.put(token[0], id);
            }
        }
    }

    static List<String> pieces(String text) {
        List<String> pieces = new ArrayList<>();
        Matcher matcher = PATTERN.matcher(text);
        while (matcher.find()) {
            pieces.add(matcher.group());
        }
        return pieces;
    }

    int[] encode(String text) {
        List<Integer> out = new ArrayList<>();
        int at = 0;
        if (!tokenizer.specialTokens().isEmpty()) {
            List<String> specials = new ArrayList<>(tokenizer.specialTokens().keySet());
            specials.sort(Comparator.comparingInt(String::length).reversed());
            Matcher matcher = Pattern.compile(String.join(
                            "|", specials.stream().map(Pattern::quote).toList()))
                    .matcher(text);
            while (matcher.find()) {
                ordinary(text.substring(at, matcher.start()), out);
                out.add(tokenizer.specialTokens().get(matcher.group()));
                at = matcher.end();
            }
        }
        ordinary(text.substring(at), out);
        return out.stream().mapToInt(Integer::intValue).toArray();
    }

    private void ordinary(String text, List<Integer> out) {
        for (String piece : pieces(text)) {
            List<Integer> ids = new ArrayList<>();
            for (byte b : piece.getBytes(StandardCharsets.UTF_8)) {
                ids.add(byteIds.get(b));
            }
            while (true) {
                int best = -1;
                int[] bestMerge = {Integer.MAX_VALUE, 0};
                for (int i = 0; i + 1 < ids.size(); i++) {
                    int[] merge = merges.get((long) ids.get(i) << 32 | ids.get(i + 1));
                    if (merge != null && merge[0] < bestMerge[0]) {
                        best = i;
                        bestMerge = merge;
                    }
                }
                if (best < 0) {
                    break;
                }
                ids.set(best, bestMerge[1]);
                ids.remove(best + 1);
            }
            out.addAll(ids);
        }
    }
}
