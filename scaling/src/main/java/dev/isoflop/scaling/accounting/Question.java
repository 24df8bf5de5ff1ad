package dev.isoflop.scaling.accounting;

import dev.isoflop.scaling.accounting.Architecture.FeedForward;
import dev.isoflop.scaling.accounting.Architecture.Norm;
import dev.isoflop.scaling.accounting.Architecture.Positions;
import dev.isoflop.scaling.accounting.Workload.Optimizer;
import dev.isoflop.scaling.accounting.Workload.Recomputation;
import dev.isoflop.scaling.flops.AttentionConvention;
import dev.isoflop.scaling.flops.Precision;
import dev.isoflop.scaling.flops.TransformerShape;
import dev.isoflop.scaling.plan.ShapeRule;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What is asked: any of it may be absent. A preset gives the model's fields and its tokens, and fields beside it change it; without one,
 * vocabSize, dModel and layers are needed, and heads and dFf are those of {@link ShapeRule}.
 *
 * @param preset see {@link Preset}
 * @param model fields of an {@link Architecture}
 * @param batchSequences default 1
 * @param precision default BF16
 * @param optimizer default ADAMW
 * @param recomputation default SELECTIVE, as with flash attention
 * @param attention default CAUSAL
 * @param dropout default false
 * @param lanes default 1
 * @param tokens default the preset's, else 20 for each active parameter (Hoffmann et al. 2022)
 * @param device see {@link DeviceSheet}; default H100
 * @param peakFlops FLOP/s, instead of the device's
 * @param bytesPerSecond of the memory, instead of the device's
 * @param memoryBytes instead of the device's
 * @param devices default 1
 * @param mfu default 0.4
 * @param pricePerHour of one device; default none
 */
public record Question(
        @Nullable String preset,
        ModelFields model,
        @Nullable Integer batchSequences,
        @Nullable Precision precision,
        @Nullable Optimizer optimizer,
        @Nullable Recomputation recomputation,
        @Nullable AttentionConvention attention,
        @Nullable Boolean dropout,
        @Nullable Integer lanes,
        @Nullable Double tokens,
        @Nullable String device,
        @Nullable Double peakFlops,
        @Nullable Double bytesPerSecond,
        @Nullable Double memoryBytes,
        @Nullable Integer devices,
        @Nullable Double mfu,
        @Nullable Double pricePerHour) {

    /** Fields of an {@link Architecture}, each absent where the preset's or a default serves. */
    public record ModelFields(
            @Nullable Integer vocabSize,
            @Nullable Integer contextLength,
            @Nullable Integer dModel,
            @Nullable Integer layers,
            @Nullable Integer heads,
            @Nullable Integer kvHeads,
            @Nullable Integer headDim,
            @Nullable Integer dFf,
            @Nullable FeedForward feedForward,
            @Nullable Norm norm,
            @Nullable Positions positions,
            @Nullable Boolean biases,
            @Nullable Boolean tiedEmbeddings,
            @Nullable Boolean qkNorm,
            @Nullable Integer experts,
            @Nullable Integer expertsPerToken,
            @Nullable Integer sharedExperts) {

        /** All as the preset has it. */
        public static final ModelFields NONE = new ModelFields(
                null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null);
    }

    public Question {
        // absent from the JSON, it arrives as null whatever its declared type
        model = model == null ? ModelFields.NONE : model;
    }

    private static final int CONTEXT = 1024;
    private static final double TOKENS_PER_PARAMETER = 20;

    /** @throws AccountingException naming the field that is wrong, and the fix */
    public Accounting answer() {
        Preset base = preset == null ? null : preset(preset);
        Architecture architecture = base == null ? fresh() : changed(base.architecture());
        double d = tokens != null
                ? tokens
                : base != null && base.tokens() > 0 && base.architecture().equals(architecture)
                        ? base.tokens()
                        : TOKENS_PER_PARAMETER * new ParameterAccount(new Shape(architecture)).active.value();
        Workload workload = new Workload(
                or(batchSequences, 1),
                or(precision, Precision.BF16),
                or(optimizer, Optimizer.ADAMW),
                or(recomputation, Recomputation.SELECTIVE),
                or(attention, AttentionConvention.CAUSAL),
                or(dropout, false),
                or(lanes, 1),
                d);
        Deployment deployment = new Deployment(machine(), or(devices, 1), or(mfu, 0.4), pricePerHour);
        return Accounting.of(architecture, workload, deployment);
    }

    private static Preset preset(String name) {
        return Preset.named(name)
                .orElseThrow(() -> new AccountingException(
                        "preset",
                        "= '" + name + "' is unknown; there are "
                                + Preset.all().stream().map(Preset::name).collect(Collectors.joining(", "))));
    }

    private Architecture fresh() {
        int vocab = needed("vocabSize", model.vocabSize());
        int d = needed("dModel", model.dModel());
        int layers = needed("layers", model.layers());
        Architecture.width("dModel", d);
        TransformerShape rule = null;
        if (model.heads() == null || model.dFf() == null) {
            try {
                rule = ShapeRule.shape(d, Math.max(1, vocab), CONTEXT);
            } catch (IllegalArgumentException e) {
                throw new AccountingException(model.heads() == null ? "heads" : "dFf", "is needed: " + e.getMessage());
            }
        }
        int heads = model.heads() != null ? model.heads() : rule == null ? 1 : rule.heads();
        int ff = model.dFf() != null ? model.dFf() : rule == null ? 4 * d : rule.dFf();
        boolean mixture = or(model.experts(), 0) > 0;
        return changed(new Architecture(
                vocab,
                CONTEXT,
                d,
                layers,
                heads,
                heads,
                headDim(d, heads),
                ff,
                FeedForward.SWIGLU,
                Norm.RMS,
                Positions.ROTARY,
                false,
                true,
                false,
                or(model.experts(), 0),
                mixture ? 1 : 0,
                0));
    }

    private Architecture changed(Architecture base) {
        int d = or(model.dModel(), base.dModel());
        int heads = or(model.heads(), base.heads());
        Architecture.width("dModel", d);
        Architecture.width("heads", heads);
        boolean split = model.dModel() != null || model.heads() != null;
        // heads of the preset's own width stay as they are; otherwise all of them make up the width
        int head = model.headDim() != null ? model.headDim() : split ? headDim(d, heads) : base.headDim();
        int kv = model.kvHeads() != null
                ? model.kvHeads()
                : model.heads() == null
                        ? base.kvHeads()
                        : Architecture.nearestDivisor(Math.max(1, heads), base.kvHeads());
        int experts = or(model.experts(), base.experts());
        int chosen = experts == 0 ? 0 : base.expertsPerToken() == 0 ? Math.min(2, experts) : base.expertsPerToken();
        return new Architecture(
                or(model.vocabSize(), base.vocabSize()),
                or(model.contextLength(), base.contextLength()),
                d,
                or(model.layers(), base.layers()),
                heads,
                kv,
                head,
                or(model.dFf(), base.dFf()),
                or(model.feedForward(), base.feedForward()),
                or(model.norm(), base.norm()),
                or(model.positions(), base.positions()),
                or(model.biases(), base.biases()),
                or(model.tiedEmbeddings(), base.tiedEmbeddings()),
                or(model.qkNorm(), base.qkNorm()),
                experts,
                or(model.expertsPerToken(), chosen),
                or(model.sharedExperts(), experts == 0 ? 0 : base.sharedExperts()));
    }

    private static int headDim(int d, int heads) {
        if (heads < 1 || d % heads != 0) {
            throw new AccountingException(
                    "heads",
                    "= " + heads + " does not divide dModel = " + d + "; use a divisor"
                            + (d < 1 ? "" : ", such as " + Architecture.nearestDivisor(d, heads)) + ", or say headDim");
        }
        return d / heads;
    }

    private static int needed(String field, @Nullable Integer value) {
        if (value == null) {
            throw new AccountingException(
                    field, "is needed, unless a preset says it; there are " + String.join(", ", names()));
        }
        return value;
    }

    private static List<String> names() {
        return Preset.all().stream().map(Preset::name).toList();
    }

    private DeviceSheet machine() {
        String name = device == null ? "H100" : device;
        DeviceSheet base = DeviceSheet.named(name)
                .orElseThrow(() -> new AccountingException(
                        "device",
                        "= '" + name + "' is unknown; there are " + String.join(", ", DeviceSheet.names())
                                + ", or say peakFlops, bytesPerSecond and memoryBytes of one of them"));
        if (peakFlops == null && bytesPerSecond == null && memoryBytes == null) {
            return base;
        }
        return new DeviceSheet(
                base.name() + ", changed",
                null,
                above("peakFlops", or(peakFlops, base.bf16Flops())),
                above("peakFlops", or(peakFlops, base.fp32Flops())),
                above("bytesPerSecond", or(bytesPerSecond, base.bytesPerSecond())),
                above("memoryBytes", or(memoryBytes, base.memoryBytes())));
    }

    private static double above(String field, double value) {
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new AccountingException(field, "= " + value + " must be above 0");
        }
        return value;
    }

    private static <T> T or(@Nullable T value, T fallback) {
        return value == null ? fallback : value;
    }
}
