package dev.isoflop.platform.runs;

import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.error.ErrorCode;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How a list of runs is ordered: a field of the run view, then the id, so that the order is total. Absent values come
 * last whichever the direction, by id; they are asked for by themselves, so that an index serves for the others.
 *
 * @param field name as asked for, with its minus sign
 * @param column that it is of
 * @param descending largest first
 */
record RunSort(String field, Column column, boolean descending) {

    /**
     * A column of run {@code r} or of its sweep {@code s}.
     *
     * @param type SQL type of the expression
     * @param optional whether it can be null
     */
    record Column(String sql, String type, boolean optional) {}

    private static final String REAL = "double precision";
    private static final String WHOLE = "bigint";
    private static final String TIME = "timestamptz";

    private static final Map<String, Column> COLUMNS = Map.ofEntries(
            Map.entry("id", always("r.id", WHOLE)),
            Map.entry("attempt", always("r.attempt_no", WHOLE)),
            Map.entry("priority", always("r.priority", WHOLE)),
            Map.entry("parameters", always("r.n_params", WHOLE)),
            Map.entry("nonEmbeddingParameters", always("r.n_params_nonembed", WHOLE)),
            Map.entry("tokens", always("r.tokens", WHOLE)),
            Map.entry("flops", always("r.flops", REAL)),
            Map.entry("flopsExact", always("r.flops_exact", REAL)),
            Map.entry("budget", always("r.budget", REAL)),
            Map.entry("seed", optional("r.seed", WHOLE)),
            Map.entry("learningRate", optional("r.learning_rate", REAL)),
            Map.entry("steps", always("r.steps", WHOLE)),
            Map.entry("step", always("r.step", WHOLE)),
            Map.entry("doneTokens", always("r.step * r.tokens_per_step", WHOLE)),
            Map.entry("trainLoss", optional("r.train_loss", REAL)),
            Map.entry("finalLoss", optional("r.final_loss", REAL)),
            Map.entry("bitsPerByte", optional("r.bits_per_byte", REAL)),
            Map.entry("tokensPerSecond", optional("r.tokens_per_second", REAL)),
            Map.entry("createdAt", always("r.created_at", TIME)),
            Map.entry("startedAt", optional("r.started_at", TIME)),
            Map.entry("finishedAt", optional("r.finished_at", TIME)),
            Map.entry("name", always("r.name", "text")),
            Map.entry("state", always("r.state", "text")),
            Map.entry("kind", always("r.kind", "text")),
            Map.entry("pool", always("r.pool", "text")),
            Map.entry("sweep", optional("s.name", "text")));

    private static Column always(String sql, String type) {
        return new Column(sql, type, false);
    }

    private static Column optional(String sql, String type) {
        return new Column(sql, type, true);
    }

    /** @throws ProblemException invalid-request, if no run has such a field */
    static RunSort parse(@Nullable String sort) {
        String asked = sort == null || sort.isBlank() ? "-id" : sort.trim();
        boolean descending = asked.startsWith("-");
        Column column = COLUMNS.get(descending ? asked.substring(1) : asked);
        if (column == null) {
            throw new ProblemException(
                    ErrorCode.INVALID_REQUEST,
                    "Runs cannot be sorted by '" + (descending ? asked.substring(1) : asked)
                            + "'; use a field of the run view.");
        }
        return new RunSort(asked, column, descending);
    }

    private boolean isById() {
        return column.sql.equals("r.id");
    }

    private String direction() {
        return descending ? " desc" : " asc";
    }

    private String beyond() {
        return descending ? " < " : " > ";
    }

    /** Those that have a value. */
    String present() {
        return column.optional ? " and " + column.sql + " is not null" : "";
    }

    /** Those that have none. */
    String absent() {
        return " and " + column.sql + " is null";
    }

    /** Order of those that have a value. */
    String order() {
        return " order by " + (isById() ? "" : column.sql + direction() + ", ") + "r.id" + direction();
    }

    String orderOfAbsent() {
        return " order by r.id" + direction();
    }

    /** Rows after the one whose value and id are the parameters {@code cursorValue} and {@code cursorId}. */
    String after() {
        if (isById()) {
            return afterAbsent();
        }
        return " and (" + column.sql + ", r.id)" + beyond() + "(cast(:cursorValue as " + column.type
                + "), cast(:cursorId as bigint))";
    }

    /** Rows without a value after the one whose id is the parameter {@code cursorId}. */
    String afterAbsent() {
        return " and r.id" + beyond() + "cast(:cursorId as bigint)";
    }
}
