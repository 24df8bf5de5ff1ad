package dev.isoflop.platform.predictions;

import dev.isoflop.platform.shared.problem.Names;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.error.ErrorCode;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * How the ledger is ordered: by a number of each prediction, then its id. Absent numbers come last whichever the direction.
 *
 * @param field name as asked for, with its minus sign
 * @param sql expression of that number
 * @param descending largest first
 */
record PredictionSort(String field, String sql, boolean descending) {

    private static final Map<String, String> FIELDS = Map.of(
            "id", "p.id::float8",
            "n", "p.n",
            "d", "p.d",
            "flops", "p.flops",
            "extrapolationRatio", "p.extrapolation_ratio",
            "loss", "p.loss",
            "observed", "p.observed",
            "logError", "p.log_error",
            "absoluteError", "abs(p.log_error)");

    /** @throws ProblemException invalid-request, naming what it can be sorted by */
    static PredictionSort parse(@Nullable String sort) {
        String asked = sort == null || sort.isBlank() ? "-id" : sort.trim();
        boolean descending = asked.startsWith("-");
        String name = descending ? asked.substring(1) : asked;
        String sql = FIELDS.get(name);
        if (sql == null) {
            String fields = String.join(", ", new TreeSet<>(FIELDS.keySet()));
            throw new ProblemException(
                    ErrorCode.INVALID_REQUEST,
                    "Predictions cannot be sorted by '%s'%s; use one of %s, with - before it for descending."
                            .formatted(
                                    name,
                                    Names.nearest(name, FIELDS.keySet())
                                            .map(n -> " (did you mean " + n + "?)")
                                            .orElse(""),
                                    fields));
        }
        return new PredictionSort(asked, sql, descending);
    }

    /** A number for each row, never null. */
    String key() {
        return "coalesce(" + sql + ", '" + (descending ? "-" : "") + "infinity'::float8)";
    }

    String order() {
        String direction = descending ? " desc" : " asc";
        return " order by " + key() + direction + ", p.id" + direction;
    }

    /** Rows after the one whose number and id are the parameters {@code cursorKey} and {@code cursorId}. */
    String after() {
        return " and (" + key() + ", p.id) " + (descending ? "<" : ">")
                + " (cast(:cursorKey as float8), cast(:cursorId as bigint))";
    }
}
