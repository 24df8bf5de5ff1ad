package dev.isoflop.platform.fits;

import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.FitViews;
import dev.isoflop.protocol.api.SweepSpec;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.error.Problem;
import dev.isoflop.scaling.law.FitPoint;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/** Finds the points of a sweep's fit: which runs count, which do not and why. */
@Component
class FitGatherer {

    private static final String RULE = "6ND";

    private final JdbcClient jdbc;
    private final JsonMapper json;

    FitGatherer(JdbcClient jdbc, JsonMapper json) {
        this.jdbc = jdbc;
        this.json = json;
    }

    private record RunRow(
            long id,
            String name,
            String state,
            long parameters,
            long nonEmbedding,
            long tokens,
            double flops,
            double budget,
            long seed,
            @Nullable Double finalLoss,
            boolean diverged,
            @Nullable String comparability,
            @Nullable String failureCode,
            @Nullable String model,
            BestRecipe.Recipe recipe) {

        /** Two shapes may have as many parameters, so the shape itself is part of it. */
        Cell cell() {
            return new Cell(budget, parameters, model);
        }
    }

    private record Cell(
            double budget, long parameters, @Nullable String model) {}

    /**
     * @throws ProblemException not-found, invalid-request for an exclusion of no run of the sweep, incomparable-runs
     */
    FitInputs gather(long sweepId, FitViews.CreateFit request) {
        String spec = jdbc.sql("select spec from sweep where id = ?")
                .param(sweepId)
                .query(String.class)
                .optional()
                .orElseThrow(() -> new ProblemException(ErrorCode.NOT_FOUND, "There is no sweep " + sweepId + "."));
        List<RunRow> runs = runs(sweepId);
        Map<Long, String> asked = exclusions(request, runs);
        return switch (json.readValue(spec, SweepSpec.class)) {
            case SweepSpec.Command _ ->
                throw new ProblemException(
                        ErrorCode.INCOMPARABLE_RUNS,
                        "A sweep of commands has no N, D and C that a law could be fitted to.");
            case SweepSpec.IsoFlop isoflop -> {
                boolean planned = isoflop.countEmbeddings() == null || isoflop.countEmbeddings();
                boolean counted = request.countEmbeddings() == null ? planned : request.countEmbeddings();
                Double target = request.target() == null ? isoflop.target() : request.target();
                List<String> warnings = new ArrayList<>();
                if (counted != planned) {
                    warnings.add(
                            "The budgets were planned with N %s embeddings, this fit counts N %s: D* = C/6N holds for"
                                            .formatted(with(planned), with(counted))
                                    + " the former only.");
                }
                String rule = isoflop.flopRule();
                if (rule != null && !rule.equals(RULE)) {
                    warnings.add(
                            "The budgets count FLOPs as '" + rule + "', the law's D* = C/6N assumes " + RULE + ".");
                }
                yield inputs(sweepId, runs, asked, target, counted, warnings);
            }
        };
    }

    private static String with(boolean embeddings) {
        return embeddings ? "with" : "without";
    }

    private static FitInputs inputs(
            long sweepId,
            List<RunRow> runs,
            Map<Long, String> asked,
            @Nullable Double target,
            boolean countEmbeddings,
            List<String> warnings) {
        List<FitViews.Point> points = new ArrayList<>();
        List<FitPoint> fitPoints = new ArrayList<>();
        List<FitViews.Excluded> excluded = new ArrayList<>();
        BestRecipe.Choice choice = comparable(runs, asked);
        for (RunRow run : runs) {
            String unusable = reason(run, asked.get(run.id));
            String reason = unusable == null ? choice.reasons().get(run.id) : unusable;
            Double loss = run.finalLoss;
            if (reason != null || loss == null) {
                excluded.add(new FitViews.Excluded(run.id, run.name, reason == null ? "no final loss" : reason));
                continue;
            }
            double n = countEmbeddings ? run.parameters : run.nonEmbedding;
            points.add(new FitViews.Point(
                    run.id,
                    run.name,
                    n,
                    run.nonEmbedding,
                    run.tokens,
                    run.flops,
                    run.budget,
                    run.seed,
                    run.recipe.batchSequences(),
                    run.recipe.learningRate(),
                    loss));
            fitPoints.add(new FitPoint(n, run.tokens, run.budget, loss, run.seed, null, 1));
        }
        if (choice.cells() > 0) {
            warnings.add(
                    ("%d %s trained with several recipes: only the one with the lowest mean loss of a cell enters, the"
                                    + " other %d runs are left out.")
                            .formatted(
                                    choice.cells(),
                                    choice.cells() == 1 ? "cell was" : "cells were",
                                    choice.reasons().size()));
        }
        return new FitInputs(sweepId, points, fitPoints, excluded, target, countEmbeddings, List.copyOf(warnings));
    }

    /** Chooses recipes among the runs that could be used; before that their losses must be found to be comparable. */
    private static BestRecipe.Choice comparable(List<RunRow> runs, Map<Long, String> asked) {
        Map<String, List<String>> byHash = new LinkedHashMap<>();
        List<BestRecipe.Trained> usable = new ArrayList<>();
        for (RunRow run : runs) {
            Double loss = run.finalLoss;
            if (loss != null && reason(run, asked.get(run.id)) == null) {
                byHash.computeIfAbsent(run.comparability == null ? "" : run.comparability, h -> new ArrayList<>())
                        .add(run.name);
                usable.add(new BestRecipe.Trained(run.id, run.cell(), run.recipe, loss));
            }
        }
        if (byHash.size() > 1) {
            throw incomparable(byHash);
        }
        return BestRecipe.among(usable);
    }

    private static ProblemException incomparable(Map<String, List<String>> byHash) {
        List<Problem.FieldError> groups = byHash.entrySet().stream()
                .map(e -> new Problem.FieldError(
                        "/exclude",
                        "%d runs (%s, …) were measured as %s"
                                .formatted(
                                        e.getValue().size(),
                                        e.getValue().getFirst(),
                                        e.getKey().isEmpty() ? "unknown" : e.getKey()),
                        null,
                        null))
                .toList();
        return new ProblemException(
                ErrorCode.INCOMPARABLE_RUNS,
                "The sweep's runs differ in tokenizer, data, evaluation, precision or optimizer: their losses share no law. Exclude"
                        + " all but one group.",
                groups);
    }

    private static @Nullable String reason(RunRow run, @Nullable String asked) {
        if (asked != null) {
            return asked;
        }
        if (run.diverged) {
            return "diverged";
        }
        return switch (run.state) {
            case "succeeded" -> {
                Double loss = run.finalLoss;
                if (loss == null || !Double.isFinite(loss) || loss <= 0) {
                    yield "no finite final loss";
                }
                yield run.tokens > 0 && run.budget > 0 && run.nonEmbedding > 0 ? null : "no tokens, budget or size";
            }
            case "failed" -> run.failureCode == null ? "failed" : "failed: " + run.failureCode;
            default -> run.state.equals("cancelled") ? "cancelled" : "not finished (" + run.state + ")";
        };
    }

    private static Map<Long, String> exclusions(FitViews.CreateFit request, List<RunRow> runs) {
        Map<Long, String> asked = new HashMap<>();
        List<FitViews.Exclusion> exclusions = request.exclude() == null ? List.of() : request.exclude();
        for (int i = 0; i < exclusions.size(); i++) {
            FitViews.Exclusion exclusion = exclusions.get(i);
            if (runs.stream().noneMatch(run -> run.id == exclusion.runId())) {
                throw FitRequests.invalid(
                        "/exclude/" + i + "/runId", "run " + exclusion.runId() + " is no pretraining run of the sweep");
            }
            asked.put(exclusion.runId(), "excluded: " + FitRequests.reason(i, exclusion));
        }
        return asked;
    }

    private List<RunRow> runs(long sweepId) {
        return jdbc.sql("""
                select id, name, state, n_params, n_params_nonembed, tokens, flops, budget, coalesce(seed, 0) as seed,
                       final_loss, diverged, comparability, failure_code, spec ->> 'model' as model,
                       (spec -> 'training' ->> 'batchSequences')::int as batch_sequences, learning_rate
                  from run join run_job on run_id = id where sweep_id = ? and kind = 'pretrain' order by id""")
                .param(sweepId)
                .query((row, i) -> new RunRow(
                        row.getLong("id"),
                        row.getString("name"),
                        row.getString("state"),
                        row.getLong("n_params"),
                        row.getLong("n_params_nonembed"),
                        row.getLong("tokens"),
                        row.getDouble("flops"),
                        row.getDouble("budget"),
                        row.getLong("seed"),
                        row.getObject("final_loss", Double.class),
                        row.getBoolean("diverged"),
                        row.getString("comparability"),
                        row.getString("failure_code"),
                        row.getString("model"),
                        new BestRecipe.Recipe(
                                row.getObject("batch_sequences", Integer.class),
                                row.getObject("learning_rate", Double.class))))
                .list();
    }
}
