package dev.isoflop.lm.cuda.driver;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A view of bf16 numbers in device memory that kernels of compute capability 9.0 copy boxes from and to: columns, rows and lanes. Boxes are
 * 64 columns wide and lie in shared memory with the 128-byte swizzle. A value; the memory it describes is someone else's.
 *
 * @param address of the first number, a multiple of 16
 * @param columns numbers of a row, neighbours in memory
 * @param rows of a lane
 * @param rowBytes from a row to the next, a multiple of 16
 * @param lanes how many matrices
 * @param laneBytes from a lane's first row to the next lane's, a multiple of 16
 * @param boxRows rows of a box, at most 256
 */
public record TensorMap(long address, int columns, int rows, long rowBytes, int lanes, long laneBytes, int boxRows) {

    /** Bytes of what a kernel takes. */
    public static final int BYTES = 128;

    private static final int BOX_COLUMNS = 64;
    private static final int TYPE_BF16 = 9;
    private static final int SWIZZLE_128_BYTES = 3;
    private static final int PROMOTE_TO_256_BYTES = 3;

    public TensorMap {
        if (((address | rowBytes | laneBytes) & 15) != 0) {
            throw new IllegalArgumentException("address %x and strides of %d and %d bytes must be multiples of 16"
                    .formatted(address, rowBytes, laneBytes));
        }
        if (columns < 1 || rows < 1 || lanes < 1 || boxRows < 1 || boxRows > 256) {
            throw new IllegalArgumentException("a view of %d lanes of %d rows of %d columns, %d rows a box"
                    .formatted(lanes, rows, columns, boxRows));
        }
    }

    /**
     * What a kernel takes, for {@link Args#struct}.
     *
     * @throws CudaException if the driver refuses it, or is older than CUDA 12.0
     */
    public MemorySegment encode(Arena arena) {
        MemorySegment map = arena.allocate(BYTES, 64);
        try (Arena local = Arena.ofConfined()) {
            MemorySegment sizes = local.allocateFrom(JAVA_LONG, columns, rows, lanes);
            MemorySegment strides = local.allocateFrom(JAVA_LONG, rowBytes, laneBytes);
            MemorySegment box = local.allocateFrom(JAVA_INT, BOX_COLUMNS, boxRows, 1);
            MemorySegment ones = local.allocateFrom(JAVA_INT, 1, 1, 1);
            int code = DriverCalls.tensorMap(
                    map.address(),
                    TYPE_BF16,
                    3,
                    address,
                    sizes.address(),
                    strides.address(),
                    box.address(),
                    ones.address(),
                    0,
                    SWIZZLE_128_BYTES,
                    PROMOTE_TO_256_BYTES,
                    0);
            CudaException.check(code, "encoding of", toString());
        }
        return map;
    }
}
