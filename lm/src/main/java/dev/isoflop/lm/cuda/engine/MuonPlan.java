package dev.isoflop.lm.cuda.engine;

import dev.isoflop.lm.cpu.Muon;
import dev.isoflop.lm.model.ParameterLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * Where Muon's matrices lie while they are orthogonalised. Those of one shape, of all members, layers and lanes, follow each other, so that
 * a product of the iteration is one batched call; a matrix that is wide is kept transposed and shares its batch with tall ones.
 *
 * <p>Offsets are bytes from the workspace's beginning, multiples of 256.
 */
final class MuonPlan {

    /** Rows and columns of what a block moves at a time: {@code TILE} of muon.cu. */
    static final int TILE = 64;

    private static final int ALIGN = 256;

    /**
     * Matrices of one shape.
     *
     * @param members of a lane, in the order of the layout
     * @param large the longer side: rows of a matrix in the workspace
     * @param small the shorter side: its columns
     * @param stride elements from one matrix to the next; members of a lane are adjacent, then the next lane's follow
     * @param squareStride elements from one {@code [small][small]} matrix to the next
     * @param x where the matrices begin; iterations go from here to {@code y} and back
     * @param y as large as x
     * @param gram {@code Xᵀ X} of all
     * @param square its square, then what X is multiplied by
     */
    record Group(
            List<ParameterLayout.Tensor> members,
            int large,
            int small,
            int stride,
            int squareStride,
            long x,
            long y,
            long gram,
            long square) {

        /** Where the matrices are after all iterations. */
        long result() {
            return Muon.ITERATIONS % 2 == 0 ? x : y;
        }
    }

    private final List<Group> groups = new ArrayList<>();
    private final ParameterLayout model;
    private final int lanes;
    private final int unit;

    final int matrices; // of a lane
    final int tiles; // of a lane
    final long elements; // of a lane
    final long partials; // double [lanes][tiles]
    final long inverses; // float [lanes][matrices]
    private long end;

    /**
     * @param model the model's own layout, whose sides decide the rates: zeros around a matrix change none of its singular values
     * @param layout that of the device
     * @param unit bytes of an element
     */
    MuonPlan(ParameterLayout model, ParameterLayout layout, int lanes, int unit) {
        this.model = model;
        this.lanes = lanes;
        this.unit = unit;
        List<ParameterLayout.Tensor> left = new ArrayList<>(
                layout.tensors().stream().filter(t -> t.kind().hidden()).toList());
        this.matrices = left.size();
        this.tiles = left.stream().mapToInt(MuonPlan::tiles).sum();
        this.elements = left.stream().mapToLong(ParameterLayout.Tensor::length).sum();
        while (!left.isEmpty()) {
            int large = Math.max(left.getFirst().rows(), left.getFirst().columns());
            int small = Math.min(left.getFirst().rows(), left.getFirst().columns());
            List<ParameterLayout.Tensor> members = left.stream()
                    .filter(t -> Math.max(t.rows(), t.columns()) == large && Math.min(t.rows(), t.columns()) == small)
                    .toList();
            left.removeAll(members);
            int stride = aligned((long) large * small);
            int squareStride = aligned((long) small * small);
            long count = (long) lanes * members.size();
            groups.add(new Group(
                    members,
                    large,
                    small,
                    stride,
                    squareStride,
                    take(count * stride * unit),
                    take(count * stride * unit),
                    take(count * squareStride * unit),
                    take(count * squareStride * unit)));
        }
        this.partials = take(8L * lanes * tiles);
        this.inverses = take(4L * lanes * matrices);
    }

    /** Elements that end at a multiple of 256 bytes whatever their type. */
    private static int aligned(long elements) {
        return Math.toIntExact(Math.ceilDiv(elements, ALIGN / 2) * (ALIGN / 2));
    }

    private long take(long bytes) {
        long offset = end;
        end += Math.ceilDiv(bytes, ALIGN) * ALIGN;
        return offset;
    }

    static int tiles(ParameterLayout.Tensor t) {
        return Math.ceilDiv(t.rows(), TILE) * Math.ceilDiv(t.columns(), TILE);
    }

    List<Group> groups() {
        return groups;
    }

    /** Bytes of the workspace. */
    long bytes() {
        return end;
    }

    /** FLOPs of a step's products, all lanes together. */
    double flops() {
        double sum = 0;
        for (Group g : groups) {
            double square = (double) g.small() * g.small();
            sum += lanes * g.members().size() * Muon.ITERATIONS * (4 * square * g.large() + 2 * square * g.small());
        }
        return sum;
    }

    /** Kernels and products of an update. */
    int launches() {
        return 4 + 4 * Muon.ITERATIONS * groups.size();
    }

    /** {@code Matrix[]} of muon.cu, as words. */
    int[] matrixTable() {
        int[] words = new int[MATRIX_WORDS * matrices];
        int at = 0;
        int tile = 0;
        for (Group g : groups) {
            for (int i = 0; i < g.members().size(); i++, at += MATRIX_WORDS) {
                ParameterLayout.Tensor t = g.members().get(i);
                wide(words, at, t.offset());
                wide(words, at + 2, g.x() / unit + (long) i * g.stride());
                wide(words, at + 4, g.result() / unit + (long) i * g.stride());
                wide(words, at + 6, (long) g.members().size() * g.stride());
                words[at + 8] = t.rows();
                words[at + 9] = t.columns();
                words[at + 10] = t.rows() < t.columns() ? 1 : 0;
                words[at + 11] = tile;
                words[at + 12] = tiles(t);
                words[at + 13] = Float.floatToRawIntBits((float) Muon.rate(model.tensor(t.name())));
                tile += tiles(t);
            }
        }
        return words;
    }

    private static final int MATRIX_WORDS = 14;

    private static void wide(int[] words, int at, long value) {
        words[at] = (int) value;
        words[at + 1] = (int) (value >>> 32);
    }

    /** {@code Tile[]} of muon.cu, as words: matrices in the order of their table, each row of tiles by row. */
    int[] tileTable() {
        int[] words = new int[4 * tiles];
        int at = 0;
        int matrix = 0;
        for (Group g : groups) {
            for (ParameterLayout.Tensor t : g.members()) {
                for (int row = 0; row < t.rows(); row += TILE) {
                    for (int column = 0; column < t.columns(); column += TILE, at += 4) {
                        words[at] = matrix;
                        words[at + 1] = row;
                        words[at + 2] = column;
                    }
                }
                matrix++;
            }
        }
        return words;
    }
}
