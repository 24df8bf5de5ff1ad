package dev.isoflop.platform.outlook;

import dev.isoflop.platform.fits.FittedLaw;
import dev.isoflop.platform.fits.Refits;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.FitViews;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/**
 * What fits say of runs.
 *
 * <p>Concurrency: a fit never changes, so its law is made once, which takes a second or two, and kept while it is among the {@value #KEPT} asked last. A law draws its intervals when it
 * is first asked and is not thread safe: one thread at a time asks it; others that want the same wait, those that want another do not.
 */
@Component
class LawsOfRuns {

    private static final int KEPT = 8;

    private final JdbcClient jdbc;
    private final Refits refits;
    private final Map<Long, Kept> kept = new LinkedHashMap<>(KEPT, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, Kept> eldest) {
            return size() > KEPT;
        }
    };

    LawsOfRuns(JdbcClient jdbc, Refits refits) {
        this.jdbc = jdbc;
        this.refits = refits;
    }

    /**
     * @param forecast at the fit's own level
     */
    record Said(FitViews.Fit fit, FittedLaw.Forecast forecast) {}

    /** A fit's law, made when it is first asked. */
    private final class Kept {
        private final long fitId;
        private Refits.@Nullable Known known;

        Kept(long fitId) {
            this.fitId = fitId;
        }

        synchronized Said of(SizedRun run) {
            Refits.Known law = known;
            if (law == null) {
                law = refits.law(fitId);
                known = law;
            }
            FittedLaw fitted = law.law();
            return new Said(
                    law.fit(),
                    fitted == null
                            ? new FittedLaw.Forecast.Refused("fit-refused", refusal(law.fit()))
                            : fitted.forecast(run.n(law.countsEmbeddings()), run.tokens(), run.flops()));
        }

        private static String refusal(FitViews.Fit fit) {
            FitViews.@Nullable Refusal refusal = fit.refusal();
            return "Fit %d was refused itself%s".formatted(fit.id(), refusal == null ? "." : ": " + refusal.message());
        }
    }

    /** @throws ProblemException not-found; prediction-refused if this version of the product makes another law of the fit's record */
    Said say(long fitId, SizedRun run) {
        Kept law;
        synchronized (kept) {
            law = kept.computeIfAbsent(fitId, Kept::new);
        }
        return law.of(run);
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
