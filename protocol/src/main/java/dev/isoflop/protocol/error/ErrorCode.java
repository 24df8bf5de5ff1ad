package dev.isoflop.protocol.error;

/**
 * Every error the REST API answers with. The slug is stable: clients may switch on it. It is also the last segment of
 * the problem's {@code type}.
 */
public enum ErrorCode {
    INVALID_REQUEST("invalid-request", 400),
    IDEMPOTENCY_KEY_MISSING("idempotency-key-missing", 400),
    UNAUTHENTICATED("unauthenticated", 401),
    FORBIDDEN("forbidden", 403),
    NOT_FOUND("not-found", 404),
    METHOD_NOT_ALLOWED("method-not-allowed", 405),
    /** The attempt named in a runner's write is not the run's current one: stop that work. */
    STALE_ATTEMPT("stale-attempt", 409),
    /** A metric batch does not follow the last one; the expected sequence number is in the problem. */
    BATCH_GAP("batch-gap", 409),
    ILLEGAL_TRANSITION("illegal-transition", 409),
    IDEMPOTENCY_IN_PROGRESS("idempotency-in-progress", 409),
    SWEEP_EXISTS("sweep-exists", 409),
    SCHEDULE_EXISTS("schedule-exists", 409),
    DATASET_NOT_READY("dataset-not-ready", 409),
    /** The run has been given to a runner, or has ended: what is said of it now would be no prediction. */
    RUN_BEGUN("run-begun", 409),
    PREDICTION_EXISTS("prediction-exists", 409),
    ETAG_MISMATCH("etag-mismatch", 412),
    PAYLOAD_TOO_LARGE("payload-too-large", 413),
    UNSUPPORTED_MEDIA_TYPE("unsupported-media-type", 415),
    INVALID_SWEEP("invalid-sweep", 422),
    MODEL_TOO_LARGE("model-too-large", 422),
    /** The experiment's budget of FLOPs or GPU-hours leaves less than that. */
    BUDGET_EXCEEDED("budget-exceeded", 422),
    NOT_ENOUGH_TOKENS("not-enough-tokens", 422),
    IDEMPOTENCY_KEY_REUSED("idempotency-key-reused", 422),
    CHECKSUM_MISMATCH("checksum-mismatch", 422),
    INCOMPARABLE_RUNS("incomparable-runs", 422),
    /** The fit says nothing about that N and D: it was refused itself, or they lie too far from what was fitted. */
    PREDICTION_REFUSED("prediction-refused", 422),
    IF_MATCH_MISSING("if-match-missing", 428),
    TOO_MANY_REQUESTS("too-many-requests", 429),
    INTERNAL("internal", 500),
    /** Something the platform itself depends on, the database first of all, cannot be reached: the same request will do later. */
    UNAVAILABLE("unavailable", 503),
    /** A disk of the platform's is full: the same request will do once there is room. */
    STORAGE_FULL("storage-full", 507);

    private final String slug;
    private final int status;

    ErrorCode(String slug, int status) {
        this.slug = slug;
        this.status = status;
    }

    public String slug() {
        return slug;
    }

    /** HTTP status the code is answered with. */
    public int status() {
        return status;
    }
}
