package dev.isoflop.scaling.diagnosis;

import dev.isoflop.scaling.table.PointTable;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Looks at what a table says of its runs beside size, data and loss: warm-up, schedule, embeddings, and whether they are runs of one kind. What a finding does to a fit is said
 * of Chinchilla's law, whatever was fitted. Thresholds are in the findings' sentences and in docs/laws.md.
 */
public final class TableDiagnosis {

    private TableDiagnosis() {}

    /**
     * @param delta Huber's, of log loss
     * @param target FLOPs that a forecast is said for; null for ten times the largest run
     * @param threads changes nothing but the time
     * @return with places among the table's points
     */
    public static List<Finding> of(PointTable table, double delta, @Nullable Double target, int threads) {
        Refits refits = new Refits(table.points(), delta, threads);
        List<Finding> findings = new ArrayList<>();
        findings.addAll(MixtureCheck.of(table, refits));
        WarmUpCheck.of(table, refits).ifPresent(findings::add);
        DecayCheck.of(table, refits).ifPresent(findings::add);
        EmbeddingCheck.of(table, refits, target).ifPresent(findings::add);
        return List.copyOf(findings);
    }

    /** Why the table's points may not share a fit: hashes of all that must agree, which do not. Nothing else refuses a table. */
    public static Optional<Finding> refusal(PointTable table) {
        return MixtureCheck.refusal(table);
    }
}
