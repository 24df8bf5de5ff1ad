package dev.isoflop.scaling;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.isoflop.scaling.law.FitPoint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Fixture files that are not the project's to copy; a test that needs one is skipped without it. */
public final class Fixtures {

    private Fixtures() {}

    public static Path scaling(String name) {
        String shared = System.getProperty("isoflop.shared", "");
        Path path = Path.of(shared, "data", "scaling", name);
        assumeTrue(!shared.isEmpty() && Files.exists(path), "fixture " + name + " is not on this machine");
        return path;
    }

    public static List<Map<String, String>> csv(String name) {
        try {
            List<String> lines = Files.readAllLines(scaling(name));
            String[] header = lines.getFirst().split(",");
            List<Map<String, String>> rows = new ArrayList<>();
            for (String line : lines.subList(1, lines.size())) {
                String[] cells = line.split(",", -1);
                Map<String, String> row = new HashMap<>();
                for (int i = 0; i < header.length; i++) {
                    row.put(header[i], cells[i]);
                }
                rows.add(row);
            }
            return rows;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** All 245 points read off Hoffmann et al.'s figure. */
    public static List<FitPoint> chinchillaAll() {
        return csv("epoch_chinchilla_245.csv").stream()
                .map(r -> {
                    double n = Double.parseDouble(r.get("Model Size"));
                    double c = Double.parseDouble(r.get("Training FLOP"));
                    return FitPoint.ofBudget(n, c / (6 * n), c, Double.parseDouble(r.get("loss")));
                })
                .toList();
    }

    /** The 240 points of the replication: the five highest losses left out, file order kept. */
    public static List<FitPoint> chinchilla() {
        List<FitPoint> all = chinchillaAll();
        double cut = all.stream().mapToDouble(FitPoint::loss).sorted().toArray()[all.size() - 5];
        return all.stream().filter(p -> p.loss() < cut).toList();
    }
}
