package dev.isoflop.lm.cuda.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The arguments of a kernel launch, in off-heap memory that is written again for every launch:
 *
 * <pre>{@code kernel.launch(stream, blocks, 1, 1, 256, 0, args.reset().address(x).address(y).int32(n));}</pre>
 *
 * The driver copies them during the launch, so one object serves any number of launches of one thread, and captured ones too. They are
 * checked against the kernel's own parameters, by number and size, where the driver tells them.
 *
 * <p>Layout: a table of pointers, one per argument, and after it the values, 8 bytes apart and structures at multiples of 64.
 *
 * <p>Concurrency: one thread's.
 */
public final class Args implements AutoCloseable {

    /** More than any of our kernels has. */
    public static final int DEFAULT_CAPACITY = 64;

    private static final int ALIGNMENT = 64;

    private final Arena arena = Arena.ofShared();
    private final int capacity;
    private final MemorySegment memory;
    private final long valuesAt;
    private final long end;
    private final int[] sizes;
    private int count;
    private long next;

    /** Room for {@value #DEFAULT_CAPACITY} arguments. */
    public Args() {
        this(DEFAULT_CAPACITY);
    }

    /** @param capacity most arguments; values may take 64 bytes each on average, 4096 at least in all */
    public Args(int capacity) {
        this.capacity = capacity;
        this.valuesAt = (8L * capacity + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        this.memory = arena.allocate(valuesAt + Math.max(4096, 64L * capacity), ALIGNMENT);
        this.end = memory.byteSize();
        this.sizes = new int[capacity];
        this.next = valuesAt;
    }

    /** Forgets all arguments. */
    public Args reset() {
        count = 0;
        next = valuesAt;
        return this;
    }

    /** A pointer, or any 64-bit number. */
    public Args address(long value) {
        memory.set(ValueLayout.JAVA_LONG, slot(8), value);
        return this;
    }

    /** A pointer to the beginning of device memory. */
    public Args address(DeviceMemory value) {
        return address(value.address());
    }

    /** An {@code int} or {@code unsigned}. */
    public Args int32(int value) {
        memory.set(ValueLayout.JAVA_INT, slot(4), value);
        return this;
    }

    /** A {@code long long}. */
    public Args int64(long value) {
        return address(value);
    }

    /** A {@code float}. */
    public Args float32(float value) {
        memory.set(ValueLayout.JAVA_FLOAT, slot(4), value);
        return this;
    }

    /** A {@code double}. */
    public Args float64(double value) {
        memory.set(ValueLayout.JAVA_DOUBLE, slot(8), value);
        return this;
    }

    /** A structure passed by value, such as a tensor map: its bytes, aligned to 64. */
    public Args struct(MemorySegment bytes) {
        next = (next + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        long at = slot((int) bytes.byteSize());
        MemorySegment.copy(bytes, 0, memory, at, bytes.byteSize());
        return this;
    }

    /** How many there are. */
    public int count() {
        return count;
    }

    private long slot(int size) {
        if (count == capacity || next + size > end) {
            throw new IllegalStateException("no room for argument " + count + " of a kernel: make Args larger");
        }
        long at = next;
        memory.set(ValueLayout.JAVA_LONG, 8L * count, memory.address() + at);
        sizes[count++] = size;
        next = at + (size + 7L) / 8 * 8;
        return at;
    }

    /** Bytes of an argument. */
    int size(int index) {
        return sizes[index];
    }

    /** The table of pointers, as the driver wants it. */
    long table() {
        return memory.address();
    }

    /** For tests: the memory, table first. */
    MemorySegment memory() {
        return memory;
    }

    @Override
    public void close() {
        arena.close();
    }
}
