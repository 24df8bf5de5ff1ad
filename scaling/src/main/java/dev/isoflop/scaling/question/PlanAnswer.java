package dev.isoflop.scaling.question;

import dev.isoflop.scaling.flops.Precision;
import dev.isoflop.scaling.plan.PlannedCell;
import dev.isoflop.scaling.plan.SweepPlan;
import dev.isoflop.scaling.plan.Throughput;
import java.util.Comparator;
import java.util.OptionalDouble;
import java.util.PriorityQueue;

/**
 * A sweep for what may be spent, with its time and its price.
 *
 * @param plan runs, and cells that are left out with the reason
 * @param precision that all runs are trained in
 * @param throughput of one device; unknown where none was named
 * @param devices that train side by side, a run on each
 * @param pricePerHour of one device; empty where none was named
 * @param target FLOPs of the run that the sweep is for
 * @param sd of ln N* there, once the sweep has ended, to first order and if Chinchilla's form holds; not a number without a run
 */
public record PlanAnswer(
        SweepPlan plan,
        Precision precision,
        Throughput throughput,
        int devices,
        OptionalDouble pricePerHour,
        double target,
        double sd) {

    PlanAnswer knownTo(double otherSd) {
        return new PlanAnswer(plan, precision, throughput, devices, pricePerHour, target, otherSd);
    }

    public boolean isTimed() {
        return throughput.flopsPerSecond(1) > 0;
    }

    /** FLOP/s of one device, in the mean of all runs' time; 0 where no device was named. */
    public double flopsPerSecond() {
        double seconds = deviceSeconds();
        return isTimed() && seconds > 0 ? plan.exactFlops() / seconds : throughput.flopsPerSecond(1);
    }

    /** Seconds of one device that a run takes. */
    public double seconds(PlannedCell cell) {
        return cell.exactFlops() / throughput.flopsPerSecond(cell.parameters().total());
    }

    /** Seconds of device that all runs take together. */
    public double deviceSeconds() {
        return plan.cells().stream().mapToDouble(this::seconds).sum();
    }

    /** Seconds until the last run ends, if the longest begin first (Graham 1969: at most a third over the best order). */
    public double wallSeconds() {
        PriorityQueue<Double> free = new PriorityQueue<>();
        for (int i = 0; i < devices; i++) {
            free.add(0.0);
        }
        double last = 0;
        for (double seconds : plan.cells().stream()
                .map(this::seconds)
                .sorted(Comparator.reverseOrder())
                .toList()) {
            Double begins = free.poll();
            double ends = (begins == null ? 0 : begins) + seconds;
            free.add(ends);
            last = Math.max(last, ends);
        }
        return last;
    }

    /** Of that many seconds of a device. */
    public OptionalDouble cost(double deviceSeconds) {
        return pricePerHour.isPresent()
                ? OptionalDouble.of(deviceSeconds / 3600 * pricePerHour.getAsDouble())
                : OptionalDouble.empty();
    }
}
