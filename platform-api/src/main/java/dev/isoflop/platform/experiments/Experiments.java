package dev.isoflop.platform.experiments;

import dev.isoflop.db.experiment.ExperimentStore;
import dev.isoflop.db.experiment.ExperimentStore.ExperimentRow;
import dev.isoflop.db.scheduling.LedgerStore;
import dev.isoflop.db.scheduling.LedgerStore.Line;
import dev.isoflop.db.scheduling.UsageStore;
import dev.isoflop.platform.access.ExperimentAccess;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.Ledger;
import dev.isoflop.protocol.api.Ledger.Abandoned;
import dev.isoflop.protocol.api.Ledger.Account;
import dev.isoflop.protocol.api.Ledger.Replayed;
import dev.isoflop.protocol.api.Views;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.error.Problem;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/** Experiments, what they may spend and what they have spent. */
@Component
class Experiments {

    private static final double SECONDS_PER_HOUR = 3600;

    private final ExperimentStore store;
    private final LedgerStore ledgers;
    private final UsageStore usage;
    private final ExperimentAccess access;

    Experiments(ExperimentStore store, LedgerStore ledgers, UsageStore usage, ExperimentAccess access) {
        this.access = access;
        this.store = store;
        this.ledgers = ledgers;
        this.usage = usage;
    }

    /** Newest first, without what the caller may not see. */
    List<Views.Experiment> list(long before, int limit) {
        return store.list(before, limit, access.hidden()).stream()
                .map(Experiments::view)
                .toList();
    }

    /** @throws ProblemException not-found */
    Views.Experiment get(long id) {
        return store.find(id).map(Experiments::view).orElseThrow(() -> notFound(id));
    }

    /**
     * Sets budgets and weight. A budget below what has been spent already is allowed: nothing more starts.
     *
     * @param expectedVersion version the caller has seen; not checked when absent
     * @throws ProblemException not-found, etag-mismatch, invalid-request
     */
    @Transactional
    public Views.Experiment set(long id, Ledger.Bounds budget, @Nullable Long expectedVersion) {
        check(budget);
        ExperimentRow row = store.lock(id).orElseThrow(() -> notFound(id));
        if (expectedVersion != null && expectedVersion != row.version()) {
            throw new ProblemException(
                    ErrorCode.ETAG_MISMATCH,
                    "The experiment has changed since (version " + row.version() + "). Look at it again.");
        }
        store.set(id, budget.flops(), budget.gpuHours(), budget.weight() == null ? 1 : budget.weight());
        return get(id);
    }

    private static void check(Ledger.Bounds budget) {
        List<Problem.FieldError> errors = new ArrayList<>();
        positive(errors, "/flops", budget.flops());
        positive(errors, "/gpuHours", budget.gpuHours());
        positive(errors, "/weight", budget.weight());
        if (!errors.isEmpty()) {
            throw new ProblemException(ErrorCode.INVALID_REQUEST, "Budgets and weights are positive numbers.", errors);
        }
    }

    private static void positive(List<Problem.FieldError> errors, String pointer, @Nullable Double value) {
        if (value != null && !(value > 0 && Double.isFinite(value))) {
            errors.add(new Problem.FieldError(
                    pointer, "It must be positive and finite; leave it out for no bound.", "> 0", null));
        }
    }

    /** @throws ProblemException not-found */
    @Transactional(readOnly = true)
    public Ledger ledger(long id) {
        ExperimentRow row = store.find(id).orElseThrow(() -> notFound(id));
        List<Line> lines = ledgers.lines(id);
        UsageStore.Spent spent = usage.spent(id);
        return new Ledger(
                row.id(),
                row.name(),
                row.flopBudget(),
                row.gpuHourBudget(),
                spent.flops() + spent.heldFlops() + usage.queuedFlops(id),
                account(lines),
                lines.stream()
                        .map(line -> new Ledger.SweepAccount(line.sweep(), line.name(), account(List.of(line))))
                        .toList());
    }

    private static Account account(List<Line> lines) {
        return new Account(
                sum(lines, Line::planned),
                sum(lines, Line::executed),
                sum(lines, Line::achieved),
                new Replayed(sum(lines, Line::lost), sum(lines, Line::failed), sum(lines, Line::preempted)),
                new Abandoned(sum(lines, Line::abandonedFailed), sum(lines, Line::abandonedCancelled)),
                sum(lines, Line::remaining),
                sum(lines, Line::gpuSeconds) / SECONDS_PER_HOUR,
                sum(lines, Line::deviceSeconds) / SECONDS_PER_HOUR,
                sum(lines, Line::wastedSeconds) / SECONDS_PER_HOUR,
                lines.stream().mapToLong(Line::attempts).sum());
    }

    private static double sum(List<Line> lines, ToDoubleFunction<Line> part) {
        return lines.stream().mapToDouble(part).sum();
    }

    private static Views.Experiment view(ExperimentRow row) {
        return new Views.Experiment(
                row.id(),
                row.name(),
                row.createdAt(),
                row.sweeps(),
                row.flopBudget(),
                row.gpuHourBudget(),
                row.weight(),
                row.version());
    }

    private static ProblemException notFound(long id) {
        return new ProblemException(ErrorCode.NOT_FOUND, "There is no experiment " + id + ".");
    }
}
