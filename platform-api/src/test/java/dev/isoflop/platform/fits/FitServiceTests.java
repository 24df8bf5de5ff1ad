package dev.isoflop.platform.fits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.db.fit.FitStore;
import dev.isoflop.db.run.RunTransitioned;
import dev.isoflop.db.testing.DatabaseTest;
import dev.isoflop.db.testing.TestDatabase;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.FitViews;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.scaling.law.ChinchillaLaw;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.sql.DataSource;
import org.awaitility.Awaitility;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.json.JsonMapper;

@DatabaseTest
class FitServiceTests {

    private static final ChinchillaLaw TRUTH = new ChinchillaLaw(1.8, 400, 500, 0.34, 0.3);
    private static final FitViews.CreateFit QUICK = new FitViews.CreateFit(null, null, null, 200, null, null);

    private static TestDatabase postgres;
    private static JdbcClient jdbc;

    private final List<Long> announced = new CopyOnWriteArrayList<>();
    private FitService fits;
    private long sweep;

    @BeforeAll
    static void startDatabase() {
        postgres = TestDatabase.start();
        DataSource dataSource = postgres.dataSource();
        Flyway.configure().dataSource(dataSource).load().migrate();
        jdbc = JdbcClient.create(dataSource);
    }

    @AfterAll
    static void stopDatabase() {
        postgres.close();
    }

    @BeforeEach
    void aSweep() {
        JsonMapper json = JsonMapper.builder().build();
        FitStore store = new FitStore(postgres.dataSource());
        fits = new FitService(
                new FitGatherer(jdbc, json), store, event -> announced.add(((FitMade) event).fitId()), json);
        sweep = newSweep("\"target\": 1e14");
    }

    @Test
    void aNoisySweepOfAKnownLawGivesItBackWithIntervals() {
        trainAll(0.002);
        FitService.Made made = fits.fit(sweep, QUICK);
        assertThat(made.created()).isTrue();
        FitViews.Fit isoflop = made.fits().getFirst();
        assertThat(isoflop.status()).isEqualTo("converged");
        assertThat(isoflop.budgets()).hasSize(4).allSatisfy(b -> {
            FitViews.Optimum optimum = b.optimum();
            Double a = b.a();
            Double slope = b.b();
            assertThat(optimum).isNotNull();
            assertThat(a).isNotNull();
            assertThat(slope).isNotNull();
            double vertex = Math.exp(-slope / (2 * a));
            assertThat(vertex).isCloseTo(optimum.n().value(), within(1e-6 * vertex));
            double x = Math.log(vertex);
            assertThat(a * x * x + slope * x + b.c()).isCloseTo(optimum.loss().value(), within(1e-6));
        });
        FitViews.Estimate a = parameter(isoflop, "a");
        assertThat(a.value()).isCloseTo(TRUTH.a(), within(0.08));
        assertThat(a.low()).isLessThan(a.value());
        assertThat(a.high()).isGreaterThan(a.value());
        FitViews.Optimum target = isoflop.target();
        assertThat(target).isNotNull();
        assertThat(target.flops()).isEqualTo(1e14);
        assertThat(target.n().low()).isLessThan(target.n().high());
        assertThat(isoflop.frontier().getFirst().flops()).isLessThan(1e11);
        assertThat(isoflop.frontier().getFirst().extrapolated()).isTrue();
        assertThat(isoflop.frontier().getLast().flops())
                .as("ten times the largest budget")
                .isCloseTo(3e14, within(1e3));
        assertThat(isoflop.frontier()).anyMatch(p -> !p.extrapolated());
        assertThat(isoflop.points()).hasSize(24);

        FitViews.Fit parametric = made.fits().getLast();
        assertThat(parametric.method()).isEqualTo("parametric");
        assertThat(parametric.points()).hasSize(24);
        if (parametric.status().equals("converged")) {
            assertThat(parameter(parametric, "E").value()).isBetween(0.5, 3.0);
        } else {
            assertThat(parametric.refusal()).isNotNull();
        }
    }

    @Test
    void theSameInputsGiveTheStoredFitAndOtherInputsAnother() {
        trainAll(0.002);
        FitService.Made first = fits.fit(sweep, QUICK);
        FitService.Made second = fits.fit(sweep, QUICK);
        assertThat(second.created()).isFalse();
        assertThat(second.fits()).isEqualTo(first.fits());
        assertThat(announced).hasSize(2);
        long run = first.fits().getFirst().points().getFirst().runId();
        FitService.Made without = fits.fit(
                sweep,
                new FitViews.CreateFit(
                        "isoflop", null, null, 200, null, List.of(new FitViews.Exclusion(run, "odd machine"))));
        assertThat(without.created()).isTrue();
        assertThat(without.fits()).hasSize(1);
        assertThat(without.fits().getFirst().excluded())
                .singleElement()
                .satisfies(e -> assertThat(e.reason()).isEqualTo("excluded: odd machine"));
        FitService.Made elsewhere = fits.fit(sweep, new FitViews.CreateFit("isoflop", 3e13, null, 200, null, null));
        assertThat(elsewhere.created()).as("another target is another result").isTrue();
        assertThat(fits.ofSweep(sweep)).hasSize(4);
        assertThat(fits.get(elsewhere.fits().getFirst().id()))
                .isEqualTo(elsewhere.fits().getFirst());
    }

    @Test
    void runsWithoutAUsableLossAreLeftOutWithTheReason() {
        trainAll(0.002);
        run("diverged", 1e11, 5e3, "succeeded", Double.NaN, true, "h");
        run("nan", 1e11, 5e3, "succeeded", Double.NaN, false, "h");
        run("broke", 1e11, 5e3, "failed", null, false, "h");
        run("gone", 1e11, 5e3, "cancelled", null, false, "h");
        run("still", 1e11, 5e3, "running", null, false, "h");
        FitViews.Fit fit = fits.fit(sweep, QUICK).fits().getFirst();
        assertThat(fit.points()).hasSize(24);
        assertThat(fit.excluded())
                .extracting(FitViews.Excluded::name, FitViews.Excluded::reason)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple("diverged", "diverged"),
                        org.assertj.core.groups.Tuple.tuple("nan", "no finite final loss"),
                        org.assertj.core.groups.Tuple.tuple("broke", "failed"),
                        org.assertj.core.groups.Tuple.tuple("gone", "cancelled"),
                        org.assertj.core.groups.Tuple.tuple("still", "not finished (running)"));
    }

    @Test
    void ofACellsRecipesOnlyTheBestEntersAndTheOthersSayWhy() {
        trainAll(0.002);
        double n = 4e4;
        double loss = TRUTH.loss(n, 1e11 / 6 / n);
        long best1 = recipe("best-s1", n, 2, 0.01, loss - 0.02, false, 1);
        long best2 = recipe("best-s2", n, 2, 0.01, loss + 0.02, false, 2);
        recipe("lucky seed of a worse mean-s1", n, 2, 0.003, loss - 0.1, false, 1);
        recipe("lucky seed of a worse mean-s2", n, 2, 0.003, loss + 0.3, false, 2);
        recipe("larger batch", n, 4, 0.01, loss + 0.1, false, 1);
        recipe("diverged with the lowest loss", n, 4, 0.03, loss - 1, true, 1);
        FitViews.Fit fit = fits.fit(sweep, QUICK).fits().getFirst();

        assertThat(fit.points()).hasSize(26);
        assertThat(fit.points().stream().filter(p -> p.n() == n))
                .extracting(FitViews.Point::runId, FitViews.Point::batchSequences, FitViews.Point::learningRate)
                .containsExactly(tuple(best1, 2, 0.01), tuple(best2, 2, 0.01));
        String best = ", batch 2, learning rate 0.01 has %.4f".formatted(loss);
        assertThat(fit.excluded())
                .extracting(FitViews.Excluded::name, FitViews.Excluded::reason)
                .containsExactly(
                        tuple("lucky seed of a worse mean-s1", worse(2, "0.003", loss + 0.1) + best),
                        tuple("lucky seed of a worse mean-s2", worse(2, "0.003", loss + 0.1) + best),
                        tuple("larger batch", worse(4, "0.01", loss + 0.1) + best),
                        tuple("diverged with the lowest loss", "diverged"));
        assertThat(fit.options()).containsEntry("recipes", "lowest-mean-loss");
        assertThat(fit.warnings()).anyMatch(w -> w.startsWith("1 cell was trained with several recipes"));
    }

    @Test
    void withTheBestRecipeExcludedByHandTheNextOneEnters() {
        trainAll(0.002);
        double n = 4e4;
        double loss = TRUTH.loss(n, 1e11 / 6 / n);
        long best = recipe("best", n, 2, 0.01, loss, false, 1);
        long next = recipe("next", n, 4, 0.01, loss + 0.1, false, 1);
        FitViews.Fit fit = fits.fit(
                        sweep,
                        new FitViews.CreateFit(
                                null, null, null, 200, null, List.of(new FitViews.Exclusion(best, "odd machine"))))
                .fits()
                .getFirst();
        assertThat(fit.points()).anyMatch(p -> p.runId() == next).noneMatch(p -> p.runId() == best);
        assertThat(fit.excluded()).extracting(FitViews.Excluded::reason).containsExactly("excluded: odd machine");
        assertThat(fit.inputHash())
                .isNotEqualTo(fits.fit(sweep, QUICK).fits().getFirst().inputHash());
    }

    private static String worse(int batch, String rate, double mean) {
        return "not the best recipe: batch %d, learning rate %s has a mean loss of %.4f".formatted(batch, rate, mean);
    }

    private long recipe(String name, double n, int batch, double rate, double loss, boolean diverged, long seed) {
        long run = run(name, 1e11, n, "succeeded", loss, diverged, "h");
        jdbc.sql("with job as (update run_job set spec = ?::jsonb where run_id = ?)"
                        + " update run set learning_rate = ?, seed = ? where id = ?")
                .params(
                        "{\"model\": {\"dModel\": 24}, \"training\": {\"batchSequences\": %d}}".formatted(batch),
                        run,
                        rate,
                        seed,
                        run)
                .update();
        return run;
    }

    @Test
    void tooFewRunsAreARefusalAndNotAnError() {
        FitService.Made empty = fits.fit(sweep, QUICK);
        assertThat(empty.fits()).allSatisfy(fit -> {
            assertThat(fit.status()).isEqualTo("refused");
            assertThat(fit.refusal()).isNotNull();
            assertThat(fit.parameters()).isEmpty();
            assertThat(fit.target()).isNull();
        });
        run("one", 1e11, 5e4, "succeeded", 3.0, false, "h");
        assertThat(fits.fit(sweep, QUICK).fits())
                .allSatisfy(fit -> assertThat(fit.status()).isEqualTo("refused"));
    }

    @Test
    void aTargetFarBeyondTheBudgetsIsRefusedWithTheRestKept() {
        trainAll(0.002);
        FitViews.Fit fit = fits.fit(sweep, new FitViews.CreateFit("isoflop", 1e20, null, 200, null, null))
                .fits()
                .getFirst();
        assertThat(fit.status()).isEqualTo("converged");
        assertThat(fit.target()).isNull();
        assertThat(fit.warnings()).anyMatch(w -> w.startsWith("No prediction for the target"));
    }

    @Test
    void runsMeasuredDifferentlyShareNoFit() {
        trainAll(0.002);
        run("other", 1e11, 5e4, "succeeded", 3.0, false, "another tokenizer");
        assertThatThrownBy(() -> fits.fit(sweep, QUICK)).isInstanceOfSatisfying(ProblemException.class, e -> {
            assertThat(e.code()).isEqualTo(ErrorCode.INCOMPARABLE_RUNS);
            assertThat(e.errors()).hasSize(2);
        });
    }

    @Test
    void wrongRequestsNameTheField() {
        assertField(new FitViews.CreateFit("bayes", null, null, null, null, null), "/method");
        assertField(new FitViews.CreateFit(null, 0.0, null, null, null, null), "/target");
        assertField(new FitViews.CreateFit(null, null, null, 5, null, null), "/bootstraps");
        assertField(new FitViews.CreateFit(null, null, null, null, 1.0, null), "/level");
        assertField(
                new FitViews.CreateFit(null, null, null, null, null, List.of(new FitViews.Exclusion(-4, "x"))),
                "/exclude/0/runId");
        assertThatThrownBy(() -> fits.fit(-1, QUICK))
                .isInstanceOfSatisfying(
                        ProblemException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.NOT_FOUND));
    }

    @Test
    void theLastRunToEndFitsTheSweepOnceHoweverOftenThatIsSaid() {
        trainAll(0.002);
        long last = run("last", 1e11, 5e4, "running", null, false, "h");
        AutoFit auto = new AutoFit(jdbc, fits);
        try {
            auto.onTransition(ended(last));
            jdbc.sql("update run set state = 'failed' where id = ?").param(last).update();
            auto.onTransition(ended(last));
            auto.onTransition(ended(last));
            auto.onStart();
            Awaitility.await()
                    .atMost(Duration.ofSeconds(30))
                    .untilAsserted(() -> assertThat(announced).hasSize(2));
            Awaitility.await()
                    .during(Duration.ofMillis(300))
                    .untilAsserted(() -> assertThat(fits.ofSweep(sweep)).hasSize(2));
            assertThat(fits.ofSweep(sweep).getFirst().excluded()).hasSize(1);
        } finally {
            auto.destroy();
        }
    }

    @Test
    void aSweepThatHasGrownSinceItsFitIsFittedAgainAtAStart() {
        trainAll(0.002);
        fits.fit(sweep, FitRequests.DEFAULTS);
        long late = run("late", 1e11, 5e4, "succeeded", TRUTH.loss(5e4, 1e11 / 6 / 5e4), false, "h");
        jdbc.sql("update run set finished_at = now() + interval '1 second' where id = ?")
                .param(late)
                .update();
        AutoFit auto = new AutoFit(jdbc, fits);
        try {
            auto.onStart();
            Awaitility.await()
                    .atMost(Duration.ofSeconds(30))
                    .untilAsserted(() -> assertThat(fits.ofSweep(sweep)).hasSize(4));
        } finally {
            auto.destroy();
        }
    }

    private RunTransitioned ended(long run) {
        return new RunTransitioned(
                1, run, sweep, "pretrain", RunState.RUNNING, RunState.FAILED, 1, "test", Instant.EPOCH);
    }

    private void assertField(FitViews.CreateFit request, String pointer) {
        assertThatThrownBy(() -> fits.fit(sweep, request)).isInstanceOfSatisfying(ProblemException.class, e -> {
            assertThat(e.code()).isEqualTo(ErrorCode.INVALID_REQUEST);
            assertThat(e.errors())
                    .first()
                    .satisfies(f -> assertThat(f.pointer()).isEqualTo(pointer));
        });
    }

    private static FitViews.Estimate parameter(FitViews.Fit fit, String name) {
        return fit.parameters().stream()
                .filter(p -> p.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    /** Four budgets, six sizes each around the optimum. */
    private void trainAll(double noise) {
        Random random = new Random(11);
        for (double budget : new double[] {1e11, 1e12, 1e13, 3e13}) {
            double best = TRUTH.optimum(budget).N();
            for (double factor : new double[] {0.25, 0.5, 0.8, 1.4, 2.5, 4}) {
                double n = Math.rint(best * factor);
                double loss = TRUTH.loss(n, budget / 6 / n) + noise * random.nextGaussian();
                run("C%.0e-x%s".formatted(budget, factor), budget, n, "succeeded", loss, false, "h");
            }
        }
    }

    private long run(
            String name, double budget, double n, String state, Double loss, boolean diverged, String comparability) {
        return jdbc.sql(
                        "with made as (insert into run (sweep_id, name, kind, state, n_params, n_params_nonembed, tokens, flops,"
                                + " budget, seed, final_loss, diverged, comparability) values (?, ?, 'pretrain', ?, ?, ?, ?, ?,"
                                + " ?, 1, ?, ?, ?) returning id)"
                                + " insert into run_job (run_id, spec, search) select id, '{}', '' from made returning run_id")
                .params(
                        sweep,
                        name,
                        state,
                        (long) n,
                        (long) (n * 0.8),
                        Math.round(budget / 6 / n),
                        budget,
                        budget,
                        loss,
                        diverged,
                        comparability)
                .query(Long.class)
                .single();
    }

    private static long newSweep(String more) {
        jdbc.sql("insert into experiment (name) values ('e') on conflict do nothing")
                .update();
        jdbc.sql("insert into dataset (id, corpus, vocab_size, validation_modulus) values ('d', 'c', 1024, 12)"
                        + " on conflict do nothing")
                .update();
        return jdbc.sql("insert into sweep (experiment_id, name, spec, spec_hash, dataset_id, planned_flops)"
                        + " select id, gen_random_uuid()::text, ?::jsonb, 'x', 'd', 1 from experiment where name = 'e'"
                        + " returning id")
                .param(
                        "{\"kind\": \"isoflop\", \"name\": \"s\", \"experiment\": \"e\", \"dataset\": {\"corpus\": \"c\"},"
                                + " \"models\": [], \"budgets\": [], " + more + "}")
                .query(Long.class)
                .single();
    }
}
