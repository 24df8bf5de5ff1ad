package dev.isoflop.scaling.accounting;

import dev.isoflop.scaling.accounting.Workload.Optimizer;
import dev.isoflop.scaling.flops.Precision;
import dev.isoflop.scaling.flops.TransformerShape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Bytes that Isoflop's own engine allocates on a GPU for the four arenas of a step, to the byte. It keeps the residual stream where it was
 * written, no scores, fp32 gradients, and logits of some rows at a time; {@code lm.cuda.engine.GpuPlan} is what it is checked against.
 *
 * <p>Arrays begin at multiples of 256 bytes. In bf16 the feed-forward is widened to a multiple of 16.
 */
final class EngineMemory {

    static final int MOST_LANES = 64;

    private static final long LOGIT_BYTES = 1L << 30;
    private static final int ALIGN = 256;
    private static final int NORM_PARTS = 264;
    private static final int SORT_CHUNK = 1024;
    private static final int EMBEDDING_SPAN = 32;
    private static final int MUON_TILE = 64;
    private static final int MAX_FP32_HEAD = 128;

    /** Why it cannot train this; null if it can. */
    final @Nullable String foreign;

    final @Nullable Section section;

    private final Shape m;
    private final Workload w;
    private final int unit;
    private final long rows;
    private final Term K;
    private final Term u;
    private final Term M;
    private final Term f;
    private final Term qkv;

    EngineMemory(Shape m, Workload w, Deployment on) {
        this.m = m;
        this.w = w;
        this.unit = w.precision().bytes();
        this.rows = (long) w.batchSequences() * m.of.contextLength();
        this.K = Term.named("K", w.lanes());
        this.u = Term.named("u", unit);
        this.M = Term.named("M", rows);
        this.f = w.precision() == Precision.BF16 ? m.f.upTo(16).as("f") : m.f;
        this.qkv = m.h.times(m.dh).plus(Term.product(2, m.g, m.dh)).as("w");
        this.foreign = foreign();
        this.section = foreign == null ? section(on) : null;
    }

    private @Nullable String foreign() {
        String shape = m.of.foreign();
        if (shape != null) {
            return shape;
        }
        int head = m.of.headDim();
        boolean runs = w.precision() == Precision.BF16
                ? TransformerShape.BF16_HEAD_SIZES.contains(head)
                : head % 4 == 0 && head <= MAX_FP32_HEAD;
        if (!runs) {
            return "it has no attention kernel for heads of " + head
                    + (w.precision() == Precision.BF16
                            ? "; those of " + TransformerShape.BF16_HEAD_SIZES + " have one"
                            : "");
        }
        if (w.optimizer() == Optimizer.SGD) {
            return "it trains with AdamW or Muon";
        }
        if ((long) w.lanes() * w.batchSequences() > 65_535 || (long) w.lanes() * rows > Integer.MAX_VALUE) {
            return "batchSequences × lanes = " + (long) w.lanes() * w.batchSequences()
                    + " is more than it launches at once";
        }
        return stride().value() > Integer.MAX_VALUE - 1_000_000L
                ? "it has more than 2^31 parameters, and an array of the engine holds no more"
                : null;
    }

    /** Numbers of a lane's parameters: groups of tensors begin at multiples of 16. */
    private Term stride() {
        Term block = Term.product(2, m.d.upTo(16))
                .plus(qkv.times(m.d).upTo(16))
                .plus(m.d.times(m.d).upTo(16))
                .plus(Term.product(2, f, m.d).upTo(16))
                .plus(f.times(m.d).upTo(16));
        if (m.of.qkNorm()) {
            block = block.plus(Term.product(2, m.dh.upTo(16)));
        }
        Term tables = m.V.times(m.d).upTo(16);
        return (m.of.tiedEmbeddings() ? tables : Term.product(2, tables))
                .plus(m.L.times(block))
                .plus(m.d.upTo(16))
                .plus(64);
    }

    private Section section(Deployment on) {
        Section.Builder out = new Section.Builder(
                "engine",
                "Memory of Isoflop's own engine",
                "What it allocates, to the byte: K models side by side (lanes), M = B T rows each, w = (h + 2 g) d_h, P numbers of a lane's"
                        + " parameters with their padding; in bf16 f is rounded up to a multiple of 16. Gradients are fp32, scores are never"
                        + " kept, logits of at most 1 GiB are there at a time. ⌈ ⌉₂₅₆ rounds up to a multiple of 256.");
        Term stride = Term.named("P", stride().value());
        out.part(
                "parameters",
                w.precision() == Precision.BF16 ? "weights, master and copy" : "weights",
                K.times(stride, Term.of(w.precision() == Precision.BF16 ? 6 : 4)),
                Unit.BYTES);
        out.part("gradients", "gradients", Term.product(4, K, stride), Unit.BYTES);
        out.part("moments", "optimizer", Term.product(8, K, stride), Unit.BYTES);
        List<Line> dead = activations(out);
        double work = dead.stream().mapToDouble(Line::value).sum();
        if (w.optimizer() == Optimizer.MUON) {
            double muon = muonBytes();
            if (muon > work) {
                out.part(
                        "muon",
                        "Muon beyond the activations",
                        Term.named("Muon's workspace", muon).minus(Term.named("activations above", work)),
                        Unit.BYTES);
            }
        }
        outliving(out);
        Line total = out.total("total", "memory", Unit.BYTES);
        out.other("stride", "P", stride(), Unit.PARAMETERS);
        out.other(
                "ofDevice",
                "of the device's memory",
                total.term().over(Term.named("memory of the device", on.device().memoryBytes())),
                Unit.RATIO);
        return out.build();
    }

    /** What an update needs no more. */
    private List<Line> activations(Section.Builder out) {
        Term rowsOfAll = K.times(M);
        Term wide = aligned(rowsOfAll.times(m.d, u));
        Term one = aligned(Term.product(4, rowsOfAll));
        List<Line> lines = new ArrayList<>();
        lines.add(out.part(
                "residual", "residual stream", Term.product(2, m.L).plus(1).times(wide), Unit.BYTES));
        lines.add(out.part("norms", "norm outputs", Term.product(2, m.L).plus(1).times(wide.plus(one)), Unit.BYTES));
        Term attention = aligned(rowsOfAll.times(qkv, u)).plus(wide).plus(aligned(Term.product(4, rowsOfAll, m.h)));
        if (m.of.qkNorm()) {
            Term heads = m.h.plus(m.g);
            attention = attention
                    .plus(aligned(rowsOfAll.times(heads, m.dh, u)))
                    .plus(aligned(Term.product(4, rowsOfAll).times(heads)));
        }
        lines.add(out.part("attention", "queries, keys, values, attention", m.L.times(attention), Unit.BYTES));
        lines.add(out.part(
                "feedForward",
                "feed-forward",
                m.L.times(aligned(Term.product(2, rowsOfAll, f, u)).plus(aligned(rowsOfAll.times(f, u)))),
                Unit.BYTES));
        lines.add(out.part(
                "activationGradients",
                "gradients of activations",
                Term.product(4, wide)
                        .plus(aligned(rowsOfAll.times(qkv, u)))
                        .plus(aligned(rowsOfAll.times(f, u)))
                        .plus(aligned(Term.product(4, rowsOfAll, m.h))),
                Unit.BYTES));
        Term parts = Term.named("r", Math.max(1, Math.min(Math.ceilDiv(rows, 8), NORM_PARTS)));
        Term gains = aligned(Term.product(4, Term.product(2, m.L).plus(1), K, parts, m.d));
        if (m.of.qkNorm()) {
            gains = gains.plus(m.L.times(aligned(Term.product(8, K, parts, m.dh))));
        }
        lines.add(out.part("gains", "partial sums of norms", gains, Unit.BYTES));
        Term ld = m.V.upTo(64);
        double fit = Math.floor(Math.floor(LOGIT_BYTES / (w.lanes() * ld.value() * unit)) / 256) * 256;
        double chunk = Math.clamp(fit, Math.min(rows, 256), rows);
        Term logits = aligned(K.times(Term.named("rows at a time", chunk), ld, u));
        lines.add(out.part("logits", "logits", chunk < rows ? Term.product(2, logits) : logits, Unit.BYTES));
        return lines;
    }

    /** What is still read after an update, or by all steps. */
    private void outliving(Section.Builder out) {
        Term rowsOfAll = K.times(M);
        Term one = aligned(Term.product(4, rowsOfAll));
        Term chunks = Term.of(Math.ceilDiv(rows, SORT_CHUNK));
        Term spans = Term.of(Math.ceilDiv(rows, EMBEDDING_SPAN));
        out.part(
                "tokens",
                "tokens, losses and their order",
                Term.product(7, one).plus(aligned(Term.product(1024, K, chunks))),
                Unit.BYTES);
        out.part(
                "tables",
                "embedding sums and angles",
                aligned(Term.product(8, K, spans, m.d)).plus(aligned(Term.product(4, m.T, m.dh))),
                Unit.BYTES);
    }

    private static Term aligned(Term bytes) {
        return bytes.upTo(ALIGN);
    }

    /** Muon's workspace: matrices of one shape together, twice, with two square ones for each. */
    private double muonBytes() {
        long width = (long) qkv.value();
        long d = m.of.dModel();
        long kv = (long) m.of.kvHeads() * m.of.headDim();
        long hidden = (long) f.value();
        long[][] shapes = {{width - 2 * kv, d}, {kv, d}, {kv, d}, {d, d}, {hidden, d}, {hidden, d}, {d, hidden}};
        Map<List<Long>, Integer> groups = new LinkedHashMap<>();
        long tiles = 0;
        for (long[] shape : shapes) {
            long large = Math.max(shape[0], shape[1]);
            long small = Math.min(shape[0], shape[1]);
            groups.merge(List.of(large, small), 1, Integer::sum);
            tiles += Math.ceilDiv(shape[0], MUON_TILE) * Math.ceilDiv(shape[1], MUON_TILE);
        }
        double bytes = 0;
        long layers = m.of.layers();
        for (Map.Entry<List<Long>, Integer> group : groups.entrySet()) {
            long large = group.getKey().get(0);
            long small = group.getKey().get(1);
            long count = w.lanes() * layers * group.getValue();
            bytes += 2.0 * up(count * up(large * small, ALIGN / 2) * unit, ALIGN);
            bytes += 2.0 * up(count * up(small * small, ALIGN / 2) * unit, ALIGN);
        }
        bytes += up(8L * w.lanes() * layers * tiles, ALIGN);
        return bytes + up(4L * w.lanes() * layers * shapes.length, ALIGN);
    }

    private static long up(long value, long multiple) {
        return Math.ceilDiv(value, multiple) * multiple;
    }
}
