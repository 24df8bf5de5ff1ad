package dev.isoflop.cli.chaos;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Sentences of made-up words, a few common and many rare, with a blank line now and then: something to train on anywhere. */
public final class MadeUpText {

    private MadeUpText() {}

    /** @param length characters, at least */
    public static String of(Random random, int length) {
        String[] syllables = {"ka", "lo", "mi", "ter", "an", "sul", "ve", "dor", "in", "pra", "est", "ou"};
        List<String> words = new ArrayList<>();
        for (int i = 0; i < 800; i++) {
            StringBuilder word = new StringBuilder();
            for (int s = 0; s <= random.nextInt(3); s++) {
                word.append(syllables[random.nextInt(syllables.length)]);
            }
            words.add(word.toString());
        }
        StringBuilder text = new StringBuilder();
        while (text.length() < length) {
            int sentence = 4 + random.nextInt(12);
            for (int i = 0; i < sentence; i++) {
                double u = random.nextDouble();
                text.append(words.get((int) (800 * u * u * u))).append(i + 1 < sentence ? ' ' : '.');
            }
            text.append(random.nextInt(5) == 0 ? "\n\n" : "\n");
        }
        return text.toString();
    }
}
