package dev.isoflop.platform.exports;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One run of an exported sweep. N parameters, D tokens, C FLOPs, losses in nats per token.
 *
 * @param flops C by the sweep's convention
 * @param flopsExact counted matrix by matrix, attention and head included
 * @param datasetId hash of the options the dataset was built from
 * @param comparability hash of tokenizer, data, evaluation, precision and optimizer
 */
record RunRow(
        long sweepId,
        String sweep,
        long runId,
        String name,
        String kind,
        String state,
        long parameters,
        long nonEmbeddingParameters,
        long tokens,
        double flops,
        double flopsExact,
        double budget,
        @Nullable Long seed,
        @Nullable Double learningRate,
        @Nullable Long batchSequences,
        long tokensPerStep,
        long steps,
        long step,
        @Nullable Double trainLoss,
        @Nullable Double finalLoss,
        @Nullable Double bitsPerByte,
        @Nullable Double tokensPerSecond,
        boolean diverged,
        long attempts,
        @Nullable String failureCode,
        @Nullable String failureMessage,
        @Nullable String datasetId,
        @Nullable String tokenizerHash,
        @Nullable String comparability,
        Instant createdAt,
        @Nullable Instant startedAt,
        @Nullable Instant finishedAt) {

    static final List<Column<RunRow>> COLUMNS = List.of(
            new Column.Whole<>("sweep_id", RunRow::sweepId),
            new Column.Text<>("sweep", RunRow::sweep),
            new Column.Whole<>("run_id", RunRow::runId),
            new Column.Text<>("name", RunRow::name),
            new Column.Text<>("kind", RunRow::kind),
            new Column.Text<>("state", RunRow::state),
            new Column.Whole<>("parameters", RunRow::parameters),
            new Column.Whole<>("parameters_non_embedding", RunRow::nonEmbeddingParameters),
            new Column.Whole<>("tokens", RunRow::tokens),
            new Column.Real<>("flops", RunRow::flops),
            new Column.Real<>("flops_exact", RunRow::flopsExact),
            new Column.Real<>("budget", RunRow::budget),
            new Column.Whole<>("seed", RunRow::seed),
            new Column.Real<>("learning_rate", RunRow::learningRate),
            new Column.Whole<>("batch_sequences", RunRow::batchSequences),
            new Column.Whole<>("tokens_per_step", RunRow::tokensPerStep),
            new Column.Whole<>("steps", RunRow::steps),
            new Column.Whole<>("step", RunRow::step),
            new Column.Real<>("train_loss", RunRow::trainLoss),
            new Column.Real<>("final_loss", RunRow::finalLoss),
            new Column.Real<>("bits_per_byte", RunRow::bitsPerByte),
            new Column.Real<>("tokens_per_second", RunRow::tokensPerSecond),
            new Column.Flag<>("diverged", RunRow::diverged),
            new Column.Whole<>("attempts", RunRow::attempts),
            new Column.Text<>("failure_code", RunRow::failureCode),
            new Column.Text<>("failure_message", RunRow::failureMessage),
            new Column.Text<>("dataset_id", RunRow::datasetId),
            new Column.Text<>("tokenizer_hash", RunRow::tokenizerHash),
            new Column.Text<>("comparability", RunRow::comparability),
            new Column.Moment<>("created_at", RunRow::createdAt),
            new Column.Moment<>("started_at", RunRow::startedAt),
            new Column.Moment<>("finished_at", RunRow::finishedAt));
}
