package dev.isoflop.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.cli.client.ApiClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Forms chosen and weighed by how they forecast a table's larger runs: {@code fit --law auto} and {@code forecast --forms}. */
class FormChoiceTests {

    @TempDir
    private Path directory;

    /** Kaplan et al.'s law, which has no floor. */
    private String kaplans(int budgets) throws IOException {
        StringBuilder csv = new StringBuilder("N,D,loss\n");
        for (int b = 0; b < budgets; b++) {
            for (int i = -3; i <= 3; i++) {
                double c = 1e18 * Math.pow(3, b);
                double n = Math.sqrt(c / 120) * Math.pow(1.6, i);
                double d = c / 6 / n;
                double loss = Math.pow(Math.pow(6.4e13 / n, .076 / .103) + 1.8e13 / d, .103);
                csv.append(String.format(Locale.ROOT, "%s,%s,%.12f%n", n, d, loss));
            }
        }
        return Files.writeString(directory.resolve("kaplan.csv"), csv).toString();
    }

    @Test
    void theLawThatForecastsBestIsFittedAndSaidWhy() throws IOException {
        Ended ended = Ended.of("fit", kaplans(7), "--law", "auto", "--resamples", "0");

        assertThat(ended.code()).as(ended.err()).isZero();
        assertThat(ended.out())
                .contains("forms by their error on larger runs held out, at 3 cut-offs")
                .containsPattern("\\n  kaplan +0\\.00 % +0\\.00 % of 21")
                .containsPattern("\\n  chinchilla by compute +[0-9.]+ %")
                .containsPattern("  kaplan( by compute)? is off least: 0\\.00 %")
                .contains("kaplan: L = ((Nc / N)^(alphaN / alphaD) + Dc / D)^alphaD");
    }

    @Test
    void asJsonTheFormsComeBestFirst() throws IOException {
        JsonNode fit = ApiClient.mapper()
                .readTree(Ended.of("fit", kaplans(7), "--law", "auto", "--resamples", "0", "--json")
                        .out());

        assertThat(fit.at("/law").asString()).isEqualTo("kaplan");
        JsonNode forms = fit.at("/rollouts/forms");
        assertThat(forms.size()).isEqualTo(7);
        assertThat(forms.at("/0/law").asString()).isEqualTo("kaplan");
        for (int i = 1; i < forms.size(); i++) {
            assertThat(forms.get(i).at("/rms").asDouble())
                    .isGreaterThanOrEqualTo(forms.get(i - 1).at("/rms").asDouble());
        }
        assertThat(forms.at("/0/byRatio/0/points").asInt()).isEqualTo(21);
        assertThat(fit.at("/rollouts/cutOffs").size()).isEqualTo(3);
        assertThat(fit.at("/parameters/alphaN/value").asDouble()).isBetween(.0759, .0761);
    }

    @Test
    void aForecastPrintsItsWeights() throws IOException {
        String table = kaplans(7);
        String[] run = {"--params", "3e10", "--tokens", "6e11", "--resamples", "20"};

        Ended fixed = Ended.of(with(run, "forecast", table));
        Ended stacked = Ended.of(with(run, "forecast", table, "--forms", "stacked"));
        JsonNode selected = ApiClient.mapper()
                .readTree(Ended.of(with(run, "forecast", table, "--forms", "selected", "--json"))
                        .out());

        assertThat(fixed.out()).contains("  forms: 60 % chinchilla by compute, 40 % kaplan by compute");
        assertThat(stacked.code()).as(stacked.err()).isZero();
        assertThat(stacked.out())
                .containsPattern("  forms: [0-9] % chinchilla by compute, 9[0-9] % kaplan by compute")
                .contains("forms by their error on larger runs held out");
        double truth = Math.pow(Math.pow(6.4e13 / 3e10, .076 / .103) + 1.8e13 / 6e11, .103);
        assertThat(selected.at("/forms/0/weight").asDouble()).isEqualTo(1);
        assertThat(selected.at("/loss/value").asDouble()).isBetween(truth * .9999, truth * 1.0001);
    }

    @Test
    void whatCannotBeToldIsRefusedOrNamed() throws IOException {
        Ended few = Ended.of("fit", kaplans(3), "--law", "auto");
        assertThat(few.code()).isEqualTo(ExitCode.FAILED.code());
        assertThat(few.err()).contains("at least 12 runs of 3 budgets at a third of the largest or less");

        Ended method = Ended.of("fit", kaplans(7), "--law", "auto", "--method", "all");
        assertThat(method.code()).isEqualTo(ExitCode.USAGE.code());
        assertThat(method.err()).contains("--law auto chooses what --method parametric fits");

        Ended forms = Ended.of("forecast", kaplans(7), "--holdout", "3", "--forms", "best");
        assertThat(forms.code()).isEqualTo(ExitCode.USAGE.code());
        assertThat(forms.err()).contains("--forms is fixed, stacked or selected, was 'best'");
    }

    private static String[] with(String[] last, String... first) {
        String[] all = java.util.Arrays.copyOf(first, first.length + last.length);
        System.arraycopy(last, 0, all, first.length, last.length);
        return all;
    }
}
