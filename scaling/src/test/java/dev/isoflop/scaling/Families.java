package dev.isoflop.scaling;

import dev.isoflop.scaling.law.FitPoint;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/** Published families of runs, with C = 6 N D; those that show the same runs as another are left out. */
public final class Families {

    private Families() {}

    /** What the constants of the forecast were chosen on. */
    private static final List<String> CHOSEN_ON = List.of(
            "epoch",
            "llama_3__raw_loss",
            "marin_202603__comma__llama_2",
            "marin_202603__nemotron__llama_2",
            "owt2/base/long/kaplan/standard/val",
            "owt2/base/short/chinchilla/standard/val",
            "owt2/base/short/kaplan/standard/val",
            "rw/base/long/kaplan/kaplan/train",
            "rw/base/short/kaplan/standard/val",
            "rw/base/short/chinchilla/attention/train",
            "rw/tuned/short/const/attention/train",
            "sotu");

    public static boolean isChosenOn(String family) {
        return CHOSEN_ON.contains(family);
    }

    public static Map<String, List<FitPoint>> all() {
        Map<String, List<FitPoint>> out = new LinkedHashMap<>();
        out.put(
                "epoch",
                Fixtures.chinchilla().stream()
                        .map(p -> FitPoint.of(p.N(), p.D(), p.loss()))
                        .toList());
        out.put("kyo", points(Fixtures.csv("kyo_llm_df.csv"), "N", "D", "loss"));
        grouped("openathena/isoflops_annotated.csv", r -> r.get("experiment")).forEach((name, rows) -> {
            // both Chinchilla sets are the replication's figure, and the two losses of Llama are one
            if (!name.startsWith("epochai") && !name.startsWith("ml_scale") && !name.contains("exp_loss")) {
                out.put(name, points(rows, "params", "tokens", "loss"));
            }
        });
        grouped("porian_isoflops.csv", r -> r.get("config"))
                .forEach((name, rows) -> out.put(name, points(rows, "n", "tokens", "loss")));
        out.put(
                "datablations",
                points(
                        Fixtures.csv("datablations_182.csv").stream()
                                .filter(r -> number(r, "D") <= number(r, "U") * 1.01)
                                .toList(),
                        "N",
                        "D",
                        "loss"));
        out.put(
                "sotu",
                best(
                        "sotu_reference.csv",
                        r -> r.get("flops_budget") + "/" + r.get("n_total"),
                        "n_total",
                        "tokens",
                        "val_loss_nats_per_token"));
        out.put(
                "steplaw",
                best("steplaw/dense_lr_bs_loss.csv", r -> r.get("N") + "/" + r.get("D"), "N", "D", "smooth loss"));
        return out;
    }

    private static Map<String, List<Map<String, String>>> grouped(
            String file, Function<Map<String, String>, String> by) {
        Map<String, List<Map<String, String>>> out = new TreeMap<>();
        for (Map<String, String> row : Fixtures.csv(file)) {
            out.computeIfAbsent(by.apply(row), k -> new ArrayList<>()).add(row);
        }
        return out;
    }

    /** The best learning rate and batch of each cell. */
    private static List<FitPoint> best(
            String file, Function<Map<String, String>, String> cell, String n, String d, String loss) {
        Map<String, Map<String, String>> best = new HashMap<>();
        for (Map<String, String> row : Fixtures.csv(file)) {
            best.merge(cell.apply(row), row, (a, b) -> number(b, loss) < number(a, loss) ? b : a);
        }
        return points(List.copyOf(best.values()), n, d, loss).stream()
                .sorted(Comparator.comparingDouble(FitPoint::C).thenComparingDouble(FitPoint::N))
                .toList();
    }

    private static List<FitPoint> points(List<Map<String, String>> rows, String n, String d, String loss) {
        return rows.stream()
                .map(r -> FitPoint.of(number(r, n), number(r, d), number(r, loss)))
                .toList();
    }

    private static double number(Map<String, String> row, String column) {
        return Double.parseDouble(row.get(column));
    }
}
