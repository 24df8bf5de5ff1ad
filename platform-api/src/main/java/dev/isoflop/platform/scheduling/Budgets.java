package dev.isoflop.platform.scheduling;

import dev.isoflop.db.scheduling.UsageStore;
import dev.isoflop.db.scheduling.UsageStore.Budget;
import dev.isoflop.db.scheduling.UsageStore.Spent;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.error.ErrorCode;
import java.util.Collection;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/**
 * Keeps experiments within their budgets. A submission has to fit with all that was executed and is still to be; after that only
 * work that is lost and done again can break the budget, so it is looked at again before each run is granted. What runs is
 * never stopped by a budget.
 *
 * <p>GPU-hours of what is still to be executed are expected from its FLOPs, at what a FLOP has taken the experiment so far. Until something was seen
 * of that, and for commands, which have no FLOPs, a budget of GPU-hours counts only what has been used.
 *
 * <p>Concurrency: whoever asks holds the experiment's row until the end of the transaction, so two cannot spend the same FLOPs.
 */
@Component
@Transactional(propagation = Propagation.MANDATORY)
public class Budgets {

    private final UsageStore usage;

    Budgets(UsageStore usage) {
        this.usage = usage;
    }

    /**
     * @param flops C of the runs to be queued
     * @throws ProblemException budget-exceeded, when they are more than the budget leaves, or its GPU-hours are used up or would not do
     */
    public void admit(long experiment, double flops) {
        Budget budget = usage.lockBudget(experiment).orElse(null);
        if (budget == null) {
            return;
        }
        Spent spent = usage.spent(experiment);
        double hours = budget.gpuHourBudget().orElse(Double.POSITIVE_INFINITY);
        if (spent.gpuHours() >= hours) {
            throw new ProblemException(
                    ErrorCode.BUDGET_EXCEEDED,
                    String.format(
                            Locale.ROOT,
                            "The experiment has used %.3g of its %.3g GPU-hours. Raise its budget, or submit under another experiment.",
                            spent.gpuHours(),
                            hours));
        }
        double bound = budget.flopBudget().orElse(Double.POSITIVE_INFINITY);
        double queued = usage.queuedFlops(experiment);
        double committed = spent.flops() + spent.heldFlops() + queued;
        if (exceeds(committed + flops, bound)) {
            throw new ProblemException(
                    ErrorCode.BUDGET_EXCEEDED,
                    String.format(
                            Locale.ROOT,
                            "The sweep plans %.3g FLOPs, and the experiment has %.3g left of its %.3g: %.3g were executed, %.3g are planned. Plan a smaller sweep, or raise the budget.",
                            flops,
                            Math.max(0, bound - committed),
                            bound,
                            spent.flops(),
                            committed - spent.flops()));
        }
        if (spent.gpuHoursPerFlop().isPresent()) {
            double each = spent.gpuHoursPerFlop().getAsDouble();
            double planned = (spent.leftFlops() + queued) * each;
            if (exceeds(spent.gpuHours() + planned + flops * each, hours)) {
                throw new ProblemException(
                        ErrorCode.BUDGET_EXCEEDED,
                        String.format(
                                Locale.ROOT,
                                "The sweep would take about %.3g GPU-hours at the %.3g TFLOP/s that a GPU has reached for the experiment, and of its %.3g GPU-hours %.3g are used and about %.3g are planned. Plan a smaller sweep, or raise the budget.",
                                flops * each,
                                teraflops(each),
                                hours,
                                spent.gpuHours(),
                                planned));
            }
        }
    }

    private static double teraflops(double gpuHoursPerFlop) {
        return 1 / (gpuHoursPerFlop * 3600) / 1e12;
    }

    /** Why the budget would not let a run of that many FLOPs start now, as a sentence; takes no lock. */
    @Transactional(propagation = Propagation.MANDATORY, readOnly = true)
    public Optional<String> refusal(long experiment, double flops) {
        Budget budget = usage.budget(experiment).orElse(null);
        if (budget == null) {
            return Optional.empty();
        }
        Spent spent = usage.spent(experiment);
        double left = left(budget, spent);
        if (spent.gpuHours() >= budget.gpuHourBudget().orElse(Double.POSITIVE_INFINITY)) {
            return Optional.of(String.format(
                    Locale.ROOT,
                    "Its experiment has used %.3g of its %.3g GPU-hours: nothing more starts until the budget is raised.",
                    spent.gpuHours(),
                    budget.gpuHourBudget().orElseThrow()));
        }
        if (flops > byGpuHours(budget, spent)) {
            double each = spent.gpuHoursPerFlop().orElseThrow();
            return Optional.of(String.format(
                    Locale.ROOT,
                    "It would take about %.3g GPU-hours at the %.3g TFLOP/s that a GPU has reached for its experiment, and of the budget of %.3g GPU-hours, what was used and runs now leaves about %.3g: it starts when the budget is raised.",
                    flops * each,
                    teraflops(each),
                    budget.gpuHourBudget().orElseThrow(),
                    Math.max(0, byGpuHours(budget, spent) * each)));
        }
        return flops <= left
                ? Optional.empty()
                : Optional.of(String.format(
                        Locale.ROOT,
                        "It needs %.3g FLOPs, and of the budget of its experiment, %.3g, what was executed and runs now leaves %.3g: it starts when the budget is raised.",
                        flops,
                        budget.flopBudget().orElseThrow(),
                        Math.max(0, left)));
    }

    /** Sums of many runs that were planned to meet a bound exactly may be above it by rounding. */
    static boolean exceeds(double flops, double bound) {
        return flops > bound * (1 + 1e-9);
    }

    /** FLOPs that each experiment's budget leaves for runs that do not run yet; negative when nothing may start; absent without a budget. */
    Map<Long, Double> headroom(Collection<Long> experiments) {
        Map<Long, Double> headroom = new HashMap<>();
        if (experiments.isEmpty()) {
            return headroom;
        }
        usage.lockBudgets(experiments).forEach((experiment, budget) -> {
            Spent spent = usage.spent(experiment);
            headroom.put(experiment, left(budget, spent));
        });
        return headroom;
    }

    private static double left(Budget budget, Spent spent) {
        if (spent.gpuHours() >= budget.gpuHourBudget().orElse(Double.POSITIVE_INFINITY)) {
            return -1;
        }
        double bound = budget.flopBudget().orElse(Double.POSITIVE_INFINITY);
        // a run without FLOPs may start as long as the budget is not overdrawn
        return Math.min(bound * (1 + 1e-9) - spent.flops() - spent.heldFlops(), byGpuHours(budget, spent));
    }

    /** FLOPs that what is left of the GPU-hours would do for, beside what runs; infinite where that cannot be told. */
    private static double byGpuHours(Budget budget, Spent spent) {
        if (budget.gpuHourBudget().isEmpty() || spent.gpuHoursPerFlop().isEmpty()) {
            return Double.POSITIVE_INFINITY;
        }
        double left = budget.gpuHourBudget().getAsDouble() * (1 + 1e-9) - spent.gpuHours();
        return left / spent.gpuHoursPerFlop().getAsDouble() - spent.leftFlops();
    }
}
