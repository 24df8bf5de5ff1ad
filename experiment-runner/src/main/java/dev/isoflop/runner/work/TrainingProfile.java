package dev.isoflop.runner.work;

import dev.isoflop.protocol.runner.RunProfile;
import java.util.List;

/**
 * Where time and memory of training go, for all runs that share the launches.
 *
 * @param lanes places in the launches
 * @param runs runs that trained in them
 * @param memory bytes by arena, of all lanes
 * @param operations of a step, of all lanes; empty where they are not told apart
 */
public record TrainingProfile(
        TrainingDevice device, int lanes, int runs, RunProfile.Memory memory, List<RunProfile.Operation> operations) {

    public TrainingProfile {
        operations = List.copyOf(operations);
    }

    /**
     * As one of the runs reports it.
     *
     * @param step optimizer steps the run has done
     * @param tokensPerStep tokens of its optimizer step
     * @param flopsPerToken of its model
     */
    RunProfile of(long step, long tokensPerStep, double flopsPerToken) {
        return new RunProfile(
                step,
                tokensPerStep,
                flopsPerToken,
                device.name(),
                device.precision(),
                lanes,
                runs,
                device.datasheet(),
                device.measured(),
                memory,
                operations);
    }
}
