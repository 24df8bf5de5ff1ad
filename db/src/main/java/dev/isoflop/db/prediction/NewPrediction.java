package dev.isoflop.db.prediction;

import org.jspecify.annotations.Nullable;

/**
 * What is predicted, and by whom; nothing of it changes once it is stored.
 *
 * @param inputHash of the fit
 * @param method isoflop or parametric
 * @param law its formula
 * @param n parameters, as the fit counts them
 * @param d tokens
 * @param flops C
 * @param countEmbeddings whether n counts the embeddings
 * @param comparability hash of tokenizer, data, evaluation and precision of the losses that were fitted
 * @param extrapolationRatio C over the largest C fitted
 * @param level coverage that the interval aims at
 * @param loss nats per token
 * @param low lower end of the interval
 * @param high upper end
 * @param logSd standard deviation of ln loss that a normal interval as wide has
 * @param madeBy principal
 * @param madeByName for people to read
 * @param runId run it is of; absent for one that may be tied to a run later
 */
public record NewPrediction(
        long experimentId,
        long fitId,
        String inputHash,
        String method,
        String law,
        double n,
        double d,
        double flops,
        boolean countEmbeddings,
        @Nullable String comparability,
        double extrapolationRatio,
        double level,
        double loss,
        double low,
        double high,
        double logSd,
        String madeBy,
        String madeByName,
        @Nullable Long runId) {}
