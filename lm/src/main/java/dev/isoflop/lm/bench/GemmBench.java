package dev.isoflop.lm.bench;

import dev.isoflop.lm.cpu.GemmProbe;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The engine's matrix products against OpenBLAS at the shapes training has. Prints a Markdown table.
 *
 * <p>Usage: {@code GemmBench [--threads N] [--seconds S]}.
 */
public final class GemmBench {

    /** Rows, columns and inner size of a forward product, and what it is. */
    private record Shape(int m, int n, int k, String what) {}

    private static final List<Shape> SHAPES = List.of(
            new Shape(512, 96, 32, "d 32: qkv"),
            new Shape(512, 192, 32, "d 32: gate, up"),
            new Shape(512, 32, 96, "d 32: down"),
            new Shape(512, 1024, 32, "d 32: head"),
            new Shape(2048, 192, 64, "d 64: qkv"),
            new Shape(2048, 384, 128, "d 128: qkv"),
            new Shape(2048, 768, 128, "d 128: gate, up"),
            new Shape(2048, 768, 256, "d 256: qkv"),
            new Shape(2048, 1408, 256, "d 256: gate, up"),
            new Shape(2048, 256, 704, "d 256: down"),
            new Shape(2048, 1024, 256, "d 256: head"),
            new Shape(1024, 1024, 1024, "square"),
            new Shape(2048, 2048, 512, "large"));

    private GemmBench() {}

    public static void main(String[] args) {
        Arguments arguments = Arguments.parse(args, List.of("--threads", "--seconds"));
        int most = arguments.integer("--threads", Runtime.getRuntime().availableProcessors());
        double seconds = arguments.number("--seconds", 0.5);
        Optional<OpenBlas> blas = OpenBlas.find();
        System.out.println(Machine.describe());
        if (blas.isEmpty()) {
            System.out.println("OpenBLAS was not found; name it with -Disoflop.openblas=FILE");
        }
        for (int threads = 1; threads <= most; threads *= 2) {
            System.out.printf(Locale.ROOT, "%n%d thread(s), GFLOP/s, best of %.1f s%n%n", threads, seconds);
            System.out.println("| product | M × N × K | forward | OpenBLAS | weight gradient | OpenBLAS |");
            System.out.println("|---|---|---:|---:|---:|---:|");
            try (GemmProbe probe = new GemmProbe(threads)) {
                // compile the tiles of every width before anything is timed
                SHAPES.forEach(s -> probe.gigaflops(s.m, s.n, s.k, 0.1));
                SHAPES.forEach(s -> probe.gradientGigaflops(s.m, s.n, s.k, 0.1));
                for (Shape s : SHAPES) {
                    double forward = probe.gigaflops(s.m, s.n, s.k, seconds);
                    double gradient = probe.gradientGigaflops(s.m, s.n, s.k, seconds);
                    int t = threads;
                    String peer = blas.map(b -> {
                                b.threads(t);
                                return number(b.gigaflops(s.m, s.n, s.k, false, seconds));
                            })
                            .orElse("–");
                    String peerGradient = blas.map(b -> number(b.gigaflops(s.n, s.k, s.m, true, seconds)))
                            .orElse("–");
                    System.out.printf(
                            Locale.ROOT,
                            "| %s | %d × %d × %d | %s | %s | %s | %s |%n",
                            s.what,
                            s.m,
                            s.n,
                            s.k,
                            number(forward),
                            peer,
                            number(gradient),
                            peerGradient);
                }
            }
        }
    }

    private static String number(double gigaflops) {
        return String.format(Locale.ROOT, "%.0f", gigaflops);
    }
}
