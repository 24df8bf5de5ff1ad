package dev.isoflop.lm.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class Gpt2SplitterTests {

    @Test
    void whiteSpaceBeforeAWordKeepsAllButItsLastCharacter() {
        assertThat(split("a   b")).containsExactly("a", "  ", " b");
        assertThat(split("a\n\nb")).containsExactly("a", "\n", "\n", "b");
        assertThat(split("a \n")).containsExactly("a", " \n");
        assertThat(split("a\u3000\u3000b")).containsExactly("a", "\u3000", "\u3000", "b");
    }

    @Test
    void contractionsAreLowerCaseAndWinOverPunctuation() {
        assertThat(split("we'll've 'tis I'D ''s"))
                .containsExactly("we", "'ll", "'ve", " '", "tis", " I", "'", "D", " ''", "s");
    }

    @Test
    void everyCharacterIsClassedAsThePatternClassesIt() {
        // each code point between neighbours that show its class: joined to a letter, a digit, or a space
        for (int c = 0; c <= 0x10FFFF; c++) {
            if (c < 0xD800 || c > 0xDFFF) {
                String text = "a" + Character.toString(c) + "7" + Character.toString(c) + " x";
                if (!split(text).equals(SlowReference.pieces(text))) {
                    assertThat(split(text)).as("U+%04X", c).isEqualTo(SlowReference.pieces(text));
                }
            }
        }
    }

    @Test
    void randomTextIsSplitAsThePatternSplitsIt() {
        Random random = new Random(42);
        for (int i = 0; i < 20_000; i++) {
            String text = TokenizerTests.randomText(random, 1 + random.nextInt(20));
            assertThat(split(text)).as("text %d", i).isEqualTo(SlowReference.pieces(text));
        }
    }

    @Test
    void certainCutsAreCutsOfTheWholeText() {
        Random random = new Random(1);
        for (int i = 0; i < 2000; i++) {
            byte[] text = TokenizerTests.randomText(random, 30).getBytes(StandardCharsets.UTF_8);
            List<Integer> ends = ends(text);
            for (int wanted = 1; wanted < text.length; wanted += 7) {
                int cut = Gpt2Splitter.certainCut(text, wanted, text.length);
                assertThat(ends).contains(cut);
            }
        }
    }

    @Test
    void malformedBytesArePunctuation() {
        byte[] text = {'a', (byte) 0xFF, (byte) 0xC3, 'b', (byte) 0xED, (byte) 0xA0, (byte) 0x80};

        assertThat(ends(text)).containsExactly(1, 3, 4, 7);
    }

    private static List<Integer> ends(byte[] text) {
        List<Integer> ends = new ArrayList<>();
        for (int i = 0; i < text.length; ) {
            i = Gpt2Splitter.pieceEnd(text, i, text.length);
            ends.add(i);
        }
        return ends;
    }

    private static List<String> split(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        List<String> pieces = new ArrayList<>();
        int from = 0;
        for (int end : ends(bytes)) {
            pieces.add(new String(bytes, from, end - from, StandardCharsets.UTF_8));
            from = end;
        }
        return pieces;
    }
}
