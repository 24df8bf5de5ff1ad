package dev.isoflop.runner.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What trials on trained models are asked for. */
final class TrialOptions {

    /** A run on a GPU costs a thread that waits; those of one shape train as lanes if they begin together. */
    private static final int GPU_PLACES = 256;

    @Option(
            names = "--scale",
            description = "CPU: the demo's models (default). GPU: some hundred times larger, on the first CUDA device.")
    private TrialScale scale = TrialScale.CPU;

    @Option(names = "--corpus", description = "npm:PACKAGE or a path (default on the CPU the demo's).")
    private @Nullable String corpus;

    @Option(names = "--work", description = "Where dataset and curves are kept (default target/trials).")
    private Path work = Path.of("target", "trials");

    @Option(
            names = "--threads",
            description = "Runs trained side by side (default: on the CPU one a core, on a GPU 256).")
    private int threads;

    TrialScale scale() {
        return scale;
    }

    /** Of this scale alone. */
    Path work() {
        return work.resolve(scale.name().toLowerCase(Locale.ROOT));
    }

    TrainingLab open() throws IOException, InterruptedException {
        int cores = Runtime.getRuntime().availableProcessors();
        int places = threads > 0 ? threads : scale == TrialScale.CPU ? cores : GPU_PLACES;
        return TrainingLab.open(scale, scale.dataset(corpus, work()), places, work().resolve("cache"));
    }
}
