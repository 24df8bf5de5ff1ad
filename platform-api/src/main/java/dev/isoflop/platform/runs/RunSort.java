package dev.isoflop.platform.runs;

import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.error.ErrorCode;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How a list of runs is ordered: a field of the run view, then the id, so that the order is total. Absent values come
 * last whichever the direction.
 *
 * @param field name as asked for, with its minus sign
 * @param expression SQL that is never null
 * @param type SQL type of the expression
 * @param descending largest first
 */
record RunSort(String field, String expression, String type, boolean descending) {

    private static final Map<String, String> NUMBERS = Map.ofEntries(
            Map.entry("id", "r.id"),
            Map.entry("attempt", "r.attempt_no"),
            Map.entry("priority", "r.priority"),
            Map.entry("parameters", "r.n_params"),
            Map.entry("nonEmbeddingParameters", "r.n_params_nonembed"),
            Map.entry("tokens", "r.tokens"),
            Map.entry("flops", "r.flops"),
            Map.entry("flopsExact", "r.flops_exact"),
            Map.entry("budget", "r.budget"),
            Map.entry("seed", "r.seed"),
            Map.entry("learningRate", "r.learning_rate"),
            Map.entry("steps", "r.steps"),
            Map.entry("step", "r.step"),
            Map.entry("doneTokens", "r.step * r.tokens_per_step"),
            Map.entry("trainLoss", "r.train_loss"),
            Map.entry("finalLoss", "r.final_loss"),
            Map.entry("bitsPerByte", "r.bits_per_byte"),
            Map.entry("tokensPerSecond", "r.tokens_per_second"),
            Map.entry("createdAt", "date_part('epoch', r.created_at)"),
            Map.entry("startedAt", "date_part('epoch', r.started_at)"),
            Map.entry("finishedAt", "date_part('epoch', r.finished_at)"));
    private static final Map<String, String> TEXTS = Map.of(
            "name", "r.name", "state", "r.state", "kind", "r.kind", "pool", "r.pool", "sweep", "coalesce(s.name, '')");

    static RunSort parse(@Nullable String sort) {
        String asked = sort == null || sort.isBlank() ? "-id" : sort.trim();
        boolean descending = asked.startsWith("-");
        String field = descending ? asked.substring(1) : asked;
        String number = NUMBERS.get(field);
        if (field.equals("id")) {
            // as it is stored, so that the index on it serves
            return new RunSort(asked, "r.id", "bigint", descending);
        }
        if (number != null) {
            String last = descending ? "'-Infinity'" : "'Infinity'";
            return new RunSort(
                    asked,
                    "coalesce(cast(" + number + " as double precision), " + last + "::double precision)",
                    "double precision",
                    descending);
        }
        String text = TEXTS.get(field);
        if (text == null) {
            throw new ProblemException(
                    ErrorCode.INVALID_REQUEST,
                    "Runs cannot be sorted by '" + field + "'; use a field of the run view.");
        }
        return new RunSort(asked, text, "text", descending);
    }

    private boolean isById() {
        return expression.equals("r.id");
    }

    String order() {
        String direction = descending ? " desc" : " asc";
        if (isById()) {
            return " order by r.id" + direction;
        }
        return " order by " + expression + direction + ", r.id" + direction;
    }

    /** Rows after the one whose value and id are the parameters {@code cursorValue} and {@code cursorId}. */
    String after() {
        if (isById()) {
            return " and r.id " + (descending ? "<" : ">") + " cast(:cursorId as bigint)";
        }
        return " and (" + expression + ", r.id) " + (descending ? "<" : ">") + " (cast(:cursorValue as " + type
                + "), cast(:cursorId as bigint))";
    }
}
