package dev.isoflop.platform.sweeps;

import dev.isoflop.db.run.NewRun;
import dev.isoflop.db.run.RunStore;
import dev.isoflop.db.sweep.SweepStore;
import dev.isoflop.db.sweep.SweepStore.SweepRow;
import dev.isoflop.platform.access.ExperimentAccess;
import dev.isoflop.platform.access.Submitter;
import dev.isoflop.platform.scheduling.Budgets;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.platform.sweeps.PretrainRuns.Ready;
import dev.isoflop.platform.sweeps.Recipes.Recipe;
import dev.isoflop.protocol.api.SweepAddition;
import dev.isoflop.protocol.api.SweepSpec;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.error.Problem;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;
import tools.jackson.databind.json.JsonMapper;

/**
 * More runs for a sweep that exists. A fit of the sweep has them all, so that each wave can be chosen by what those before it came to ({@link AddableRuns}).
 *
 * <p>Concurrency: additions to one sweep come one after another, under the lock that a cancellation takes.
 */
@Component
public class SweepGrowth {

    private final SweepStore store;
    private final RunStore runs;
    private final SweepSupply supply;
    private final PretrainRuns pretraining;
    private final Budgets budgets;
    private final ExperimentAccess access;
    private final JdbcClient jdbc;
    private final JsonMapper json;

    SweepGrowth(
            SweepStore store,
            RunStore runs,
            SweepSupply supply,
            PretrainRuns pretraining,
            Budgets budgets,
            ExperimentAccess access,
            JdbcClient jdbc,
            JsonMapper json) {
        this.store = store;
        this.runs = runs;
        this.supply = supply;
        this.pretraining = pretraining;
        this.budgets = budgets;
        this.access = access;
        this.jdbc = jdbc;
        this.json = json;
    }

    /**
     * Queues the runs of an addition.
     *
     * @return their ids
     * @throws ProblemException not-found; forbidden; illegal-transition for a sweep that was cancelled; invalid-sweep, model-too-large, not-enough-tokens,
     *     dataset-not-ready and budget-exceeded as a submission does
     */
    @Transactional
    public List<Long> add(long sweepId, SweepAddition addition, Submitter submitter) {
        SweepRow row = store.lock(sweepId).orElseThrow(() -> notFound(sweepId));
        access.maySubmitTo(row.experiment(), submitter);
        if (row.cancelledAt() != null) {
            throw new ProblemException(
                    ErrorCode.ILLEGAL_TRANSITION,
                    "Sweep %d was cancelled: nothing is added to it; submit another.".formatted(sweepId));
        }
        SweepSpec.IsoFlop spec = isoFlop(sweepId, spec(row));
        List<Problem.FieldError> errors = new ArrayList<>();
        GrownSweep.check(addition, errors);
        Long fit = addition.fit();
        if (fit != null && !isFit(fit)) {
            errors.add(new Problem.FieldError("/fit", "There is no fit " + fit + ".", "a fit, or nothing", null));
        }
        if (!errors.isEmpty()) {
            throw SweepPlanning.invalid(errors);
        }
        Ready dataset = supply.ready(spec);
        String pool = SweepSupply.pool(spec);
        SweepPlanning.Planned planned =
                SweepPlanning.plan(grown(sweepId, spec).only(addition), dataset.detail(), supply.memory(pool));
        if (!planned.dropped().isEmpty()) {
            throw SweepPlanning.invalid(planned.dropped().stream()
                    .map(drop -> new Problem.FieldError("/budgets", drop.sentence(), null, null))
                    .toList());
        }
        List<NewRun> queued = GrownSweep.renamed(planned.cells(), taken(sweepId)).stream()
                .map(cell -> pretraining.run(sweepId, spec, cell, pool, dataset))
                .toList();
        double flops = queued.stream().mapToDouble(run -> run.size().flops()).sum();
        budgets.admit(row.experimentId(), flops);
        store.add(
                sweepId,
                new SweepStore.NewAddition(
                        json.writeValueAsString(addition), fit, flops, queued.size(), submitter.self()));
        return runs.createAll(queued);
    }

    private boolean isFit(long id) {
        access.maySeeFit(id);
        return jdbc.sql("select exists (select from fit where id = ?)")
                .param(id)
                .query(Boolean.class)
                .single();
    }

    private Map<String, Recipe> taken(long sweepId) {
        Map<String, Recipe> taken = new HashMap<>();
        jdbc.sql("""
                        select name, coalesce((spec -> 'training' ->> 'batchSequences')::int, 0), coalesce(learning_rate, 0)
                          from run join run_job on run_id = id where sweep_id = ?
                        """).param(sweepId).query(rs -> {
            taken.put(rs.getString(1), new Recipe(rs.getInt(2), rs.getDouble(3)));
        });
        return taken;
    }

    /** A stored sweep with its additions. */
    GrownSweep grown(long sweepId, SweepSpec.IsoFlop spec) {
        return new GrownSweep(
                spec,
                store.additions(List.of(sweepId)).getOrDefault(sweepId, List.of()).stream()
                        .map(added -> json.readValue(added.additionJson(), SweepAddition.class))
                        .toList());
    }

    /** @throws ProblemException not-found */
    SweepSpec specOf(long sweepId) {
        return spec(store.find(sweepId).orElseThrow(() -> notFound(sweepId)));
    }

    /** @throws ProblemException not-found; invalid-sweep for one of commands */
    SweepSpec.IsoFlop isoFlopOf(long sweepId) {
        return isoFlop(sweepId, specOf(sweepId));
    }

    private SweepSpec spec(SweepRow row) {
        return json.readValue(row.specJson(), SweepSpec.class);
    }

    private static SweepSpec.IsoFlop isoFlop(long sweepId, SweepSpec spec) {
        return switch (spec) {
            case SweepSpec.IsoFlop isoflop -> isoflop;
            case SweepSpec.Command _ ->
                throw SweepPlanning.invalid(List.of(new Problem.FieldError(
                        "/budgets",
                        "Sweep %d runs commands: models and budgets are nothing to it; submit another."
                                .formatted(sweepId),
                        null,
                        null)));
        };
    }

    private static ProblemException notFound(long id) {
        return new ProblemException(ErrorCode.NOT_FOUND, "There is no sweep " + id + ".");
    }
}
