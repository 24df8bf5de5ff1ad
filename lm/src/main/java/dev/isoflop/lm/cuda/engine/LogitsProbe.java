package dev.isoflop.lm.cuda.engine;

import dev.isoflop.lm.cuda.driver.CudaStream;

/** Gets logits off a GPU, to be compared with others. */
final class LogitsProbe {

    private LogitsProbe() {}

    /** See {@link RunArray#logits}. */
    static float[] logits(
            CudaBackend backend,
            CudaModel model,
            GpuPlan plan,
            Arenas arenas,
            CudaStream stream,
            int lane,
            GpuTokens source,
            long[] starts) {
        if (plan.chunkRows < plan.rows) {
            throw new IllegalStateException("the plan holds the logits of " + plan.chunkRows
                    + " rows at a time, not of " + plan.rows + "; make one with more logitBytes");
        }
        if (starts.length != plan.batch()) {
            throw new IllegalArgumentException(starts.length + " windows, the plan's batch has " + plan.batch());
        }
        int[] words = new int[2 * plan.lanes() * plan.batch()];
        for (int i = 0; i < words.length / 2; i++) {
            long start = starts[i % plan.batch()];
            words[2 * i] = (int) start;
            words[2 * i + 1] = (int) (start >>> 32);
        }
        arenas.evalStarts.upload(words);
        try (Program program = new Program(backend.device())) {
            model.logitsPass(program, source);
            program.run(stream, null);
            stream.synchronize();
        }
        int ld = plan.ldLogits;
        int vocab = plan.spec().vocabSize();
        int elements = Math.multiplyExact(plan.rows, ld);
        long first = plan.logits[0] + (long) lane * elements * plan.precision().bytes();
        float[] wide = new float[elements];
        if (plan.precision() == Precision.FP32) {
            arenas.activations.download(wide, 0, elements, first);
        } else {
            short[] halves = new short[elements];
            arenas.activations.download(halves, 0, elements, first);
            for (int i = 0; i < elements; i++) {
                wide[i] = Float.intBitsToFloat(halves[i] << 16);
            }
        }
        float[] logits = new float[plan.rows * vocab];
        for (int row = 0; row < plan.rows; row++) {
            System.arraycopy(wide, row * ld, logits, row * vocab, vocab);
        }
        return logits;
    }
}
