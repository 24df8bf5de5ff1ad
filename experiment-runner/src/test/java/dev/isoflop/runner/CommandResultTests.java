package dev.isoflop.runner;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.protocol.job.JobResult;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CommandResultTests {

    /** Maps that are only copied come in another order in each process, and with them the JSON. */
    @Test
    void metricsComeByName() {
        Map<String, Double> metrics = new LinkedHashMap<>();
        for (String name : List.of("train/loss", "eval/loss", "z", "a", "train/lr", "m", "eval/accuracy")) {
            metrics.put(name, 1.0);
        }
        assertThat(new JobResult.Command(0, metrics, List.of(), 1).metrics().keySet())
                .containsExactly("a", "eval/accuracy", "eval/loss", "m", "train/loss", "train/lr", "z");
    }
}
