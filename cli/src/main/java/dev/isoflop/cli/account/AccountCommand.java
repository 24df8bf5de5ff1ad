package dev.isoflop.cli.account;

import dev.isoflop.cli.CliException;
import dev.isoflop.cli.ExitCode;
import dev.isoflop.cli.show.Json;
import dev.isoflop.scaling.accounting.Accounting;
import dev.isoflop.scaling.accounting.AccountingException;
import dev.isoflop.scaling.accounting.Architecture.FeedForward;
import dev.isoflop.scaling.accounting.Architecture.Norm;
import dev.isoflop.scaling.accounting.Architecture.Positions;
import dev.isoflop.scaling.accounting.Question;
import dev.isoflop.scaling.accounting.Workload.Optimizer;
import dev.isoflop.scaling.accounting.Workload.Recomputation;
import dev.isoflop.scaling.flops.AttentionConvention;
import dev.isoflop.scaling.flops.Precision;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What a model takes, with the arithmetic; needs no platform. */
@Command(
        name = "account",
        description = {
            "Parameters, FLOPs, memory, time and cost of a model, each with its arithmetic. Needs no platform.",
        },
        footer = {
            "",
            "Example:",
            "  isoflop account llama-3-8b --device H100 --mfu 0.4 --price-per-hour 2.50",
            "  isoflop account examples/isoflop-gpu.yaml --model d512 --json",
            "  isoflop account --vocab-size 50304 --d-model 1024 --layers 24 --batch-sequences 16"
        })
public final class AccountCommand implements Callable<Integer> {

    @Parameters(
            arity = "0..1",
            paramLabel = "PRESET|SWEEP.yaml",
            description = "A published model (llama-3-8b, gpt-2-xl, mixtral-8x7b, …) or a sweep file.")
    private @Nullable String what;

    @Option(names = "--model", description = "Which of the sweep file's models.")
    private @Nullable String model;

    @Option(names = "--vocab-size", description = "V, tokens in the vocabulary.")
    private @Nullable Integer vocabSize;

    @Option(names = "--context-length", description = "T, tokens in a sequence.")
    private @Nullable Integer contextLength;

    @Option(names = "--d-model", description = "d, width of the residual stream.")
    private @Nullable Integer dModel;

    @Option(names = "--layers", description = "L, blocks.")
    private @Nullable Integer layers;

    @Option(names = "--heads", description = "h, query heads.")
    private @Nullable Integer heads;

    @Option(names = "--kv-heads", description = "g, key and value heads.")
    private @Nullable Integer kvHeads;

    @Option(names = "--head-dim", description = "d_h, width of a head.")
    private @Nullable Integer headDim;

    @Option(names = "--d-ff", description = "f, width of the feed-forward, or of each expert.")
    private @Nullable Integer dFf;

    @Option(names = "--feed-forward", description = "SWIGLU or PLAIN.")
    private @Nullable FeedForward feedForward;

    @Option(names = "--norm", description = "RMS or LAYER.")
    private @Nullable Norm norm;

    @Option(names = "--positions", description = "ROTARY or LEARNED.")
    private @Nullable Positions positions;

    @Option(names = "--biases", negatable = true, description = "Whether projections have biases.")
    private @Nullable Boolean biases;

    @Option(names = "--tied-embeddings", negatable = true, description = "Whether the head is the embedding.")
    private @Nullable Boolean tiedEmbeddings;

    @Option(names = "--qk-norm", negatable = true, description = "Whether queries and keys are normalised.")
    private @Nullable Boolean qkNorm;

    @Option(names = "--experts", description = "E, experts; 0 for a dense model.")
    private @Nullable Integer experts;

    @Option(names = "--experts-per-token", description = "k, experts a token is sent to.")
    private @Nullable Integer expertsPerToken;

    @Option(names = "--shared-experts", description = "s, experts that every token passes.")
    private @Nullable Integer sharedExperts;

    @Option(names = "--batch-sequences", description = "B, sequences in a pass on one device (default 1).")
    private @Nullable Integer batchSequences;

    @Option(names = "--precision", description = "BF16 or FP32 (default BF16; of a sweep file its own).")
    private @Nullable Precision precision;

    @Option(names = "--optimizer", description = "ADAMW, MUON or SGD (default ADAMW).")
    private @Nullable Optimizer optimizer;

    @Option(names = "--recomputation", description = "NONE, SELECTIVE or FULL (default SELECTIVE).")
    private @Nullable Recomputation recomputation;

    @Option(names = "--attention", description = "CAUSAL or FULL keys to a query (default CAUSAL).")
    private @Nullable AttentionConvention attention;

    @Option(names = "--dropout", description = "Keep dropout masks.")
    private @Nullable Boolean dropout;

    @Option(names = "--lanes", description = "Models side by side in Isoflop's engine (default 1).")
    private @Nullable Integer lanes;

    @Option(names = "--tokens", description = "D, tokens to train on (default 20 a parameter).")
    private @Nullable Double tokens;

    @Option(names = "--device", description = "H100, A100, RTX 4090, … (default H100).")
    private @Nullable String device;

    @Option(names = "--peak-flops", description = "FLOP/s of the device instead of its sheet's.")
    private @Nullable Double peakFlops;

    @Option(names = "--bytes-per-second", description = "Memory bandwidth instead of its sheet's.")
    private @Nullable Double bytesPerSecond;

    @Option(names = "--memory-bytes", description = "Memory instead of its sheet's.")
    private @Nullable Double memoryBytes;

    @Option(names = "--devices", description = "How many (default 1).")
    private @Nullable Integer devices;

    @Option(names = "--mfu", description = "Model FLOPs utilisation, 0 to 1 (default 0.4).")
    private @Nullable Double mfu;

    @Option(names = "--price-per-hour", description = "Of one device, in any money.")
    private @Nullable Double pricePerHour;

    @Option(names = "--json", description = "Print everything as JSON.")
    private boolean asJson;

    @Override
    public Integer call() throws IOException {
        Accounting accounting;
        try {
            accounting = question().answer();
        } catch (AccountingException e) {
            throw new CliException(ExitCode.USAGE, option(e.field()) + " " + e.fault() + ".");
        }
        if (asJson) {
            Json.print(accounting);
        } else {
            AccountText.lines(accounting).forEach(System.out::println);
        }
        return ExitCode.OK.code();
    }

    /** As the command line has it: dModel is --d-model. */
    private static String option(String field) {
        if (field.equals("preset")) {
            return "PRESET";
        }
        return "--" + field.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
    }

    private Question question() throws IOException {
        SweepModel sweep = null;
        String preset = what;
        if (what != null && (what.endsWith(".yaml") || what.endsWith(".yml") || what.endsWith(".json"))) {
            Path file = Path.of(what);
            if (!Files.isRegularFile(file)) {
                throw new CliException(ExitCode.USAGE, "There is no file " + what + ".");
            }
            sweep = SweepModel.read(file, model);
            preset = null;
        } else if (model != null) {
            throw new CliException(ExitCode.USAGE, "--model is for sweep files, and none is named.");
        }
        Question.ModelFields base = sweep == null ? Question.ModelFields.NONE : sweep.fields();
        return new Question(
                preset,
                new Question.ModelFields(
                        or(vocabSize, base.vocabSize()),
                        or(contextLength, base.contextLength()),
                        or(dModel, base.dModel()),
                        or(layers, base.layers()),
                        or(heads, base.heads()),
                        or(kvHeads, base.kvHeads()),
                        headDim,
                        or(dFf, base.dFf()),
                        feedForward,
                        norm,
                        positions,
                        biases,
                        or(tiedEmbeddings, base.tiedEmbeddings()),
                        or(qkNorm, base.qkNorm()),
                        experts,
                        expertsPerToken,
                        sharedExperts),
                or(batchSequences, sweep == null ? null : sweep.batchSequences()),
                or(precision, sweep == null ? null : sweep.precision()),
                or(optimizer, sweep == null ? null : sweep.optimizer()),
                recomputation,
                attention,
                dropout,
                lanes,
                tokens,
                device,
                peakFlops,
                bytesPerSecond,
                memoryBytes,
                devices,
                mfu,
                pricePerHour);
    }

    private static <T> @Nullable T or(@Nullable T value, @Nullable T fallback) {
        return value == null ? fallback : value;
    }
}
