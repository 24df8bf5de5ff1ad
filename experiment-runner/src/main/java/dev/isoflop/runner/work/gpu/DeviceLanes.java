package dev.isoflop.runner.work.gpu;

import dev.isoflop.lm.cuda.engine.GpuPlan;
import dev.isoflop.lm.cuda.engine.GpuTokens;
import dev.isoflop.lm.cuda.engine.LaneSnapshot;
import dev.isoflop.lm.cuda.engine.OpTime;
import dev.isoflop.lm.cuda.engine.RunArray;
import dev.isoflop.lm.train.TrainingOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * An array on a device.
 *
 * @param validation held-out data of all lanes
 */
record DeviceLanes(RunArray array, GpuTokens validation) implements LaneArray {

    @Override
    public GpuPlan plan() {
        return array.plan();
    }

    @Override
    public boolean free(int lane) {
        return array.free(lane);
    }

    @Override
    public void start(int lane, TrainingOptions options) {
        array.start(lane, options);
    }

    @Override
    public void resume(int lane, Path checkpoint) throws IOException {
        array.resume(lane, checkpoint);
    }

    @Override
    public void release(int lane) {
        array.release(lane);
    }

    @Override
    public long stepsDone(int lane) {
        return array.stepsDone(lane);
    }

    @Override
    public long stepsSubmitted(int lane) {
        return array.stepsSubmitted(lane);
    }

    @Override
    public boolean canSubmit() {
        return array.canSubmit();
    }

    @Override
    public int inFlight() {
        return array.inFlight();
    }

    @Override
    public void submit(boolean[] held) {
        array.submit(held);
    }

    @Override
    public int collect(RunArray.Listener listener) {
        return array.collect(listener);
    }

    @Override
    public void await(RunArray.Listener listener) {
        array.await(listener);
    }

    @Override
    public double[] evaluate(long maxTokens) {
        return array.evaluate(validation, maxTokens);
    }

    @Override
    public LaneSnapshot snapshot(int lane) {
        return array.snapshot(lane);
    }

    @Override
    public List<OpTime> profile(boolean[] held, RunArray.Listener listener) {
        return array.profile(held, listener);
    }

    @Override
    public void keep(int... lanes) {
        array.keep(lanes);
    }

    @Override
    public void close() {
        array.close();
    }
}
