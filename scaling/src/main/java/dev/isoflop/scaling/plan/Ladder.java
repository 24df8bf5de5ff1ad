package dev.isoflop.scaling.plan;

import dev.isoflop.scaling.flops.ParameterCount;
import dev.isoflop.scaling.flops.Precision;
import dev.isoflop.scaling.flops.TransformerShape;
import java.util.Comparator;
import java.util.List;

/**
 * Models of one vocabulary and context by size: widths that are made of heads of usual sizes, all else by {@link ShapeRule}.
 *
 * @param rungs by parameters
 */
public record Ladder(List<Rung> rungs) {

    private static final List<Integer> WIDTHS = List.of(
            8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640,
            768, 896, 1024, 1280, 1536, 1792, 2048, 2560, 3072, 3584, 4096, 5120, 6144, 7168, 8192);

    /** @param parameters all of them */
    public record Rung(TransformerShape shape, double parameters) {}

    public static Ladder of(int vocabSize, int contextLength) {
        return new Ladder(WIDTHS.stream()
                .map(width -> ShapeRule.shape(width, vocabSize, contextLength))
                .map(shape -> new Rung(shape, ParameterCount.of(shape).total()))
                .toList());
    }

    /** Those that can be trained in that precision; in bf16 none is narrower than 32. */
    public Ladder trainedIn(Precision precision) {
        return new Ladder(
                rungs.stream().filter(r -> r.shape.trainsIn(precision)).toList());
    }

    /** All models, by size. */
    public List<TransformerShape> shapes() {
        return rungs.stream().map(Rung::shape).toList();
    }

    /** The rung whose parameters are nearest by ratio. */
    public Rung nearest(double parameters) {
        return rungs.stream()
                .min(Comparator.comparingDouble(r -> Math.abs(Math.log(r.parameters / parameters))))
                .orElseThrow();
    }
}
