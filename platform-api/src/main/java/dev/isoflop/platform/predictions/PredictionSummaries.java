package dev.isoflop.platform.predictions;

import dev.isoflop.evals.stats.Interval;
import dev.isoflop.evals.stats.Statistics;
import dev.isoflop.protocol.api.FitViews;
import dev.isoflop.protocol.api.PredictionViews.Coverage;
import dev.isoflop.protocol.api.PredictionViews.LevelSummary;
import dev.isoflop.protocol.api.PredictionViews.PredictionSummary;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/** How good the predictions of a ledger have been: coverage against what was aimed at, and errors, by extrapolation. */
@Component
@Transactional(readOnly = true)
class PredictionSummaries {

    static final List<String> CLASSES = List.of("<=1", "1-3", "3-10", ">10");
    private static final String ALL = "all";
    /** Of Wilson's interval for a coverage. */
    private static final double CONFIDENCE = 0.95;

    /** A budget that was itself fitted may come out a rounding above 1. */
    private static final String CLASS = """
            case when p.extrapolation_ratio <= 1 + 1e-9 then '<=1' when p.extrapolation_ratio <= 3 then '1-3'
                 when p.extrapolation_ratio <= 10 then '3-10' else '>10' end""";

    private final JdbcClient jdbc;
    private final PredictionQueries queries;

    PredictionSummaries(JdbcClient jdbc, PredictionQueries queries) {
        this.jdbc = jdbc;
        this.queries = queries;
    }

    private record Row(double level, Coverage coverage) {}

    PredictionSummary summary(PredictionQueries.Filter filter) {
        PredictionQueries.Where where = queries.where(filter);
        record Counts(int open, int voided) {}
        Counts counts = jdbc.sql(
                        "select count(*) filter (where p.state = 'open'), count(*) filter (where p.state = 'void')"
                                + " from prediction p" + where.sql())
                .params(where.values())
                .query((rs, i) -> new Counts(rs.getInt(1), rs.getInt(2)))
                .single();
        List<Row> rows = jdbc.sql("""
                        select level, coalesce(ratio, 'all'), count(*), count(*) filter (where covered), count(*) filter (where diverged),
                               percentile_cont(0.5) within group (order by abs(log_error)), avg(abs(log_error)), avg(log_error)
                          from (select p.level, %s as ratio, p.covered, p.diverged, p.log_error from prediction p %s and p.state = 'scored') x
                         group by grouping sets ((level, ratio), (level)) order by level
                        """.formatted(CLASS, where.sql()))
                .params(where.values())
                .query((rs, i) -> new Row(
                        rs.getDouble(1),
                        coverage(
                                rs.getString(2),
                                rs.getInt(3),
                                rs.getInt(4),
                                rs.getInt(5),
                                rs.getObject(6, Double.class),
                                rs.getObject(7, Double.class),
                                rs.getObject(8, Double.class))))
                .list();
        return new PredictionSummary(
                counts.open,
                counts.voided,
                rows.stream()
                        .map(Row::level)
                        .distinct()
                        .map(level -> new LevelSummary(
                                level,
                                of(rows, level, ALL),
                                CLASSES.stream().map(c -> of(rows, level, c)).toList()))
                        .toList());
    }

    private static Coverage of(List<Row> rows, double level, String ratio) {
        return rows.stream()
                .filter(row -> row.level == level && row.coverage.ratio().equals(ratio))
                .map(Row::coverage)
                .findFirst()
                .orElseGet(() -> coverage(ratio, 0, 0, 0, null, null, null));
    }

    private static Coverage coverage(
            String ratio,
            int scored,
            int covered,
            int diverged,
            @Nullable Double medianError,
            @Nullable Double meanError,
            @Nullable Double bias) {
        FitViews.@Nullable Estimate share = null;
        if (scored > 0) {
            Interval wilson = Statistics.wilson(covered, scored, CONFIDENCE);
            share = new FitViews.Estimate("coverage", wilson.value(), wilson.low(), wilson.high());
        }
        return new Coverage(ratio, scored, covered, diverged, share, medianError, meanError, bias);
    }
}
