package dev.isoflop.lm.cuda.engine;

import dev.isoflop.lm.cuda.driver.CudaDevice;
import dev.isoflop.lm.cuda.driver.DeviceMemory;
import dev.isoflop.lm.tokens.TokenSource;

/**
 * A token source in a GPU's memory, 2 bytes a token up to a vocabulary of 65,536 and 4 above.
 *
 * <p>Concurrency: constant once made; any number of models read it.
 */
public final class GpuTokens implements AutoCloseable {

    private static final int CHUNK = 1 << 20;

    private final long length;
    private final int vocabSize;
    private final DeviceMemory memory;
    private final boolean wide;

    private GpuTokens(TokenSource source, DeviceMemory memory, boolean wide) {
        this.length = source.length();
        this.vocabSize = source.vocabSize();
        this.memory = memory;
        this.wide = wide;
    }

    /**
     * Copies a source to the device.
     *
     * @throws dev.isoflop.lm.cuda.driver.CudaException if it does not fit, see {@link #bytes}
     */
    public static GpuTokens upload(CudaDevice device, TokenSource source) {
        boolean wide = source.vocabSize() > 1 << 16;
        DeviceMemory memory = DeviceMemory.allocate(device, Math.max(1, bytes(source)));
        int[] chunk = new int[(int) Math.min(CHUNK, source.length())];
        short[] narrow = wide ? new short[0] : new short[chunk.length];
        for (long at = 0; at < source.length(); at += chunk.length) {
            int count = (int) Math.min(chunk.length, source.length() - at);
            source.read(at, chunk, 0, count);
            if (wide) {
                memory.upload(chunk, 0, count, 4 * at);
            } else {
                for (int i = 0; i < count; i++) {
                    narrow[i] = (short) chunk[i];
                }
                memory.upload(narrow, 0, count, 2 * at);
            }
        }
        return new GpuTokens(source, memory, wide);
    }

    /** Bytes that a source takes on a device. */
    public static long bytes(TokenSource source) {
        return source.length() * (source.vocabSize() > 1 << 16 ? 4 : 2);
    }

    /** Number of distinct ids. */
    public int vocabSize() {
        return vocabSize;
    }

    /** Number of tokens. */
    public long length() {
        return length;
    }

    boolean wide() {
        return wide;
    }

    long address() {
        return memory.address();
    }

    @Override
    public void close() {
        memory.close();
    }
}
