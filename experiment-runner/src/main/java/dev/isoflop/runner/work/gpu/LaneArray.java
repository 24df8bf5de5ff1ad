package dev.isoflop.runner.work.gpu;

import dev.isoflop.lm.cuda.engine.GpuPlan;
import dev.isoflop.lm.cuda.engine.LaneSnapshot;
import dev.isoflop.lm.cuda.engine.OpTime;
import dev.isoflop.lm.cuda.engine.RunArray;
import dev.isoflop.lm.train.TrainingOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** What a {@link LaneGroup} needs of an array of runs; see {@link RunArray}, which it is on a device. */
interface LaneArray extends AutoCloseable {

    GpuPlan plan();

    boolean free(int lane);

    void start(int lane, TrainingOptions options);

    void resume(int lane, Path checkpoint) throws IOException;

    void release(int lane);

    long stepsDone(int lane);

    long stepsSubmitted(int lane);

    boolean canSubmit();

    int inFlight();

    void submit(boolean[] held);

    int collect(RunArray.Listener listener);

    void await(RunArray.Listener listener);

    /** Held-out loss of every lane. */
    double[] evaluate(long maxTokens);

    LaneSnapshot snapshot(int lane);

    List<OpTime> profile(boolean[] held, RunArray.Listener listener);

    void keep(int... lanes);

    @Override
    void close();
}
