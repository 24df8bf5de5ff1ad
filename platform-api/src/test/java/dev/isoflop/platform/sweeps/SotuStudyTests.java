package dev.isoflop.platform.sweeps;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.protocol.api.SweepSpec;
import dev.isoflop.protocol.job.JobResult;
import dev.isoflop.scaling.plan.PlannedCell;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.yaml.snakeyaml.Yaml;
import tools.jackson.databind.json.JsonMapper;

/** {@code examples/sotu-study.yaml} is the study of the reference table, row by row. */
class SotuStudyTests {

    private static final Set<String> BATCHES = Set.of("2", "4", "8");
    /** The table's own count of training tokens. */
    private static final JobResult.Dataset TEXT =
            new JobResult.Dataset("d", 3_360_000, 250_000, 752_500, 216, 17, 1024, "t", List.of());

    /** What tells the rows of the table apart. */
    private record Key(double budget, int batch, int width, int layers, double rate, long seed) {}

    @Test
    void everyRowOfTheTableIsOneRunOfTheStudyWithItsSteps() throws IOException {
        Map<Key, Long> rows = table();
        Map<Key, Long> runs = new HashMap<>();
        SweepPlanning.Planned planned =
                SweepPlanning.plan(study(), TEXT, new SweepPlanning.Memory(1L << 34, "the test"));
        for (SweepPlanning.NamedCell named : planned.cells()) {
            PlannedCell cell = named.cell();
            Key key = new Key(
                    cell.budget(),
                    cell.batchSequences(),
                    cell.shape().dModel(),
                    cell.shape().layers(),
                    cell.learningRate(),
                    cell.seed());
            assertThat(runs.put(key, cell.steps())).as(named.name()).isNull();
        }
        assertThat(planned.dropped()).isEmpty();
        assertThat(planned.cells().stream().map(SweepPlanning.NamedCell::name)).doesNotHaveDuplicates();
        assertThat(runs.keySet()).isEqualTo(rows.keySet());
        double worst = 0;
        for (Map.Entry<Key, Long> row : rows.entrySet()) {
            double steps = row.getValue();
            Long run = runs.get(row.getKey());
            assertThat(run).isNotNull();
            // N counts the gains of the norms here and not in the table; both round down to whole steps
            assertThat((double) run).as(row.getKey().toString()).isCloseTo(steps, within(0.005 * steps));
            worst = Math.max(worst, Math.abs(run / steps - 1));
        }
        System.out.printf(
                "%d runs for %d rows of the table, steps agree within %.2f %%, names from %s to %s%n",
                runs.size(),
                rows.size(),
                100 * worst,
                planned.cells().getFirst().name(),
                planned.cells().getLast().name());
    }

    private static SweepSpec.IsoFlop study() throws IOException {
        Path file = Path.of("..", "examples", "sotu-study.yaml");
        Object tree = new Yaml().load(Files.readString(file));
        return switch (JsonMapper.builder().build().convertValue(tree, SweepSpec.class)) {
            case SweepSpec.IsoFlop isoflop -> isoflop;
            case SweepSpec.Command _ -> throw new AssertionError("no sweep of commands");
        };
    }

    /** Steps of every distinct row; one run stands in the table twice. */
    private static Map<Key, Long> table() throws IOException {
        String shared = System.getProperty("isoflop.shared", "");
        Path file = Path.of(shared, "data", "scaling", "sotu_reference.csv");
        Assumptions.assumeTrue(
                !shared.isEmpty() && Files.exists(file),
                "sotu_reference.csv is not on this machine; set -Disoflop.shared");
        List<String> lines = Files.readAllLines(file);
        List<String> header = Arrays.asList(lines.getFirst().split(","));
        Map<Key, Long> rows = new HashMap<>();
        for (String line : lines.subList(1, lines.size())) {
            Map<String, String> row = new TreeMap<>();
            String[] cells = line.split(",");
            for (int i = 0; i < cells.length; i++) {
                row.put(header.get(i), cells[i]);
            }
            if (BATCHES.contains(row.get("batch_sequences"))) {
                rows.put(
                        new Key(
                                Double.parseDouble(row.get("flops_budget")),
                                Integer.parseInt(row.get("batch_sequences")),
                                Integer.parseInt(row.get("d_model")),
                                Integer.parseInt(row.get("layers")),
                                Double.parseDouble(row.get("learning_rate")),
                                Long.parseLong(row.get("seed"))),
                        Long.parseLong(row.get("steps")));
            }
        }
        return rows;
    }
}
