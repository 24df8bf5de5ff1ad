package dev.isoflop.platform.fits;

import dev.isoflop.protocol.api.FitViews;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.InputHash;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a fit is made from, gathered once for all methods.
 *
 * @param points one per run used, in order of run id
 * @param fitPoints the same, as the maths takes them
 * @param excluded runs left out, with reasons
 * @param target compute budget to predict for, FLOPs
 * @param countEmbeddings whether N of the fit counts the embeddings
 * @param warnings what a reader must know about the inputs
 */
record FitInputs(
        long sweepId,
        List<FitViews.Point> points,
        List<FitPoint> fitPoints,
        List<FitViews.Excluded> excluded,
        @Nullable Double target,
        boolean countEmbeddings,
        List<String> warnings) {

    /**
     * Everything of a fit beside points and options; public and of plain values, as the input hash needs it.
     *
     * @param recipes how the recipe of a cell that was trained with several is chosen
     */
    public record Key(
            String method,
            Record options,
            @Nullable Double target,
            boolean countEmbeddings,
            String recipes,
            List<Long> runs,
            List<String> excluded) {}

    /** SHA-256 over all that the result of a method follows from. */
    String hash(String method, Record options) {
        return InputHash.of(
                fitPoints,
                new Key(
                        method,
                        options,
                        target,
                        countEmbeddings,
                        BestRecipe.RULE,
                        points.stream().map(FitViews.Point::runId).toList(),
                        excluded.stream().map(e -> e.runId() + " " + e.reason()).toList()));
    }
}
