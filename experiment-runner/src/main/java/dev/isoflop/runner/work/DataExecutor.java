package dev.isoflop.runner.work;

import dev.isoflop.data.CorpusSource;
import dev.isoflop.data.DatasetBuilder;
import dev.isoflop.data.DatasetManifest;
import dev.isoflop.data.DatasetOptions;
import dev.isoflop.protocol.job.DataSpec;
import dev.isoflop.protocol.job.FileRef;
import dev.isoflop.protocol.job.JobResult;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Prepares a dataset and hands its files to the platform, so that runners elsewhere can fetch it.
 *
 * <p>Concurrency and crash: see {@link DatasetBuilder}; what was built before is found again, what was uploaded before
 * is not sent again.
 */
public final class DataExecutor implements JobExecutor<DataSpec> {

    private final Path home;
    private final boolean offline;

    /**
     * @param home work directory, with {@code corpora/} and {@code datasets/} in it
     * @param offline whether a corpus may only come from what was fetched before
     */
    public DataExecutor(Path home, boolean offline) {
        this.home = home;
        this.offline = offline;
    }

    @Override
    public Outcome execute(DataSpec spec, AttemptContext context) throws Exception {
        Path datasets = home.resolve("datasets");
        context.info("preparing " + spec.corpus() + ", vocabulary " + spec.vocabSize());
        DatasetOptions options = new DatasetOptions(
                CorpusSource.parse(spec.corpus()), spec.vocabSize(), spec.validationModulus(), offline);
        DatasetManifest manifest =
                DatasetBuilder.build(options, home.resolve("corpora"), datasets, (stage, message) -> {
                    context.progress(0, stage.name().toLowerCase(Locale.ROOT));
                    context.info(message);
                });
        return switch (context.signal()) {
            case STOP -> new Outcome.Stopped();
            case CHECKPOINT_AND_STOP -> new Outcome.Preempted(); // what is built stays on the disk and is found again
            case CONTINUE -> upload(manifest, datasets.resolve(manifest.id()), context);
        };
    }

    private static Outcome upload(DatasetManifest manifest, Path directory, AttemptContext context) throws IOException {
        context.progress(0, "uploading");
        List<FileRef> files = new ArrayList<>();
        for (DatasetManifest.DatasetFile file : manifest.allFiles(directory)) {
            FileRef ref = new FileRef(file.name(), file.sha256(), file.bytes());
            if (!context.upload(ref, directory.resolve(file.name()))) {
                return new Outcome.Stopped();
            }
            files.add(ref);
        }
        return new Outcome.Succeeded(new JobResult.Dataset(
                manifest.id(),
                manifest.trainTokens(),
                manifest.validationTokens(),
                manifest.validationBytes(),
                manifest.trainDocuments(),
                manifest.validationDocuments(),
                manifest.vocabSize(),
                manifest.tokenizerHash(),
                files));
    }
}
