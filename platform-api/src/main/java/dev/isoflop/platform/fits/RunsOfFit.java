package dev.isoflop.platform.fits;

import dev.isoflop.protocol.api.FitViews;
import dev.isoflop.scaling.law.FitPoint;
import java.util.List;

/**
 * Runs that a fit was made of.
 *
 * @param countEmbeddings whether their N counts the embeddings
 * @param runs as stored
 * @param points the same, as the maths takes them
 */
public record RunsOfFit(
        long fitId, long sweepId, boolean countEmbeddings, List<FitViews.Point> runs, List<FitPoint> points) {}
