package dev.isoflop.platform.datasets;

import dev.isoflop.db.dataset.DatasetStore;
import dev.isoflop.db.dataset.DatasetStore.DatasetRow;
import dev.isoflop.db.run.NewRun;
import dev.isoflop.db.run.RunStore;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.api.SweepSpec;
import dev.isoflop.protocol.api.Views;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.error.Problem;
import dev.isoflop.protocol.job.DataSpec;
import dev.isoflop.protocol.job.JobResult;
import dev.isoflop.protocol.job.JobSpec;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;
import tools.jackson.databind.json.JsonMapper;

/**
 * Datasets by their options. Asking for one makes the run that prepares it, once; asking again for one whose run ended
 * without success makes another run.
 *
 * <p>Concurrency: the dataset's row is locked while its run is chosen, so two requests make one run.
 */
@Component
public class Datasets {

    private static final int DEFAULT_VOCAB = 1_024;
    private static final int DEFAULT_MODULUS = 12;
    /** Data work goes first: everything else waits for it. */
    private static final int PRIORITY = 1_000;

    private final DatasetStore store;
    private final RunStore runs;
    private final JsonMapper json;

    Datasets(DatasetStore store, RunStore runs, JsonMapper json) {
        this.store = store;
        this.runs = runs;
        this.json = json;
    }

    /** @param made whether this request made the run that prepares it */
    public record Ensured(Views.Dataset dataset, boolean made) {}

    /**
     * The dataset with these options, with a run that prepares or has prepared it, by the default pool.
     *
     * @throws ProblemException invalid-request, field by field
     */
    @Transactional
    public Ensured ensure(SweepSpec.DatasetSpec spec) {
        return ensure(spec, "default");
    }

    /** @param pool runners that may prepare it */
    @Transactional
    public Ensured ensure(SweepSpec.DatasetSpec spec, String pool) {
        DataSpec options = options(spec);
        String id = id(options);
        boolean isNew = store.enter(id, options.corpus(), options.vocabSize(), options.validationModulus());
        boolean made = isNew || endedWithoutSuccess(store.find(id).orElseThrow().runState());
        if (made) {
            store.preparedBy(
                    id,
                    runs.create(new NewRun(
                            null,
                            "data-" + id.substring(0, 8),
                            "data",
                            json.writerFor(JobSpec.class).writeValueAsString(options),
                            pool,
                            PRIORITY,
                            null,
                            0,
                            NewRun.Size.NONE,
                            null,
                            null,
                            null,
                            NewRun.Retries.DEFAULT)));
        }
        return new Ensured(view(store.find(id).orElseThrow()), made);
    }

    public Optional<Views.Dataset> find(String id) {
        return store.find(id).map(this::view);
    }

    /** Newest first, at most 200. */
    public List<Views.Dataset> list() {
        return store.list(200).stream().map(this::view).toList();
    }

    /** The options with the defaults filled in. */
    public static DataSpec options(SweepSpec.DatasetSpec spec) {
        Integer vocab = spec.vocabSize();
        Integer modulus = spec.validationModulus();
        DataSpec options = new DataSpec(
                spec.corpus(), vocab == null ? DEFAULT_VOCAB : vocab, modulus == null ? DEFAULT_MODULUS : modulus);
        List<Problem.FieldError> errors = new ArrayList<>();
        // A field absent from the JSON arrives as null whatever its declared type.
        if (options.corpus() == null || options.corpus().isBlank()) {
            errors.add(new Problem.FieldError("/corpus", "A corpus is needed.", "npm:PACKAGE or a path", null));
        }
        if (options.vocabSize() < 257 || options.vocabSize() > 65_536) {
            errors.add(new Problem.FieldError(
                    "/vocabSize", "256 bytes and one special token have to fit.", "257 to 65536", null));
        }
        if (options.validationModulus() < 2 || options.validationModulus() > 256) {
            errors.add(new Problem.FieldError(
                    "/validationModulus", "It divides the first byte of a hash.", "2 to 256", null));
        }
        if (!errors.isEmpty()) {
            throw new ProblemException(ErrorCode.INVALID_REQUEST, "The dataset's options are wrong.", errors);
        }
        return options;
    }

    /** Hash of the options: 32 hex digits of the SHA-256 of one line of each. */
    public static String id(DataSpec options) {
        String text = options.corpus() + "\n" + options.vocabSize() + "\n" + options.validationModulus() + "\n";
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash, 0, 16);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }

    private Views.Dataset view(DatasetRow row) {
        String detail = row.detailJson();
        return new Views.Dataset(
                row.id(),
                row.corpus(),
                row.vocabSize(),
                row.validationModulus(),
                state(row.runState()),
                row.runId(),
                detail == null ? null : parse(detail),
                row.createdAt());
    }

    private JobResult.@Nullable Dataset parse(String detail) {
        return json.readValue(detail, JobResult.Dataset.class);
    }

    private static String state(RunState run) {
        return switch (run) {
            case SUCCEEDED -> "ready";
            case FAILED, CANCELLED -> "failed";
            case QUEUED, ASSIGNED, RUNNING, SUSPECT, PREEMPTED -> "preparing";
        };
    }

    private static boolean endedWithoutSuccess(RunState run) {
        return run == RunState.FAILED || run == RunState.CANCELLED;
    }
}
