package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.scaling.diagnosis.TableDiagnosis;
import dev.isoflop.scaling.fit.ParametricFit;
import dev.isoflop.scaling.fit.ParametricOptions;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.form.RateBatch;
import dev.isoflop.scaling.table.Column;
import dev.isoflop.scaling.table.PointTable;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;

/** What is exported of a sweep is read by whatever reads tables of runs, which is told of no column. */
class SweepExportApiTests extends PredictionScene {

    /** That the tests of tables go by, which know nothing of this module. */
    private static final Path HEADER = Path.of("..", "scaling", "src/test/resources/tables/sweep-export-header.csv");

    @TempDir
    private Path folder;

    SweepExportApiTests(PlatformClient client, JdbcClient jdbc) {
        super(client, jdbc);
    }

    private Path export(String format) throws IOException, InterruptedException {
        Path file = folder.resolve("sweep." + format);
        HttpResponse<Path> answer = client.http()
                .send(
                        HttpRequest.newBuilder(client.uri("/api/v1/sweeps/" + sweep + "/export." + format))
                                .header("Authorization", "Bearer " + client.token("read"))
                                .build(),
                        HttpResponse.BodyHandlers.ofFile(file));
        assertThat(answer.statusCode()).isEqualTo(200);
        return file;
    }

    @Test
    void theHeaderIsTheOneThatTheTestsOfTablesGoBy() throws Exception {
        String header = Files.readAllLines(export("csv")).getFirst();

        assertThat(header).isEqualTo(Files.readAllLines(HEADER).getFirst());
    }

    @ParameterizedTest
    @ValueSource(strings = {"csv", "parquet"})
    void itsColumnsAreFoundByTheirNames(String format) throws Exception {
        PointTable table = PointTable.read(export(format), Map.of(), List.of());

        assertThat(table.columns())
                .isEqualTo(Map.of(
                        Column.N, "parameters",
                        Column.D, "tokens",
                        Column.C, "flops",
                        Column.LOSS, "final_loss",
                        Column.GROUP, "run_id"));
        assertThat(table.notes().columns())
                .containsEntry(Column.N_NON_EMBEDDING, "parameters_non_embedding")
                .containsEntry(Column.RATE, "learning_rate")
                .containsEntry(Column.BATCH, "tokens_per_step")
                .containsEntry(Column.STEPS, "steps")
                .containsEntry(Column.DIVERGED, "diverged")
                .containsEntry(Column.DATASET, "dataset_id")
                .containsEntry(Column.TOKENIZER, "tokenizer_hash")
                .containsEntry(Column.COMPARABILITY, "comparability")
                .doesNotContainKeys(Column.N_TOTAL, Column.MODEL, Column.TASK);
        assertThat(TableDiagnosis.refusal(table)).isEmpty();
    }

    /** The points are those of the platform's own fit, and so is the law. */
    @ParameterizedTest
    @ValueSource(strings = {"csv", "parquet"})
    void itsFitIsThePlatformsOwn(String format) throws Exception {
        ok(succeed(start(waiting(sweep).getFirst()), "9.0", true));
        JsonNode fit = ok(client.get("/api/v1/fits/" + parametric)).body();

        PointTable table = PointTable.read(export(format), Map.of(), List.of());

        assertThat(table.leftOut())
                .extracting(PointTable.LeftOut::reason)
                .containsOnly("no loss", "it diverged")
                .containsOnlyOnce("it diverged");
        assertThat(table.points())
                .extracting(FitPoint::N, FitPoint::D, FitPoint::loss)
                .containsExactlyInAnyOrderElementsOf(fit.path("points").values().stream()
                        .map(point -> tuple(
                                point.path("n").asDouble(),
                                point.path("d").asDouble(),
                                point.path("loss").asDouble()))
                        .toList());
        List<FitPoint> points = table.points().stream()
                .sorted(Comparator.comparingDouble(FitPoint::C).thenComparingDouble(FitPoint::N))
                .toList();
        ChinchillaLaw law = ParametricFit.fit(
                        points, ParametricOptions.defaults().withResamples(40), 2)
                .orElseThrow()
                .law();
        Map<String, Double> own =
                Map.of("E", law.E(), "A", law.A(), "B", law.B(), "alpha", law.alpha(), "beta", law.beta());
        for (JsonNode one : fit.path("parameters")) {
            Double value = own.get(one.path("name").asString());
            if (value != null) {
                assertThat(value)
                        .as(one.path("name").asString())
                        .isCloseTo(
                                one.path("value").asDouble(),
                                within(1e-4 * one.path("value").asDouble()));
            }
        }
        assertThat(fit.path("parameters").values().stream()
                        .map(one -> one.path("name").asString()))
                .containsAll(own.keySet());
    }

    @Test
    void aLawOfRateAndBatchFindsThoseOfARun() throws Exception {
        jdbc.sql("update run set learning_rate = 0.01, tokens_per_step = 512 where sweep_id = ?")
                .param(sweep)
                .update();

        PointTable table = PointTable.read(export("csv"), Map.of(), Column.of(new RateBatch()));

        assertThat(table.columns())
                .containsEntry(Column.RATE, "learning_rate")
                .containsEntry(Column.BATCH, "tokens_per_step");
    }
}
