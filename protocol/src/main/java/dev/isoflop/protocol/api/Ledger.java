package dev.isoflop.protocol.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an experiment planned, achieved and wasted. FLOPs are C = 6ND by the sweep's convention, in proportion to the steps taken.
 * Always {@code executed = achieved + replayed + abandoned}.
 *
 * @param total over its sweeps
 * @param committedFlops executed, and to be executed by what is queued or runs: what a budget is held against
 * @param sweeps newest first
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Ledger(
        long experimentId,
        String experiment,
        @Nullable Double flopBudget,
        @Nullable Double gpuHourBudget,
        double committedFlops,
        Account total,
        List<SweepAccount> sweeps) {

    /**
     * @param plannedFlops C of all its runs
     * @param executedFlops of every step that was taken
     * @param achievedFlops of those steps that stand: of succeeded runs, and of the others up to where they are
     * @param replayed FLOPs of steps taken after the last checkpoint of attempts that did not end well, and taken again
     * @param abandoned FLOPs that stood when the run ended without success
     * @param remainingFlops that queued and running runs have left
     * @param gpuHours used
     * @param deviceHours used of GPUs, and of runners without GPUs, each of which counts as one device
     * @param wastedDeviceHours part of them that went into what was replayed or abandoned
     * @param attempts executions
     */
    public record Account(
            double plannedFlops,
            double executedFlops,
            double achievedFlops,
            Replayed replayed,
            Abandoned abandoned,
            double remainingFlops,
            double gpuHours,
            double deviceHours,
            double wastedDeviceHours,
            long attempts) {}

    /** By how the attempt ended. */
    public record Replayed(double lost, double failed, double preempted) {}

    /** By how the run ended. */
    public record Abandoned(double failed, double cancelled) {}

    public record SweepAccount(long sweepId, String sweep, Account account) {}

    /**
     * Bounds of an experiment, all of them: what is absent has none.
     *
     * @param flops FLOPs, positive
     * @param gpuHours positive
     * @param weight of the fair share, positive; 1 when absent
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Bounds(
            @Nullable Double flops,
            @Nullable Double gpuHours,
            @Nullable Double weight) {}
}
