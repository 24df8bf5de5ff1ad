package dev.isoflop.lm.cuda.blas;

/**
 * A product of row-major matrices, or of a batch of them: {@code C[M][N] = alpha · op(A)[M][K] · op(B)[K][N] + beta · C}. Sums are fp32.
 *
 * @param m rows of C
 * @param n columns of C
 * @param k length of the sums
 * @param transposeA whether A is stored {@code [K][M]}, else {@code [M][K]}
 * @param transposeB whether B is stored {@code [N][K]} (as a layer's weights are), else {@code [K][N]}
 * @param inputType of A and B
 * @param outputType of C: fp32 inputs have fp32 outputs
 * @param lda elements from one row of the stored A to the next
 * @param ldb elements from one row of the stored B to the next
 * @param ldc elements from one row of C to the next
 * @param batch how many products; the lanes of a run array
 * @param strideA elements from A of one product to A of the next; 0 if they share it
 * @param strideB the same for B
 * @param strideC the same for C
 * @param alpha a constant factor
 * @param beta 0 to overwrite C (whatever it holds), 1 to add to it
 * @param tf32 whether fp32 inputs may be rounded to 10 bits of mantissa on their way into the tensor cores; off, products are exact fp32
 * @param alignment bytes that every address is a multiple of, a power of two up to 256; more allows faster code
 */
public record MatmulProblem(
        int m,
        int n,
        int k,
        boolean transposeA,
        boolean transposeB,
        MatrixType inputType,
        MatrixType outputType,
        int lda,
        int ldb,
        int ldc,
        int batch,
        long strideA,
        long strideB,
        long strideC,
        float alpha,
        float beta,
        boolean tf32,
        int alignment) {

    public MatmulProblem {
        if (m < 1 || n < 1 || k < 1 || batch < 1) {
            throw new IllegalArgumentException(
                    "sizes of a product must be positive: " + m + " x " + n + " x " + k + ", batch " + batch);
        }
        if (lda < (transposeA ? m : k) || ldb < (transposeB ? k : n) || ldc < n) {
            throw new IllegalArgumentException(
                    "a row does not fit its leading dimension: lda " + lda + ", ldb " + ldb + ", ldc " + ldc);
        }
        if (inputType == MatrixType.FP32 && outputType != MatrixType.FP32) {
            throw new IllegalArgumentException("fp32 inputs have fp32 outputs");
        }
        if (batch > 1 && strideC < (m - 1L) * ldc + n) {
            throw new IllegalArgumentException("the outputs of a batch overlap: stride " + strideC);
        }
        if (beta != 0 && beta != 1) {
            throw new IllegalArgumentException("beta is " + beta + ", may be 0 or 1");
        }
        if (Integer.bitCount(alignment) != 1 || alignment > 256 || alignment < outputType.bytes()) {
            throw new IllegalArgumentException("alignment of " + alignment + " bytes");
        }
    }

    /**
     * One product of tightly stored, untransposed matrices that overwrites C; addresses are multiples of 16.
     *
     * @param type of all three
     */
    public static MatmulProblem of(int m, int n, int k, MatrixType type) {
        return new MatmulProblem(m, n, k, false, false, type, type, k, n, n, 1, 0, 0, 0, 1, 0, false, 16);
    }

    /** With these stored transposed; leading dimensions become those of tight storage. */
    public MatmulProblem transposed(boolean a, boolean b) {
        return new MatmulProblem(
                m,
                n,
                k,
                a,
                b,
                inputType,
                outputType,
                a ? m : k,
                b ? k : n,
                ldc,
                batch,
                strideA,
                strideB,
                strideC,
                alpha,
                beta,
                tf32,
                alignment);
    }

    public MatmulProblem withOutput(MatrixType type) {
        return new MatmulProblem(
                m,
                n,
                k,
                transposeA,
                transposeB,
                inputType,
                type,
                lda,
                ldb,
                ldc,
                batch,
                strideA,
                strideB,
                strideC,
                alpha,
                beta,
                tf32,
                alignment);
    }

    public MatmulProblem withLeading(int a, int b, int c) {
        return new MatmulProblem(
                m,
                n,
                k,
                transposeA,
                transposeB,
                inputType,
                outputType,
                a,
                b,
                c,
                batch,
                strideA,
                strideB,
                strideC,
                alpha,
                beta,
                tf32,
                alignment);
    }

    /** With strides in elements. */
    public MatmulProblem batched(int count, long a, long b, long c) {
        return new MatmulProblem(
                m,
                n,
                k,
                transposeA,
                transposeB,
                inputType,
                outputType,
                lda,
                ldb,
                ldc,
                count,
                a,
                b,
                c,
                alpha,
                beta,
                tf32,
                alignment);
    }

    public MatmulProblem withScale(float newAlpha, float newBeta) {
        return new MatmulProblem(
                m,
                n,
                k,
                transposeA,
                transposeB,
                inputType,
                outputType,
                lda,
                ldb,
                ldc,
                batch,
                strideA,
                strideB,
                strideC,
                newAlpha,
                newBeta,
                tf32,
                alignment);
    }

    public MatmulProblem withTf32(boolean allowed) {
        return new MatmulProblem(
                m,
                n,
                k,
                transposeA,
                transposeB,
                inputType,
                outputType,
                lda,
                ldb,
                ldc,
                batch,
                strideA,
                strideB,
                strideC,
                alpha,
                beta,
                allowed,
                alignment);
    }

    /** With addresses that are multiples of this many bytes. */
    public MatmulProblem withAlignment(int bytes) {
        return new MatmulProblem(
                m,
                n,
                k,
                transposeA,
                transposeB,
                inputType,
                outputType,
                lda,
                ldb,
                ldc,
                batch,
                strideA,
                strideB,
                strideC,
                alpha,
                beta,
                tf32,
                bytes);
    }

    /** Floating-point operations: a multiplication and an addition for each term. */
    public double flops() {
        return 2.0 * m * n * k * batch;
    }

    /** What the choice of an algorithm depends on, as text. */
    public String key() {
        return "%s>%s %dx%dx%d %s%s ld %d,%d,%d batch %d:%d,%d,%d beta %d%s align %d"
                .formatted(
                        inputType,
                        outputType,
                        m,
                        n,
                        k,
                        transposeA ? "T" : "N",
                        transposeB ? "T" : "N",
                        lda,
                        ldb,
                        ldc,
                        batch,
                        strideA,
                        strideB,
                        strideC,
                        (int) beta,
                        tf32 ? " tf32" : "",
                        alignment);
    }
}
