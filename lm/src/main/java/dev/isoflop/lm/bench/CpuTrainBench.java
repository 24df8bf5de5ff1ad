package dev.isoflop.lm.bench;

import dev.isoflop.lm.cpu.GemmProbe;
import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.tokens.TokenSource;
import dev.isoflop.lm.train.Optimizer;
import dev.isoflop.lm.train.Trainer;
import dev.isoflop.lm.train.TrainingOptions;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Training speed on the CPU against the machine's matrix-product peak and against PyTorch on the same machine.
 *
 * <p>Usage: {@code CpuTrainBench [--threads N] [--seconds S] [--report FILE] [--python FILE] [--twin benchmarks/cpu_train_twin.py]
 * [--set bars|tiny] [--rounds R] [--optimizer adamw|muon]}. Each figure is the best step of S seconds, taken in R turns with the peer. FLOPs are {@link ModelSpec#trainingFlopsPerToken}. The peer runs with the
 * variables that hold OpenBLAS and OpenMP back taken out of its environment.
 */
public final class CpuTrainBench {

    private static final int VOCAB = 1024;

    private record Case(int d, int layers, int heads, int ff, int batch, int context) {
        ModelSpec spec() {
            return new ModelSpec(VOCAB, context, d, layers, heads, heads, ff, 10_000, 1e-5, true, false);
        }
    }

    /** The four models of the bars; the last has 8 sequences of 256. */
    private static final List<Case> BARS = List.of(
            new Case(32, 2, 2, 96, 16, 128),
            new Case(64, 3, 4, 176, 16, 128),
            new Case(128, 4, 4, 384, 16, 128),
            new Case(256, 6, 8, 704, 8, 256));

    /** What a sweep on a laptop trains. */
    private static final List<Case> TINY = List.of(
            new Case(16, 2, 2, 48, 4, 128),
            new Case(24, 2, 2, 64, 4, 128),
            new Case(32, 2, 2, 88, 4, 128),
            new Case(48, 3, 3, 128, 4, 128),
            new Case(64, 3, 4, 176, 4, 128));

    /** One row of the report; the peer's fields are null where there is no peer. */
    public record Row(
            long nonEmbeddingParameters,
            int dModel,
            int layers,
            int batch,
            int context,
            int threads,
            double tokensPerSecond,
            double gigaflops,
            double ofPeak,
            @Nullable Double peerTokensPerSecond,
            @Nullable Double timesPeer) {}

    /** The whole report. */
    public record Report(
            String machine,
            int threads,
            double gemmPeakGigaflops,
            @Nullable String peer,
            List<Row> rows) {}

    private CpuTrainBench() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        Arguments arguments = Arguments.parse(
                args,
                List.of(
                        "--threads",
                        "--seconds",
                        "--report",
                        "--python",
                        "--twin",
                        "--set",
                        "--rounds",
                        "--optimizer"));
        Optimizer optimizer =
                Optimizer.valueOf(arguments.text("--optimizer", "adamw").toUpperCase(Locale.ROOT));
        int threads = arguments.integer("--threads", Runtime.getRuntime().availableProcessors());
        double seconds = arguments.number("--seconds", 12);
        Path twin = Path.of(arguments.text("--twin", "benchmarks/cpu_train_twin.py"));
        String python = arguments.text("--python", "/usr/bin/python3");
        List<Case> cases = arguments.text("--set", "bars").equals("tiny") ? TINY : BARS;

        int rounds = arguments.integer("--rounds", 3);
        double peak = 0;
        for (int round = 0; round < rounds; round++) {
            peak = Math.max(peak, peak(threads, Math.min(seconds / rounds, 1)));
        }
        System.out.println(Machine.describe());
        System.out.printf(Locale.ROOT, "matrix product peak on %d thread(s): %.0f GFLOP/s%n%n", threads, peak);
        System.out.println(
                "| N (non-embedding) | d, layers | batch | tokens/s | GFLOP/s | of peak | PyTorch tokens/s | times |");
        System.out.println("|---:|---|---|---:|---:|---:|---:|---:|");
        List<Row> rows = new ArrayList<>();
        String peer = null;
        for (Case c : cases) {
            double own = 0;
            Double peerSpeed = null;
            // in turns, so that what else the machine does falls on both
            for (int round = 0; round < rounds; round++) {
                own = Math.max(own, tokensPerSecond(c, optimizer, threads, seconds / rounds));
                JsonNode result = Files.exists(twin) ? peer(python, twin, c, threads, seconds / rounds) : null;
                if (result != null) {
                    peer = "PyTorch " + result.path("torch").asString();
                    double speed = result.path("tokensPerSecond").asDouble();
                    peerSpeed = peerSpeed == null ? speed : Math.max(peerSpeed, speed);
                }
            }
            double gigaflops = own * c.spec().trainingFlopsPerToken(c.context) / 1e9;
            Row row = new Row(
                    c.spec().nonEmbeddingParameters(),
                    c.d,
                    c.layers,
                    c.batch,
                    c.context,
                    threads,
                    own,
                    gigaflops,
                    gigaflops / peak,
                    peerSpeed,
                    peerSpeed == null ? null : own / peerSpeed);
            rows.add(row);
            print(row);
        }
        if (peer == null) {
            System.out.println("\nPyTorch was not measured: " + python + " has no torch, or " + twin + " is not there");
        }
        String report = arguments.text("--report", "");
        if (!report.isEmpty()) {
            String json = JsonMapper.shared()
                    .writerWithDefaultPrettyPrinter()
                    .writeValueAsString(new Report(Machine.describe(), threads, peak, peer, rows));
            Files.writeString(Path.of(report), json + "\n");
        }
    }

    private static void print(Row row) {
        System.out.printf(
                Locale.ROOT,
                "| %,d | %d, %d | %d × %d | %,.0f | %.0f | %.0f %% | %s | %s |%n",
                row.nonEmbeddingParameters,
                row.dModel,
                row.layers,
                row.batch,
                row.context,
                row.tokensPerSecond,
                row.gigaflops,
                100 * row.ofPeak,
                row.peerTokensPerSecond == null ? "–" : String.format(Locale.ROOT, "%,.0f", row.peerTokensPerSecond),
                row.timesPeer == null ? "–" : String.format(Locale.ROOT, "%.1f", row.timesPeer));
    }

    /** The best of a few large products: what "peak" means here. */
    private static double peak(int threads, double seconds) {
        try (GemmProbe probe = new GemmProbe(threads)) {
            return Math.max(
                    Math.max(probe.gigaflops(2048, 768, 256, seconds), probe.gigaflops(1024, 1024, 1024, seconds)),
                    probe.gigaflops(2048, 2048, 512, seconds));
        }
    }

    private static double tokensPerSecond(Case c, Optimizer optimizer, int threads, double seconds) {
        TrainingOptions options =
                TrainingOptions.defaults(c.batch, c.context, 1_000_000, 1e-3, 1).withOptimizer(optimizer);
        try (Trainer trainer = Trainer.create(c.spec(), options, new RandomTokens(), threads)) {
            long end = System.nanoTime() + (long) (seconds * 1e9);
            long best = Long.MAX_VALUE;
            do {
                long start = System.nanoTime();
                trainer.step();
                best = Math.min(best, System.nanoTime() - start);
            } while (System.nanoTime() < end);
            return c.batch * c.context / (best / 1e9);
        }
    }

    private static @Nullable JsonNode peer(String python, Path twin, Case c, int threads, double seconds)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(python, twin.toString()));
        command.addAll(Arrays.asList(
                "--vocab",
                "" + VOCAB,
                "--context",
                "" + c.context,
                "--d",
                "" + c.d,
                "--layers",
                "" + c.layers,
                "--heads",
                "" + c.heads,
                "--ff",
                "" + c.ff,
                "--batch",
                "" + c.batch,
                "--threads",
                "" + threads,
                "--seconds",
                "" + seconds));
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment()
                .keySet()
                .removeIf(name -> name.startsWith("OPENBLAS_") || name.startsWith("OMP_") || name.startsWith("MKL_"));
        builder.environment().put("OMP_NUM_THREADS", "" + threads);
        Process process;
        try {
            process = builder.start();
        } catch (IOException e) {
            return null; // no such python: there is no peer on this machine
        }
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return process.waitFor() == 0 ? JsonMapper.shared().readTree(output) : null;
    }

    private record RandomTokens(int[] ids) implements TokenSource {
        RandomTokens() {
            this(new SplittableRandom(1).ints(1 << 18, 0, VOCAB).toArray());
        }

        @Override
        public int vocabSize() {
            return VOCAB;
        }

        @Override
        public long length() {
            return ids.length;
        }

        @Override
        public void read(long position, int[] target, int offset, int count) {
            System.arraycopy(ids, Math.toIntExact(position), target, offset, count);
        }
    }
}
