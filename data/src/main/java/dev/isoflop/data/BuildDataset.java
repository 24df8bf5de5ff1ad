package dev.isoflop.data;

import java.io.IOException;
import java.nio.file.Path;

/**
 * Builds a dataset by hand, for benchmarks and tests that want one without the platform: {@code BuildDataset CORPUS VOCAB OUTPUT}.
 *
 * <p>CORPUS is {@code npm:PACKAGE} or a path. The last line says where the dataset is; fetched packages are kept in {@code OUTPUT/corpora}.
 */
public final class BuildDataset {

    private BuildDataset() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        if (args.length != 3) {
            System.err.println("usage: BuildDataset CORPUS VOCAB OUTPUT");
            System.exit(2);
        }
        Path output = Path.of(args[2]);
        DatasetManifest manifest = DatasetBuilder.build(
                DatasetOptions.of(args[0], Integer.parseInt(args[1])),
                output.resolve("corpora"),
                output,
                (stage, message) -> System.err.println(message));
        System.out.println(output.resolve(manifest.id()));
    }
}
