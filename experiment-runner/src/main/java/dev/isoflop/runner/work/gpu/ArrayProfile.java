package dev.isoflop.runner.work.gpu;

import dev.isoflop.lm.cuda.engine.GpuPlan;
import dev.isoflop.lm.cuda.engine.OpTime;
import dev.isoflop.protocol.runner.RunProfile;
import dev.isoflop.runner.work.TrainingDevice;
import dev.isoflop.runner.work.TrainingProfile;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where the time of an array goes: measured when the first of its runs asks, and told to all that ask until the array is another. Lanes
 * share their launches, so sixteen of them need no sixteen measurements.
 *
 * <p>Concurrency: the group's thread alone.
 */
final class ArrayProfile {

    private @Nullable TrainingProfile known;
    private boolean impossible;

    /** Whether some run asks for what has to be measured first. */
    boolean isDue(List<LaneSession> members) {
        return known == null && !impossible && members.stream().anyMatch(LaneSession::wantsProfile);
    }

    /** Tells what is known to all that ask. */
    void answer(List<LaneSession> members) {
        TrainingProfile told = known;
        if (told != null) {
            members.stream().filter(LaneSession::wantsProfile).forEach(m -> m.profiled(told));
        }
    }

    void measured(TrainingProfile profile) {
        known = profile;
    }

    /** It cannot be measured: nobody is told anything, and nothing is tried again. */
    void failed() {
        impossible = true;
    }

    /** The array has become another one. */
    void forget() {
        known = null;
    }

    /**
     * @param plan of the array
     * @param runs that train in its lanes
     */
    static TrainingProfile of(TrainingDevice device, GpuPlan plan, int runs, List<OpTime> operations) {
        return new TrainingProfile(
                device,
                plan.lanes(),
                Math.min(runs, plan.lanes()),
                new RunProfile.Memory(
                        plan.parameterBytes(), plan.gradientBytes(), plan.optimizerBytes(), plan.activationBytes()),
                operations.stream()
                        .limit(RunProfile.MAX_OPERATIONS) // the most expensive come first
                        .map(o -> new RunProfile.Operation(o.name(), o.count(), o.micros(), o.flops(), o.bytes()))
                        .toList());
    }
}
