package dev.isoflop.lm.cuda.engine;

import dev.isoflop.lm.cuda.driver.CudaDevice;
import dev.isoflop.lm.cuda.driver.CudaStream;
import dev.isoflop.lm.cuda.driver.DeviceMemory;
import dev.isoflop.lm.cuda.driver.PinnedMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Copies between arrays and a device in one stream's order, through page-locked memory, so that other streams go on meanwhile. Each call
 * waits for its stream.
 */
final class HostTransfer implements AutoCloseable {

    private static final long CHUNK = 8L << 20;

    private final CudaStream stream;
    private final PinnedMemory staging;

    HostTransfer(CudaDevice device, CudaStream stream) {
        this.stream = stream;
        this.staging = PinnedMemory.allocate(device, CHUNK);
    }

    /** Copies a whole array to a place in bytes. */
    void up(float[] source, DeviceMemory target, long offset) {
        long bytes = 4L * source.length;
        for (long at = 0; at < bytes; at += CHUNK) {
            long part = Math.min(CHUNK, bytes - at);
            MemorySegment.copy(source, (int) (at / 4), staging.segment(), ValueLayout.JAVA_FLOAT, 0, (int) (part / 4));
            target.upload(stream, staging.segment().asSlice(0, part), offset + at);
            stream.synchronize();
        }
    }

    /** Copies a few numbers. */
    void up(long[] source, DeviceMemory target) {
        MemorySegment.copy(source, 0, staging.segment(), ValueLayout.JAVA_LONG, 0, source.length);
        target.upload(stream, staging.segment().asSlice(0, 8L * source.length), 0);
        stream.synchronize();
    }

    /** Fills a whole array from a place in bytes. */
    void down(DeviceMemory source, long offset, float[] target) {
        long bytes = 4L * target.length;
        for (long at = 0; at < bytes; at += CHUNK) {
            long part = Math.min(CHUNK, bytes - at);
            source.download(stream, staging.segment().asSlice(0, part), offset + at);
            stream.synchronize();
            MemorySegment.copy(staging.segment(), ValueLayout.JAVA_FLOAT, 0, target, (int) (at / 4), (int) (part / 4));
        }
    }

    /** Fills a short array from the beginning. */
    void down(DeviceMemory source, double[] target) {
        source.download(stream, staging.segment().asSlice(0, 8L * target.length), 0);
        stream.synchronize();
        MemorySegment.copy(staging.segment(), ValueLayout.JAVA_DOUBLE, 0, target, 0, target.length);
    }

    @Override
    public void close() {
        staging.close();
    }
}
