package dev.isoflop.cli.chaos;

import dev.isoflop.cli.sweepfile.LocatedYaml;
import dev.isoflop.cli.sweepfile.SweepFileException;
import java.nio.file.Path;
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
}
