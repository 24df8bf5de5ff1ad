package dev.isoflop.cli.chaos;

import dev.isoflop.cli.sweepfile.LocatedYaml;
import dev.isoflop.cli.sweepfile.SweepFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import tools.jackson.databind.node.ObjectNode;

/** The runs that are disturbed: four tiny models with as many learning rates as are asked for, on made-up text. */
final class Work {

    static final int MODELS = 4;

    private Work() {}

    /**
     * @param runs a multiple of {@link #MODELS}
     * @param flops of each: what decides how long it takes
     */
    static ObjectNode sweep(String name, Path corpus, int runs, double flops) {
        StringBuilder budgets = new StringBuilder();
        for (int i = 0; i < runs / MODELS; i++) {
            budgets.append("  - {flops: %s, batchSequences: 4, learningRate: %s}\n"
                    .formatted(Double.toString(flops), Double.toString(0.001 + 0.0005 * i)));
        }
        String yaml = """
                kind: isoflop
                name: %s
                experiment: chaos
                dataset: {corpus: "%s", vocabSize: 300, validationModulus: 6}
                contextLength: 64
                models:
                  - {name: d16, dModel: 16, layers: 2, heads: 2}
                  - {name: d20, dModel: 20, layers: 2, heads: 2}
                  - {name: d24, dModel: 24, layers: 2, heads: 2}
                  - {name: d28, dModel: 28, layers: 2, heads: 2}
                budgets:
                %s
                training: {metricsEverySteps: 1, evalEverySteps: 100, evalTokens: 1024, checkpointEverySeconds: 1}
                target: 1e12
                maxEpochs: 100
                """.formatted(name, corpus, budgets.toString().stripTrailing());
        try {
            return (ObjectNode) LocatedYaml.parse(yaml).tree();
        } catch (SweepFileException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Sentences of made-up words, a few common and many rare, with a blank line now and then. */
    static String text(int length) {
        Random random = new Random(1);
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
