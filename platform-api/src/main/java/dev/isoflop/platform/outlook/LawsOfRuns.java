package dev.isoflop.platform.outlook;

import dev.isoflop.platform.fits.FittedLaw;
import dev.isoflop.platform.fits.Refits;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.FitViews;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/** What fits say of runs. */
@Component
class LawsOfRuns {

    private final JdbcClient jdbc;
    private final Refits refits;

    LawsOfRuns(JdbcClient jdbc, Refits refits) {
        this.jdbc = jdbc;
        this.refits = refits;
    }

    /**
     * @param forecast at the fit's own level
     */
    record Said(FitViews.Fit fit, FittedLaw.Forecast forecast) {}

    /** @throws ProblemException not-found; prediction-refused if this version of the product makes another law of the fit's record */
    Said say(long fitId, SizedRun run) {
        Refits.Known known = refits.law(fitId);
        FittedLaw law = known.law();
        return new Said(
                known.fit(),
                law == null
                        ? new FittedLaw.Forecast.Refused("fit-refused", refusal(known.fit()))
                        : law.forecast(run.n(known.countsEmbeddings()), run.tokens(), run.flops()));
    }

    private static String refusal(FitViews.Fit fit) {
        FitViews.@Nullable Refusal refusal = fit.refusal();
        return "Fit %d was refused itself%s".formatted(fit.id(), refusal == null ? "." : ": " + refusal.message());
    }

    /** The newest parametric fit of the run's experiment that has converged on runs measured as this one is. */
    Optional<Long> newest(SizedRun run) {
        return jdbc.sql("""
                        select f.id
                          from fit f join sweep s on s.id = f.sweep_id
                         where s.experiment_id = :experiment and f.method = 'parametric' and f.status = 'converged'
                           and (select r.comparability from run r
                                 where r.id = cast(f.body -> 'points' -> 0 ->> 'runId' as bigint)) is not distinct from :comparability
                         order by f.id desc limit 1
                        """)
                .param("experiment", run.experimentId())
                .param("comparability", run.comparability(), java.sql.Types.VARCHAR)
                .query(Long.class)
                .optional();
    }

    /** Whether the losses of the fitted runs were measured as this one's will be. */
    boolean comparable(long fitId, SizedRun run) {
        return jdbc.sql("""
                        select (select r.comparability from run r
                                 where r.id = cast(f.body -> 'points' -> 0 ->> 'runId' as bigint)) is not distinct from :comparability
                          from fit f where f.id = :fit
                        """)
                .param("fit", fitId)
                .param("comparability", run.comparability(), java.sql.Types.VARCHAR)
                .query(Boolean.class)
                .optional()
                .orElse(true);
    }

    /**
     * A run as laws see it.
     *
     * @param flops C, as its sweep's budgets count it
     */
    record SizedRun(
            @Nullable Long experimentId,
            @Nullable String comparability,
            double parameters,
            double nonEmbedding,
            double tokens,
            double flops) {

        double n(boolean countEmbeddings) {
            return countEmbeddings ? parameters : nonEmbedding;
        }
    }

    /** Of a run that is there. */
    SizedRun run(long id) {
        return jdbc.sql("""
                        select experiment_id, comparability, n_params, n_params_nonembed, tokens,
                               case when budget > 0 then budget else flops end
                          from run where id = ?
                        """)
                .param(id)
                .query((rs, i) -> new SizedRun(
                        rs.getObject(1, Long.class),
                        rs.getString(2),
                        rs.getDouble(3),
                        rs.getDouble(4),
                        rs.getDouble(5),
                        rs.getDouble(6)))
                .single();
    }
}
