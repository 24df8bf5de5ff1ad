package dev.isoflop.lm.bench;

import dev.isoflop.lm.checkpoint.AtomicDirectory;
import dev.isoflop.lm.checkpoint.Safetensors;
import dev.isoflop.lm.cuda.engine.CudaBackend;
import dev.isoflop.lm.cuda.engine.GpuPlan;
import dev.isoflop.lm.cuda.engine.GpuTokens;
import dev.isoflop.lm.cuda.engine.Precision;
import dev.isoflop.lm.cuda.engine.RunArray;
import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.model.ParameterLayout;
import dev.isoflop.lm.tokens.TokenBin;
import dev.isoflop.lm.tokens.TokenSource;
import dev.isoflop.lm.train.BatchOrder;
import dev.isoflop.lm.train.StepResult;
import dev.isoflop.lm.train.TrainerState;
import dev.isoflop.lm.train.TrainingOptions;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntToDoubleFunction;
import tools.jackson.databind.json.JsonMapper;

/**
 * Writes what training on a GPU computes, to be held against the same computed in PyTorch.
 *
 * <p>Usage: {@code GpuParity --out DIR [--model small|gqa|25M] [--precision fp32|bf16] [--steps N] [--cache DIR]} for
 * {@code benchmarks/gpu/torch_parity.py}: logits, losses, gradients and parameters over a few steps of random tokens.
 *
 * <p>{@code GpuParity --mode convergence --tokens FILE --out DIR [--precision fp32|bf16] [--steps N] [--seed N]
 * [--learning-rate X] [--cache DIR]} for {@code torch_convergence.py}: a run on a dataset's {@code train.bin}, whose last tenth is held out.
 *
 * <p>{@code GpuParity --mode generate --tokens FILE --out DIR} with the same options for {@code torch_generate.py}: the checkpoint of such a
 * run, and greedy continuations of held-out prompts computed in fp32.
 *
 * <p>{@code GpuParity --mode spread --tokens FILE [--seeds N] [--steps N] [--learning-rate X] [--cache DIR]} prints the held-out losses of
 * such runs in fp32, in fp32 from weights rounded to bf16 once, and in bf16: how far runs that differ by next to nothing come apart, which is
 * what a difference between two implementations has to be read against.
 *
 * <p>The formats are described in the two scripts. {@code DIR} is replaced if it exists.
 */
public final class GpuParity {

    private static final int SEED = 20_260_801;
    private static final double HELD_OUT = 0.1;

    private record Case(ModelSpec spec, int batch, int context) {}

    /** Contexts that are not multiples of attention's tiles, heads narrower than them, tables of their own for input and output. */
    private static Case model(String name) {
        return switch (name) {
            case "small" -> new Case(ModelSpec.llama(512, 200, 128, 4, 4), 8, 200);
            case "gqa" -> new Case(new ModelSpec(512, 200, 128, 4, 8, 2, 344, 10_000, 1e-5, false, true), 8, 200);
            case "25M" -> new Case(ModelSpec.llama(4096, 256, 512, 8, 8), 8, 256);
            default -> throw new IllegalArgumentException("--model " + name + ": small, gqa and 25M are known");
        };
    }

    /** The first part of the data or another one. */
    private record Part(TokenSource whole, long from, long length) implements TokenSource {
        @Override
        public int vocabSize() {
            return whole.vocabSize();
        }

        @Override
        public void read(long position, int[] target, int offset, int count) {
            whole.read(from + position, target, offset, count);
        }
    }

    private GpuParity() {}

    public static void main(String[] args) throws IOException {
        Arguments arguments = Arguments.parse(
                args,
                List.of(
                        "--out",
                        "--mode",
                        "--model",
                        "--precision",
                        "--steps",
                        "--seed",
                        "--seeds",
                        "--learning-rate",
                        "--tokens",
                        "--cache"));
        Path out = Path.of(arguments.text("--out", "target/gpu-parity"));
        try (CudaBackend backend = CudaBackend.open(0, Path.of(arguments.text("--cache", "target/gpu-cache")))) {
            switch (arguments.text("--mode", "steps")) {
                case "steps" -> steps(backend, arguments, out);
                case "convergence" -> convergence(backend, arguments, out);
                case "generate" -> generate(backend, arguments, out);
                case "spread" -> spread(backend, arguments);
                default -> throw new IllegalArgumentException("--mode must be steps, convergence, generate or spread");
            }
        }
    }

    // ---- some steps, looked at closely

    private static void steps(CudaBackend backend, Arguments arguments, Path out) throws IOException {
        Case c = model(arguments.text("--model", "small"));
        Precision precision =
                Precision.valueOf(arguments.text("--precision", "bf16").toUpperCase(Locale.ROOT));
        int steps = arguments.integer("--steps", 10);
        TrainingOptions options = TrainingOptions.defaults(c.batch(), c.context(), steps, 1e-3, SEED);
        ParameterLayout layout = new ParameterLayout(c.spec());
        TokenSource data = MemoryTokens.zipf(c.spec().vocabSize(), 1 << 20, SEED);
        long[] starts = starts(options, data.length());
        GpuPlan plan = new GpuPlan(c.spec(), precision, 1, c.batch(), c.context(), 1);
        try (GpuTokens tokens = GpuTokens.upload(backend.device(), data);
                RunArray array = RunArray.create(backend, plan, tokens, RunArray.Mode.GRAPH)) {
            array.start(0, options);
            array.save(0, out);
            List<Safetensors.Written> tensors = new ArrayList<>();
            tensors.add(windows(data, starts, options));
            float[] logits = array.logits(0, tokens, Arrays.copyOf(starts, c.batch()));
            long rows = (long) c.batch() * c.context();
            tensors.add(
                    new Safetensors.Source("logits", new long[] {rows, c.spec().vocabSize()}, logits, 0));
            List<StepResult> results = new ArrayList<>();
            array.step((lane, r) -> results.add(r));
            tensors.addAll(named("grad.", layout, array.gradients(0)));
            while (!array.finished(0)) {
                array.step((lane, r) -> results.add(r));
            }
            tensors.add(series("loss", steps, i -> results.get(i).loss()));
            tensors.add(series("gradNorm", steps, i -> results.get(i).gradNorm()));
            tensors.addAll(named("after.", layout, array.tensors(0).parameters()));
            Safetensors.write(out.resolve("parity.safetensors"), tensors, Map.of());
            Map<String, Object> json = json(options);
            json.put("precision", precision.name().toLowerCase(Locale.ROOT));
            write(out.resolve("parity.json"), json);
            System.out.printf(
                    Locale.ROOT,
                    "%s: %,d parameters in %s, loss %.6f, then %.6f%n",
                    out,
                    c.spec().parameters(),
                    precision,
                    results.getFirst().loss(),
                    results.getLast().loss());
        }
    }

    private static List<Safetensors.Source> named(String prefix, ParameterLayout layout, float[] data) {
        return layout.tensors().stream()
                .map(t -> new Safetensors.Source(prefix + t.name(), t.shape(), data, t.offset()))
                .toList();
    }

    /** The windows of all steps, {@code [steps][batch][context + 1]}. */
    private static Safetensors.Integers windows(TokenSource data, long[] starts, TrainingOptions options) {
        int width = options.contextLength() + 1;
        int[] window = new int[width];
        long[] all = new long[starts.length * width];
        for (int i = 0; i < starts.length; i++) {
            data.read(starts[i], window, 0, width);
            for (int j = 0; j < width; j++) {
                all[i * width + j] = window[j];
            }
        }
        return new Safetensors.Integers("tokens", new long[] {options.steps(), options.batchSequences(), width}, all);
    }

    // ---- a whole run

    private static final int CONTEXT = 256;

    private static TokenBin data(Arguments arguments) throws IOException {
        String file = arguments.text("--tokens", "");
        if (file.isEmpty()) {
            throw new IllegalArgumentException("--tokens is needed, the train.bin of a dataset");
        }
        return TokenBin.open(Path.of(file));
    }

    private static ModelSpec spec(TokenBin bin) {
        return ModelSpec.llama(bin.vocabSize(), CONTEXT, 256, 6, 4);
    }

    private static TrainingOptions options(Arguments arguments, int seed) {
        double rate = arguments.number("--learning-rate", 2e-3);
        return TrainingOptions.defaults(16, CONTEXT, arguments.integer("--steps", 500), rate, seed);
    }

    private static void convergence(CudaBackend backend, Arguments arguments, Path out) throws IOException {
        int context = CONTEXT;
        try (TokenBin bin = data(arguments)) {
            ModelSpec spec = spec(bin);
            TrainingOptions options = options(arguments, arguments.integer("--seed", SEED));
            int steps = (int) options.steps();
            long split = (long) (bin.length() * (1 - HELD_OUT));
            Part train = new Part(bin, 0, split);
            Part heldOut = new Part(bin, split, bin.length() - split);
            GpuPlan plan = new GpuPlan(spec, precision(arguments), 1, options.batchSequences(), context, 1);
            try (GpuTokens tokens = GpuTokens.upload(backend.device(), train);
                    GpuTokens others = GpuTokens.upload(backend.device(), heldOut);
                    RunArray array = RunArray.create(backend, plan, tokens, RunArray.Mode.GRAPH)) {
                array.start(0, options);
                array.save(0, out);
                List<StepResult> results = new ArrayList<>();
                while (!array.finished(0)) {
                    array.step((lane, r) -> results.add(r));
                }
                double loss = array.evaluate(others, others.length())[0];
                // the windows that evaluation takes when it may take all
                int count = Math.toIntExact((heldOut.length() - 1) / context);
                long[] held = new long[count];
                for (int i = 0; i < count; i++) {
                    held[i] = split + (long) i * context;
                }
                long[] starts = starts(options, train.length());
                Safetensors.write(
                        out.resolve("convergence.safetensors"),
                        List.of(
                                new Safetensors.Integers(
                                        "starts", new long[] {steps, options.batchSequences()}, starts),
                                new Safetensors.Integers("heldout", new long[] {count}, held),
                                series("losses", steps, i -> results.get(i).loss()),
                                series("heldoutLoss", 1, i -> loss)),
                        Map.of());
                write(out.resolve("convergence.json"), json(options));
                writeTokens(out.resolve("tokens.u16"), bin);
                System.out.printf(
                        Locale.ROOT,
                        "%s: %,d parameters, %d steps, training loss %.5f, held-out loss %.5f over %d windows%n",
                        out,
                        spec.parameters(),
                        steps,
                        results.getLast().loss(),
                        loss,
                        count);
            }
        }
    }

    private static final int PROMPT = 16;
    private static final int GENERATED = 64;

    private static void generate(CudaBackend backend, Arguments arguments, Path out) throws IOException {
        try (TokenBin bin = data(arguments)) {
            ModelSpec spec = spec(bin);
            TrainingOptions options = options(arguments, arguments.integer("--seed", SEED));
            int batch = options.batchSequences();
            long split = (long) (bin.length() * (1 - HELD_OUT));
            GpuPlan plan = new GpuPlan(spec, precision(arguments), 1, batch, CONTEXT, 1);
            try (GpuTokens tokens = GpuTokens.upload(backend.device(), new Part(bin, 0, split))) {
                try (RunArray array = RunArray.create(backend, plan, tokens, RunArray.Mode.GRAPH)) {
                    array.start(0, options);
                    while (!array.finished(0)) {
                        array.step((lane, r) -> {});
                    }
                    array.save(0, out);
                }
                int[][] texts = new int[batch][CONTEXT + 1];
                for (int i = 0; i < batch; i++) {
                    bin.read(split + (long) i * CONTEXT, texts[i], 0, PROMPT);
                }
                GpuPlan exact = new GpuPlan(spec, Precision.FP32, 1, batch, CONTEXT, 1, Long.MAX_VALUE / 4);
                try (RunArray array = RunArray.create(backend, exact, tokens, RunArray.Mode.EAGER)) {
                    array.resume(0, out);
                    for (int at = PROMPT; at < PROMPT + GENERATED; at++) {
                        extend(backend, array, texts, at);
                    }
                }
                long[] prompts = new long[batch * PROMPT];
                long[] made = new long[batch * GENERATED];
                for (int i = 0; i < batch; i++) {
                    for (int j = 0; j < PROMPT + GENERATED; j++) {
                        if (j < PROMPT) {
                            prompts[i * PROMPT + j] = texts[i][j];
                        } else {
                            made[i * GENERATED + j - PROMPT] = texts[i][j];
                        }
                    }
                }
                Safetensors.write(
                        out.resolve("generated.safetensors"),
                        List.of(
                                new Safetensors.Integers("prompts", new long[] {batch, PROMPT}, prompts),
                                new Safetensors.Integers("generated", new long[] {batch, GENERATED}, made)),
                        Map.of());
                System.out.printf("%s: %d prompts, %d tokens each%n", out, batch, GENERATED);
            }
        }
    }

    /** Gives every text the most likely token at a place; what lies behind it has no part, attention being causal. */
    private static void extend(CudaBackend backend, RunArray array, int[][] texts, int at) {
        int vocab = array.plan().spec().vocabSize();
        int[] all = Arrays.stream(texts).flatMapToInt(Arrays::stream).toArray();
        long[] starts = new long[texts.length];
        Arrays.setAll(starts, i -> (long) i * (CONTEXT + 1));
        try (GpuTokens source = GpuTokens.upload(backend.device(), new MemoryTokens(vocab, all))) {
            float[] logits = array.logits(0, source, starts);
            for (int i = 0; i < texts.length; i++) {
                int row = (i * CONTEXT + at - 1) * vocab;
                int best = 0;
                for (int c = 1; c < vocab; c++) {
                    if (logits[row + c] > logits[row + best]) {
                        best = c;
                    }
                }
                texts[i][at] = best;
            }
        }
    }

    private static void spread(CudaBackend backend, Arguments arguments) throws IOException {
        int seeds = arguments.integer("--seeds", 3);
        try (TokenBin bin = data(arguments)) {
            long split = (long) (bin.length() * (1 - HELD_OUT));
            try (GpuTokens tokens = GpuTokens.upload(backend.device(), new Part(bin, 0, split));
                    GpuTokens others = GpuTokens.upload(backend.device(), new Part(bin, split, bin.length() - split))) {
                for (String variant : List.of("fp32", "nudged fp32", "bf16")) {
                    Precision precision = variant.equals("bf16") ? Precision.BF16 : Precision.FP32;
                    GpuPlan plan = new GpuPlan(spec(bin), precision, seeds, 16, CONTEXT, 1);
                    try (RunArray array = RunArray.create(backend, plan, tokens, RunArray.Mode.GRAPH)) {
                        for (int lane = 0; lane < seeds; lane++) {
                            array.start(lane, options(arguments, SEED + lane));
                            if (variant.startsWith("nudged")) {
                                nudge(array, lane, tokens.length());
                            }
                        }
                        while (!array.finished(0)) {
                            array.step((lane, r) -> {});
                        }
                        System.out.printf(
                                Locale.ROOT,
                                "%-12s held-out losses %s%n",
                                variant,
                                Arrays.toString(array.evaluate(others, others.length())));
                    }
                }
            }
        }
    }

    /** Rounds a lane's parameters to bf16. */
    private static void nudge(RunArray array, int lane, long dataLength) throws IOException {
        Path directory = Files.createTempDirectory("gpu-parity").resolve("nudged");
        TrainerState.Tensors tensors = array.tensors(lane);
        float[] p = tensors.parameters();
        for (int i = 0; i < p.length; i++) {
            int bits = Float.floatToRawIntBits(p[i]);
            p[i] = Float.intBitsToFloat(bits + 0x7fff + (bits >>> 16 & 1) & 0xffff0000);
        }
        GpuPlan plan = array.plan();
        TrainerState state = new TrainerState(plan.spec(), array.options(lane), 0, dataLength);
        AtomicDirectory.write(directory, fresh -> state.write(fresh, plan.layout(), tensors));
        array.resume(lane, directory);
    }

    private static void writeTokens(Path file, TokenSource data) throws IOException {
        int[] ids = new int[1 << 16];
        ByteBuffer bytes = ByteBuffer.allocate(2 * ids.length).order(ByteOrder.LITTLE_ENDIAN);
        try (OutputStream stream = Files.newOutputStream(file)) {
            for (long at = 0; at < data.length(); at += ids.length) {
                int count = (int) Math.min(ids.length, data.length() - at);
                data.read(at, ids, 0, count);
                for (int i = 0; i < count; i++) {
                    bytes.putShort(2 * i, (short) ids[i]);
                }
                stream.write(bytes.array(), 0, 2 * count);
            }
        }
    }

    // ---- both

    private static Precision precision(Arguments arguments) {
        return Precision.valueOf(arguments.text("--precision", "bf16").toUpperCase(Locale.ROOT));
    }

    /** Window starts of all steps, {@code [steps][batch]}. */
    private static long[] starts(TrainingOptions options, long length) {
        BatchOrder order = new BatchOrder(options.seed(), length, options.contextLength());
        long[] starts = new long[Math.toIntExact(options.steps() * options.batchSequences())];
        for (int i = 0; i < starts.length; i++) {
            starts[i] = order.start(i);
        }
        return starts;
    }

    private static Safetensors.Source series(String name, int count, IntToDoubleFunction value) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) value.applyAsDouble(i);
        }
        return new Safetensors.Source(name, new long[] {count}, values, 0);
    }

    private static Map<String, Object> json(TrainingOptions o) {
        List<Double> rates = new ArrayList<>();
        for (long i = 0; i < o.steps(); i++) {
            rates.add(o.schedule().learningRate(i, o));
        }
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("batch", o.batchSequences());
        json.put("context", o.contextLength());
        json.put("steps", o.steps());
        json.put("learningRate", rates);
        json.put("beta1", o.beta1());
        json.put("beta2", o.beta2());
        json.put("epsilon", o.epsilon());
        json.put("weightDecay", o.weightDecay());
        json.put("gradientClip", o.gradientClip());
        return json;
    }

    private static void write(Path file, Map<String, Object> json) throws IOException {
        Files.writeString(file, JsonMapper.shared().writeValueAsString(json) + "\n");
    }
}
