package dev.isoflop.lm.cuda.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.lm.cuda.driver.DeviceMemory;
import dev.isoflop.lm.cuda.kernels.KernelBench.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("gpu")
class EmbeddingGpuTests {

    private static final int LANES = 2;
    private static final int CHUNK = 1024;
    private static final int SPAN = 32;

    private KernelBench bench;

    @BeforeEach
    void open() {
        bench = new KernelBench("embedding.cu");
    }

    @AfterEach
    void close() {
        if (bench != null) {
            bench.close();
        }
    }

    @Test
    void rowsAreGatheredAndAForeignIdIsNan() {
        int vocab = 301;
        for (Type type : Type.values()) {
            for (int d : KernelBench.WIDTHS) {
                for (int rows : KernelBench.ROWS) {
                    int stride = vocab * d + 8;
                    float[] table = bench.normal(type, LANES * stride); // [LANES][vocab][d], 8 apart
                    int[] ids = bench.ids(LANES * rows, vocab);
                    ids[rows - 1] = vocab;
                    ids[2 * rows - 1] = -1;
                    DeviceMemory out = bench.poisoned(type, (long) LANES * rows * d);
                    bench.args
                            .reset()
                            .address(out)
                            .address(bench.up(type, table))
                            .address(bench.up(ids))
                            .int32(rows)
                            .int32(d)
                            .int32(vocab)
                            .int64(stride);
                    bench.launch("embedding_forward_" + type.suffix, (rows + 3) / 4, LANES, 1, 128, 0);
                    float[] got = bench.down(type, out, LANES * rows * d);
                    for (int r = 0; r < LANES * rows; r++) {
                        for (int c = 0; c < d; c++) {
                            float want = ids[r] < 0 || ids[r] >= vocab
                                    ? Float.NaN
                                    : table[r / rows * stride + ids[r] * d + c];
                            if (Float.compare(got[r * d + c], want) != 0) {
                                throw new AssertionError("%s d=%d rows=%d seed %d: %s instead of %s at %d, %d"
                                        .formatted(type, d, rows, bench.seed, got[r * d + c], want, r, c));
                            }
                        }
                    }
                    bench.free();
                }
            }
        }
    }

    @Test
    void gradientsAreSumsOfAnIdsTokens() {
        for (int d : KernelBench.WIDTHS) {
            for (int rows : new int[] {1, 33, 1000, 2500}) {
                backward(d, someFrequent(rows, 301), 301, true);
                backward(d, someFrequent(rows, 7), 7, false);
            }
        }
        backward(64, someFrequent(5000, 70_001), 70_001, false); // three passes of the sort
        backward(1100, someFrequent(100, 50), 50, true); // more columns than a block has threads
    }

    private int[] someFrequent(int rows, int vocab) {
        int[] ids = bench.ids(LANES * rows, vocab);
        for (int i = 0; i < ids.length; i += 3) {
            ids[i] %= 5;
        }
        ids[rows / 2] = -1;
        return ids;
    }

    /** Ids that begin or end where a span of sorted tokens does, or one token away, and ids that fill one or several. */
    @Test
    void gradientsOfIdsThatSpansShare() {
        int[] lengths = {32, 31, 1, 33, 31, 64, 65, 95, 32, 96, 1, 30, 2, 700, 3};
        int total = Arrays.stream(lengths).sum();
        for (int rows : new int[] {31, 32, 33, 64, 65, total}) {
            for (boolean accumulate : new boolean[] {false, true}) {
                int[] ids = new int[LANES * rows];
                for (int lane = 0; lane < LANES; lane++) {
                    List<Integer> own = new ArrayList<>();
                    for (int k = 0; own.size() < rows; k++) {
                        int length = lengths[(k + lane) % lengths.length];
                        own.addAll(Collections.nCopies(length, 2 * k));
                    }
                    own = own.subList(0, rows);
                    Collections.shuffle(own, bench.random);
                    for (int i = 0; i < rows; i++) {
                        ids[lane * rows + i] = own.get(i);
                    }
                }
                backward(64, ids, 100, accumulate);
                backward(17, ids, 100, accumulate);
            }
            int[] same = new int[LANES * rows];
            Arrays.fill(same, 41);
            backward(24, same, 100, rows > 33);
        }
    }

    private void backward(int d, int[] ids, int vocab, boolean accumulate) {
        int rows = ids.length / LANES;
        DeviceMemory[] sorted = sort(ids, rows, vocab);
        int stride = vocab * d;
        for (Type type : Type.values()) {
            float[] dy = bench.normal(type, LANES * rows * d);
            String[] suffixes = type == Type.F32 ? new String[] {"f32"} : new String[] {"bf16", "bf16_g16"};
            for (String suffix : suffixes) {
                Type out = suffix.equals("bf16_g16") ? Type.BF16 : Type.F32;
                float[] before = bench.normal(out, LANES * stride);
                double[] want = new double[LANES * stride];
                for (int i = 0; accumulate && i < want.length; i++) {
                    want[i] = before[i];
                }
                for (int r = 0; r < LANES * rows; r++) {
                    for (int c = 0; c < d && ids[r] >= 0; c++) {
                        want[r / rows * stride + ids[r] * d + c] += dy[r * d + c];
                    }
                }
                String what = "embedding backward " + suffix + " d=" + d + " rows=" + rows + " vocab=" + vocab;
                DeviceMemory up = bench.up(type, dy);
                float[][] got = bench.twice(what, () -> {
                    DeviceMemory table = accumulate ? bench.up(out, before) : bench.poisoned(out, LANES * stride);
                    int spans = (rows + SPAN - 1) / SPAN;
                    DeviceMemory partial = bench.poisoned(Type.F32, 2L * LANES * spans * d);
                    int more = accumulate ? 0 : (vocab + 31) / 32;
                    bench.args
                            .reset()
                            .address(table)
                            .address(partial)
                            .address(up)
                            .address(sorted[0])
                            .address(sorted[1])
                            .int32(rows)
                            .int32(d)
                            .int32(vocab)
                            .int64(stride)
                            .int32(accumulate ? 1 : 0);
                    bench.launch("embedding_backward_" + suffix, spans + more, LANES, 1, 64, 0);
                    bench.args
                            .reset()
                            .address(table)
                            .address(partial)
                            .address(sorted[0])
                            .int32(rows)
                            .int32(d)
                            .int32(vocab)
                            .int64(stride)
                            .int32(accumulate ? 1 : 0);
                    bench.launch("embedding_borders_" + suffix, spans, LANES, 1, 64, 0);
                    return new float[][] {bench.down(out, table, LANES * stride)};
                });
                bench.close(what, out, got[0], want);
            }
        }
        bench.free();
    }

    /** Ids in order, and where their tokens are. */
    private DeviceMemory[] sort(int[] ids, int rows, int vocab) {
        int chunks = (rows + CHUNK - 1) / CHUNK;
        int passes = (32 - Integer.numberOfLeadingZeros(vocab) + 7) / 8;
        DeviceMemory keys = bench.up(ids);
        DeviceMemory order = null;
        DeviceMemory counts = bench.poisoned(Type.F32, LANES * 256L * chunks);
        for (int pass = 0; pass < passes; pass++) {
            DeviceMemory keysOut = bench.poisoned(Type.F32, LANES * rows);
            DeviceMemory orderOut = bench.poisoned(Type.F32, LANES * rows);
            int shift = 8 * pass;
            bench.args
                    .reset()
                    .address(counts)
                    .address(keys)
                    .int32(rows)
                    .int32(vocab)
                    .int32(shift);
            bench.launch("embedding_sort_count", chunks, LANES, 1, CHUNK, 0);
            bench.args
                    .reset()
                    .address(keysOut)
                    .address(orderOut)
                    .address(keys)
                    .address(order == null ? 0 : order.address())
                    .address(counts)
                    .int32(rows)
                    .int32(vocab)
                    .int32(shift);
            bench.launch("embedding_sort_scatter", chunks, LANES, 1, CHUNK, 0);
            keys = keysOut;
            order = orderOut;
        }
        int[] tokens = bench.downInts(order, LANES * rows);
        checkOrder(ids, rows, vocab, tokens);
        int[] sortedIds = bench.downInts(keys, LANES * rows);
        for (int i = 0; i < sortedIds.length; i++) {
            int id = ids[i / rows * rows + tokens[i]];
            assertThat(sortedIds[i]).isEqualTo(id < 0 ? vocab : id);
        }
        return new DeviceMemory[] {keys, order};
    }

    private void checkOrder(int[] ids, int rows, int vocab, int[] order) {
        for (int lane = 0; lane < LANES; lane++) {
            long previous = -1;
            for (int i = 0; i < rows; i++) {
                int token = order[lane * rows + i];
                int id = ids[lane * rows + token];
                long key = (id < 0 ? vocab : id) * (long) rows + token; // by id, then by place: strictly rising
                if (key <= previous) {
                    throw new AssertionError("not sorted at " + i + " of lane " + lane + ", seed " + bench.seed);
                }
                previous = key;
            }
        }
    }
}
