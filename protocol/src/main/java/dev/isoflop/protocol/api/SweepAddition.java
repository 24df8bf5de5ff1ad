package dev.isoflop.protocol.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Runs for a sweep that exists, as its file would have them. All else is as the sweep says: data, context, training, pool.
 *
 * @param models that the sweep has not got yet; absent if it has all of them
 * @param budgets each with the names of its models, which are the sweep's or of those above
 * @param fit that chose them; absent if a person did
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record SweepAddition(
        @Nullable List<SweepSpec.ModelEntry> models,
        List<SweepSpec.BudgetEntry> budgets,
        @Nullable Long fit) {}
