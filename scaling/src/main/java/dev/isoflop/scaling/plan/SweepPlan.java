package dev.isoflop.scaling.plan;

import dev.isoflop.scaling.flops.ParameterConvention;
import dev.isoflop.scaling.flops.TransformerShape;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

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

    /** Shapes that are trained, each once, by width. */
    public SortedMap<Integer, TransformerShape> models() {
        SortedMap<Integer, TransformerShape> models = new TreeMap<>();
        cells.forEach(cell -> models.put(cell.shape().dModel(), cell.shape()));
        return models;
    }

    /** Runs of each budget, in order. */
    public Map<Double, List<PlannedCell>> byBudget() {
        return cells.stream()
                .collect(Collectors.groupingBy(PlannedCell::budget, LinkedHashMap::new, Collectors.toList()));
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
