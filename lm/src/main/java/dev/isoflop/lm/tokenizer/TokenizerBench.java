package dev.isoflop.lm.tokenizer;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;

/**
 * How fast tokenizers are trained and text is encoded: {@code TokenizerBench FILE [VOCAB [ROUNDS]]}.
 *
 * <p>The file is one document. Every figure is the best of several rounds, the first included for training, because a command trains
 * once.
 */
public final class TokenizerBench {

    private TokenizerBench() {}

    /** Prints a table to standard output. */
    public static void main(String[] args) throws IOException {
        if (args.length < 1 || args.length > 3) {
            System.err.println("usage: TokenizerBench FILE [VOCAB [ROUNDS]]");
            System.exit(2);
        }
        String text = Files.readString(Path.of(args[0]));
        int vocabSize = args.length > 1 ? Integer.parseInt(args[1]) : 1024;
        int rounds = args.length > 2 ? Integer.parseInt(args[2]) : 5;
        double megabytes = text.getBytes(StandardCharsets.UTF_8).length / 1e6;
        int processors = Runtime.getRuntime().availableProcessors();
        System.out.printf(Locale.ROOT, "%.2f MB, vocabulary %d, %d processors%n", megabytes, vocabSize, processors);

        Timed<Tokenizer> cold = time(1, () -> train(text, vocabSize, processors));
        System.out.printf(Locale.ROOT, "train, first time      %8.3f s%n", cold.seconds);
        for (int threads = 1; threads <= processors; threads *= 2) {
            int t = threads;
            Timed<Tokenizer> warm = time(rounds, () -> train(text, vocabSize, t));
            System.out.printf(
                    Locale.ROOT,
                    "train,  %3d thread(s)  %8.3f s  %8.1f MB/s%n",
                    t,
                    warm.seconds,
                    megabytes / warm.seconds);
        }
        for (int threads = 1; threads <= processors; threads *= 2) {
            int t = threads;
            Timed<int[]> encoded =
                    time(rounds, () -> cold.result.encodeAll(List.of(text), t).getFirst());
            System.out.printf(
                    Locale.ROOT,
                    "encode, %3d thread(s)  %8.3f s  %8.1f MB/s  %6.2f million tokens/s%n",
                    t,
                    encoded.seconds,
                    megabytes / encoded.seconds,
                    encoded.result.length / encoded.seconds / 1e6);
        }
    }

    private record Timed<T>(T result, double seconds) {}

    private static Tokenizer train(String text, int vocabSize, int threads) {
        return BpeTrainer.train(
                new BpeTrainer.Options(vocabSize, List.of(Tokenizer.END_OF_TEXT), 1, threads), List.of(text));
    }

    private static <T> Timed<T> time(int rounds, Supplier<T> work) {
        Timed<T> best = timeOnce(work);
        for (int i = 1; i < rounds; i++) {
            Timed<T> next = timeOnce(work);
            best = next.seconds < best.seconds ? next : best;
        }
        return best;
    }

    private static <T> Timed<T> timeOnce(Supplier<T> work) {
        long start = System.nanoTime();
        T result = work.get();
        return new Timed<>(result, (System.nanoTime() - start) / 1e9);
    }
}
