package dev.isoflop.db.testing;

import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Skips tests that are to run on a PostgreSQL in a container where there can be none, with the reason. */
final class ContainerCondition implements ExecutionCondition {

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        if (!TestDatabase.inContainer()) {
            return ConditionEvaluationResult.enabled("on the embedded PostgreSQL");
        }
        return ContainerDatabase.missing()
                .map(ConditionEvaluationResult::disabled)
                .orElseGet(() -> ConditionEvaluationResult.enabled("on a PostgreSQL in a container"));
    }
}
