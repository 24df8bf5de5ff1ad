package dev.isoflop.lm.cuda.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/**
 * A block of a GPU's memory, or a part of one. Its address is a number that kernels, graphs and cuBLASLt take as it is; it is a multiple of
 * 256 for a whole block. Fresh memory holds anything.
 *
 * <p>Copies come in two kinds. Those without a stream are for set-up and tests: they wait until the device has finished all it was given,
 * and return when the data is there. Those with a stream run in its order and are what a captured step may use; the host memory must be
 * {@link PinnedMemory} for them to overlap with anything, and stay untouched until they are done.
 *
 * <p>Concurrency: no state but the address; ordering accesses is the streams' business. The thread must have bound the device.
 */
public final class DeviceMemory implements AutoCloseable {

    private static final long CHUNK = 4L << 20;

    private final CudaDevice device;
    private final Handles.@Nullable DevicePointer owned;
    private final long address;
    private final long bytes;
    private boolean closed;

    private DeviceMemory(CudaDevice device, Handles.@Nullable DevicePointer owned, long address, long bytes) {
        this.device = device;
        this.owned = owned;
        this.address = address;
        this.bytes = bytes;
    }

    /**
     * Allocates.
     *
     * @param bytes at least 1
     * @throws CudaException {@link CudaException#isOutOfMemory} if there is not that much
     */
    public static DeviceMemory allocate(CudaDevice device, long bytes) {
        if (bytes < 1) {
            throw new IllegalArgumentException("cannot allocate " + bytes + " bytes of device memory");
        }
        device.bind();
        Handles.DevicePointer pointer = new Handles.DevicePointer();
        int code = JCudaDriver.cuMemAlloc(pointer, bytes);
        if (code != 0) {
            throw new CudaException(code, "allocation of " + bytes + " bytes on " + device.name());
        }
        return new DeviceMemory(device, pointer, pointer.value(), bytes);
    }

    /** Memory that something else owns: a module's variable. */
    static DeviceMemory at(CudaDevice device, long address, long bytes) {
        return new DeviceMemory(device, null, address, bytes);
    }

    public CudaDevice device() {
        return device;
    }

    /** Where it is on the device. */
    public long address() {
        return address;
    }

    /** The address of a byte of it. */
    public long address(long offset) {
        Objects.checkIndex(offset, bytes + 1);
        return address + offset;
    }

    /** Its size in bytes. */
    public long bytes() {
        return bytes;
    }

    /** The part from a byte to the end; closing it does nothing. */
    public DeviceMemory slice(long offset) {
        return slice(offset, bytes - offset);
    }

    /** A part; closing it does nothing. */
    public DeviceMemory slice(long offset, long length) {
        Objects.checkFromIndexSize(offset, length, bytes);
        return new DeviceMemory(device, null, address + offset, length);
    }

    /** Copies a whole array to the beginning. */
    public void upload(float[] source) {
        upload(MemorySegment.ofArray(source), 0);
    }

    /** Copies a whole array to the beginning. */
    public void upload(int[] source) {
        upload(MemorySegment.ofArray(source), 0);
    }

    /** Copies a whole array (bf16 values, 16-bit tokens) to the beginning. */
    public void upload(short[] source) {
        upload(MemorySegment.ofArray(source), 0);
    }

    /**
     * Copies part of an array.
     *
     * @param from the first element
     * @param count elements
     * @param offset bytes from the beginning of this memory
     */
    public void upload(float[] source, int from, int count, long offset) {
        upload(MemorySegment.ofArray(source).asSlice(4L * from, 4L * count), offset);
    }

    /** As {@link #upload(float[], int, int, long)}. */
    public void upload(int[] source, int from, int count, long offset) {
        upload(MemorySegment.ofArray(source).asSlice(4L * from, 4L * count), offset);
    }

    /** As {@link #upload(float[], int, int, long)}. */
    public void upload(short[] source, int from, int count, long offset) {
        upload(MemorySegment.ofArray(source).asSlice(2L * from, 2L * count), offset);
    }

    /**
     * Copies host memory of any kind, once the device is idle; it is there on return, for every stream.
     *
     * @param offset bytes from the beginning of this memory
     */
    public void upload(MemorySegment source, long offset) {
        Objects.checkFromIndexSize(offset, source.byteSize(), bytes);
        device.synchronize();
        if (source.isNative()) {
            CudaException.check(
                    DriverCalls.hostToDevice(address + offset, source.address(), source.byteSize()), "upload");
        } else {
            // an array must not be pinned for the length of a copy: the collector would wait for it
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment chunk = arena.allocate(Math.clamp(source.byteSize(), 1, CHUNK));
                for (long done = 0; done < source.byteSize(); done += CHUNK) {
                    long part = Math.min(CHUNK, source.byteSize() - done);
                    MemorySegment.copy(source, done, chunk, 0, part);
                    CudaException.check(
                            DriverCalls.hostToDevice(address + offset + done, chunk.address(), part), "upload");
                }
            }
        }
        // the driver returns when the source may be used again, not when the last bytes have arrived, and our streams
        // do not wait for its own
        device.synchronize();
    }

    /** Fills a whole array from the beginning. */
    public void download(float[] target) {
        download(MemorySegment.ofArray(target), 0);
    }

    /** Fills a whole array from the beginning. */
    public void download(int[] target) {
        download(MemorySegment.ofArray(target), 0);
    }

    /** Fills a whole array (bf16 values, 16-bit tokens) from the beginning. */
    public void download(short[] target) {
        download(MemorySegment.ofArray(target), 0);
    }

    /**
     * Fills part of an array.
     *
     * @param from the first element
     * @param count elements
     * @param offset bytes from the beginning of this memory
     */
    public void download(float[] target, int from, int count, long offset) {
        download(MemorySegment.ofArray(target).asSlice(4L * from, 4L * count), offset);
    }

    /** As {@link #download(float[], int, int, long)}. */
    public void download(int[] target, int from, int count, long offset) {
        download(MemorySegment.ofArray(target).asSlice(4L * from, 4L * count), offset);
    }

    /** As {@link #download(float[], int, int, long)}. */
    public void download(short[] target, int from, int count, long offset) {
        download(MemorySegment.ofArray(target).asSlice(2L * from, 2L * count), offset);
    }

    /**
     * Fills host memory of any kind, once the device is idle.
     *
     * @param offset bytes from the beginning of this memory
     */
    public void download(MemorySegment target, long offset) {
        Objects.checkFromIndexSize(offset, target.byteSize(), bytes);
        device.synchronize();
        if (target.isNative()) {
            CudaException.check(
                    DriverCalls.deviceToHost(target.address(), address + offset, target.byteSize()), "download");
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment chunk = arena.allocate(Math.clamp(target.byteSize(), 1, CHUNK));
            for (long done = 0; done < target.byteSize(); done += CHUNK) {
                long part = Math.min(CHUNK, target.byteSize() - done);
                CudaException.check(
                        DriverCalls.deviceToHost(chunk.address(), address + offset + done, part), "download");
                MemorySegment.copy(chunk, 0, target, done, part);
            }
        }
    }

    /** Copies native host memory in a stream's order. */
    public void upload(CudaStream stream, MemorySegment source, long offset) {
        Objects.checkFromIndexSize(offset, source.byteSize(), bytes);
        requireNative(source);
        CudaException.check(
                DriverCalls.hostToDeviceAsync(address + offset, source.address(), source.byteSize(), stream.handle()),
                "upload");
    }

    /** Fills native host memory in a stream's order. */
    public void download(CudaStream stream, MemorySegment target, long offset) {
        Objects.checkFromIndexSize(offset, target.byteSize(), bytes);
        requireNative(target);
        CudaException.check(
                DriverCalls.deviceToHostAsync(target.address(), address + offset, target.byteSize(), stream.handle()),
                "download");
    }

    /**
     * Copies within the device in a stream's order.
     *
     * @param offset bytes from the beginning of this memory
     * @param source a device address
     */
    public void copyFrom(CudaStream stream, long offset, long source, long length) {
        Objects.checkFromIndexSize(offset, length, bytes);
        CudaException.check(
                DriverCalls.deviceToDeviceAsync(address + offset, source, length, stream.handle()),
                "copy on the device");
    }

    /** Sets every byte, once the device is idle. */
    public void memset(int value) {
        device.synchronize();
        CudaException.check(DriverCalls.memset8Async(address, (byte) value, bytes, 0), "memset");
        CudaException.check(DriverCalls.synchronize(0), "memset");
    }

    /** Sets a range of bytes in a stream's order. */
    public void memset(CudaStream stream, int value, long offset, long length) {
        Objects.checkFromIndexSize(offset, length, bytes);
        CudaException.check(
                DriverCalls.memset8Async(address + offset, (byte) value, length, stream.handle()), "memset");
    }

    /**
     * Sets 32-bit words in a stream's order: {@code Float.floatToRawIntBits(x)} fills with x.
     *
     * @param count words
     */
    public void fill32(CudaStream stream, int word, long offset, long count) {
        Objects.checkFromIndexSize(offset, 4 * count, bytes);
        CudaException.check(DriverCalls.memset32Async(address + offset, word, count, stream.handle()), "memset");
    }

    private static void requireNative(MemorySegment segment) {
        if (!segment.isNative()) {
            throw new IllegalArgumentException("a copy in a stream needs native host memory, PinnedMemory at best");
        }
    }

    /** Frees a whole block; nothing for a part of one. Work that uses it must have ended. */
    @Override
    public void close() {
        if (owned == null || closed) {
            return;
        }
        closed = true;
        device.bind();
        CudaException.check(JCudaDriver.cuMemFree(owned), "release of device memory");
    }
}
