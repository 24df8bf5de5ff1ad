package dev.isoflop.lm.cuda.kernels;

import dev.isoflop.lm.cuda.driver.DeviceMemory;
import dev.isoflop.lm.cuda.kernels.KernelBench.Type;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("gpu")
class BatchGpuTests {

    private static final int LANES = 3;

    private KernelBench bench;

    @BeforeEach
    void open() {
        bench = new KernelBench("batch.cu");
    }

    @AfterEach
    void close() {
        if (bench != null) {
            bench.close();
        }
    }

    @Test
    void windowsBecomeInputsAndTargets() {
        for (int context : new int[] {1, 17, 64, 1000}) {
            for (int sequences : new int[] {1, 5}) {
                check(context, sequences, 65_536, true);
                check(context, sequences, 200_000, false);
            }
        }
    }

    private void check(int context, int sequences, int vocab, boolean narrow) {
        int length = 5003;
        int[] tokens = bench.ids(length, vocab);
        int windows = LANES * sequences;
        int[] starts = bench.ids(windows, length - context);
        starts[0] = length - context - 1; // the last whole window
        starts[windows - 1] = length - context; // one that lacks its last target
        int[] words = new int[2 * windows]; // as 64-bit numbers
        int[] inputs = new int[windows * context];
        int[] targets = new int[windows * context];
        for (int s = 0; s < windows; s++) {
            words[2 * s] = starts[s];
            for (int t = 0; t < context; t++) {
                inputs[s * context + t] = tokens[starts[s] + t];
                targets[s * context + t] = starts[s] + t + 1 < length ? tokens[starts[s] + t + 1] : -1;
            }
        }
        DeviceMemory bin;
        if (narrow) {
            short[] shorts = new short[length];
            for (int i = 0; i < length; i++) {
                shorts[i] = (short) tokens[i];
            }
            bin = bench.allocate(2L * length);
            bin.upload(shorts);
        } else {
            bin = bench.up(tokens);
        }
        DeviceMemory in = bench.poisoned(Type.F32, inputs.length);
        DeviceMemory out = bench.poisoned(Type.F32, targets.length);
        bench.args
                .reset()
                .address(in)
                .address(out)
                .address(bin)
                .address(bench.up(words))
                .int64(length)
                .int32(context);
        bench.launch("batch_gather_" + (narrow ? "u16" : "u32"), (context + 127) / 128, sequences, LANES, 128, 0);
        bench.same("inputs", bench.downInts(in, inputs.length), inputs);
        bench.same("targets", bench.downInts(out, targets.length), targets);
        bench.free();
    }
}
