package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.platform.PlatformClient.Reply;
import dev.isoflop.scaling.law.ChinchillaLaw;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;

/**
 * A sweep for each test, in an experiment and a pool of its own: six runs wait, and beside them 24 runs of a known law have been
 * trained, which both methods have been fitted to.
 */
@PlatformTest
abstract class PredictionScene {

    static final ChinchillaLaw TRUTH = new ChinchillaLaw(1.8, 400, 500, 0.34, 0.3);
    static final String CORPUS = "predictions.txt";

    final PlatformClient client;
    final JdbcClient jdbc;
    String pool = "";
    long sweep;
    long experiment;
    long isoflop;
    long parametric;

    PredictionScene(PlatformClient client, JdbcClient jdbc) {
        this.client = client;
        this.jdbc = jdbc;
    }

    @BeforeEach
    void aFittedSweep() {
        client.readyDataset(CORPUS, 10_000_000);
        pool = "p" + UUID.randomUUID().toString().substring(0, 8);
        Reply made = submit(pool, pool);
        sweep = made.body().path("id").asLong();
        experiment = Long.parseLong(made.at("/experimentId"));
        train(sweep, 0.002);
        JsonNode fits = ok(client.post(
                        "/api/v1/sweeps/" + sweep + "/fits", "submit", "{\"bootstraps\":200,\"level\":0.9}"))
                .body();
        isoflop = fits.path(0).path("id").asLong();
        parametric = fits.path(1).path("id").asLong();
        assertThat(fits.path(0).path("status").asString()).isEqualTo("converged");
        assertThat(fits.path(1).path("status").asString()).isEqualTo("converged");
    }

    Reply submit(String name, String inExperiment) {
        Reply made = client.submitSweep(name, inExperiment, CORPUS, pool, 3, 2);
        assertThat(made.status()).as(made.text()).isEqualTo(201);
        return made;
    }

    /** Four budgets, six sizes each around the optimum, measured as the sweep's own runs are. */
    final void train(long of, double noise) {
        Random random = new Random(11);
        for (double budget : new double[] {1e11, 1e12, 1e13, 3e13}) {
            double best = TRUTH.optimum(budget).N();
            for (double factor : new double[] {0.25, 0.5, 0.8, 1.4, 2.5, 4}) {
                double n = Math.rint(best * factor);
                double d = Math.rint(budget / 6 / n);
                double loss = TRUTH.loss(n, d) + noise * random.nextGaussian();
                jdbc.sql("""
                                with made as (
                                    insert into run (sweep_id, experiment_id, name, kind, state, n_params, n_params_nonembed, tokens,
                                        flops, budget, seed, final_loss, comparability, pool, started_at, finished_at)
                                    select :sweep, experiment_id, :name, 'pretrain', 'succeeded', :n, :n * 0.8, :d, :c, :c, 1, :loss,
                                        comparability, pool, now(), now()
                                      from run where sweep_id = :sweep and kind = 'pretrain' order by id limit 1
                                    returning id)
                                insert into run_job (run_id, spec, search) select id, '{}', '' from made
                                """)
                        .param("sweep", of)
                        .param("name", "trained-%.0e-%s".formatted(budget, factor))
                        .param("n", n)
                        .param("d", d)
                        .param("c", budget)
                        .param("loss", loss)
                        .update();
            }
        }
    }

    static Reply ok(Reply reply) {
        assertThat(reply.status() / 100).as(reply.text()).isEqualTo(2);
        return reply;
    }

    /** Runs that wait, rising by id. */
    List<Long> waiting(long of) {
        return jdbc.sql("select id from run where sweep_id = ? and state = 'queued' order by id")
                .param(of)
                .query(Long.class)
                .list();
    }

    Reply predict(long fit, String body) {
        return client.post("/api/v1/fits/" + fit + "/predictions", "submit", body);
    }

    Reply predictRun(long fit, long run) {
        return predict(fit, "{\"runId\":%d}".formatted(run));
    }

    Reply link(long prediction, long run) {
        return client.send(
                "PUT",
                "/api/v1/predictions/" + prediction + "/run",
                client.token("submit"),
                "{\"runId\":%d}".formatted(run),
                java.util.Map.of());
    }

    static long id(Reply reply) {
        return ok(reply).body().path("id").asLong();
    }

    JsonNode prediction(long id) {
        return ok(client.get("/api/v1/predictions/" + id)).body();
    }

    /** Has a runner claim all that waits and start that run; the address of its attempt. */
    String start(long run) {
        long runner = client.registerRunner("r-" + UUID.randomUUID(), pool, 1L << 40);
        client.claim(runner, 100, "pretrain");
        String attempt = "/api/v1/runs/%d/attempts/1".formatted(run);
        ok(client.post(attempt + "/start", "runner", "{}"));
        return attempt;
    }

    Reply succeed(String attempt, String loss, boolean diverged) {
        return client.post(attempt + "/finish", "runner", """
                {"outcome":"SUCCEEDED","result":{"kind":"pretrain","finalLoss":%s,"bitsPerByte":1.5,"evalTokens":100,
                 "steps":2,"tokens":20,"tokensPerSecond":10.0,"trainSeconds":2.0,"diverged":%s}}""".formatted(loss, diverged));
    }
}
