package dev.isoflop.scaling.flops;

import java.util.List;

/**
 * The numbers that fix every tensor of a Llama-shaped decoder: RMSNorm, RoPE, grouped-query attention, SwiGLU.
 *
 * @param vocabSize tokens in the vocabulary
 * @param contextLength tokens a training window holds
 * @param dModel width of the residual stream
 * @param layers transformer blocks
 * @param heads query heads; divides {@code dModel}, and the head size must be even because RoPE rotates pairs
 * @param kvHeads key and value heads; divides {@code heads}
 * @param dFf hidden width of the SwiGLU feed-forward
 * @param tiedEmbeddings whether the output head is the embedding matrix
 * @param qkNorm whether queries and keys pass an RMSNorm with weights of head size
 */
public record TransformerShape(
        int vocabSize,
        int contextLength,
        int dModel,
        int layers,
        int heads,
        int kvHeads,
        int dFf,
        boolean tiedEmbeddings,
        boolean qkNorm) {

    /** Head sizes ({@code dModel / heads}) for which GPUs have attention kernels in bf16, ascending. */
    public static final List<Integer> BF16_HEAD_SIZES = List.of(16, 24, 32, 64, 96, 128);

    public TransformerShape {
        requirePositive("vocabSize", vocabSize);
        requirePositive("contextLength", contextLength);
        requirePositive("dModel", dModel);
        requirePositive("layers", layers);
        requirePositive("heads", heads);
        requirePositive("kvHeads", kvHeads);
        requirePositive("dFf", dFf);
        if (dModel % heads != 0) {
            throw new IllegalArgumentException("dModel " + dModel + " is not a multiple of heads " + heads);
        }
        if ((dModel / heads) % 2 != 0) {
            throw new IllegalArgumentException("head size " + dModel / heads + " is odd; RoPE rotates pairs");
        }
        if (heads % kvHeads != 0) {
            throw new IllegalArgumentException("heads " + heads + " is not a multiple of kvHeads " + kvHeads);
        }
    }

    /** What a model is called that was given no name: by its width. */
    public String name() {
        return "d" + dModel;
    }

    public int headSize() {
        return dModel / heads;
    }

    /** Whether it can be trained in that precision: in bf16 only where GPUs have kernels for its heads. */
    public boolean trainsIn(Precision precision) {
        return switch (precision) {
            case FP32 -> true;
            case BF16 -> BF16_HEAD_SIZES.contains(headSize());
        };
    }

    /** Width of the key (and of the value) projection: {@code kvHeads * headSize}. */
    public int kvWidth() {
        return kvHeads * headSize();
    }

    private static void requirePositive(String name, int value) {
        if (value <= 0) {
            throw new IllegalArgumentException(name + " must be positive, was " + value);
        }
    }
}
