package dev.isoflop.scaling.plan;

import dev.isoflop.scaling.flops.ParameterConvention;
import java.util.List;

/**
 * A planned sweep.
 *
 * @param convention which N the budgets are spent by
 * @param cells runs, in order of budget, then size, then recipe as asked for, then seed
 * @param dropped cells left out, with reasons
 */
public record SweepPlan(ParameterConvention convention, List<PlannedCell> cells, List<DroppedCell> dropped) {

    public SweepPlan {
        cells = List.copyOf(cells);
        dropped = List.copyOf(dropped);
    }

    /** Sum of 6ND over the runs. */
    public double plannedFlops() {
        return cells.stream().mapToDouble(PlannedCell::plannedFlops).sum();
    }

    /** Sum of the exact count over the runs. */
    public double exactFlops() {
        return cells.stream().mapToDouble(PlannedCell::exactFlops).sum();
    }

    /** Sum of training tokens over the runs. */
    public long tokens() {
        return cells.stream().mapToLong(PlannedCell::D).sum();
    }
}
