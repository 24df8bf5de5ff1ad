package dev.isoflop.platform.shared.idempotency;

import dev.isoflop.db.idempotency.IdempotencyStore;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.error.Problem;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ResponseEntity;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionTemplate;
import tools.jackson.databind.json.JsonMapper;

/**
 * Does a piece of work once per principal and Idempotency-Key. A repeat with the same request is answered from the store;
 * the same key with another request is refused. What fails leaves nothing behind: its key may be used again.
 *
 * <p>Concurrency: of two requests with one key at the same time, the second is refused and may be repeated.
 *
 * <p>Crash: the answer is stored in the transaction of the work.
 */
@Component
public class Idempotency {

    private static final Duration KEPT = Duration.ofDays(7);
    private static final long PRUNE_EVERY = 100;
    private static final int LONGEST_KEY = 255;

    private final IdempotencyStore store;
    private final TransactionTemplate transactions;
    private final JsonMapper json;
    private final AtomicLong calls = new AtomicLong();

    Idempotency(IdempotencyStore store, TransactionTemplate transactions, JsonMapper json) {
        this.store = store;
        this.transactions = transactions;
        this.json = json;
    }

    /**
     * What the work has made.
     *
     * @param location where it is
     */
    public record Made<T>(String location, T body) {}

    /** @param repeated whether it comes from the store */
    public record Answer<T>(int status, @Nullable URI location, T body, boolean repeated) {

        public static <T> Answer<T> created(URI location, T body) {
            return new Answer<>(201, location, body, false);
        }
    }

    /**
     * The key of a request that needs one.
     *
     * @throws ProblemException idempotency-key-missing
     */
    public static String required(@Nullable String key) {
        if (key == null) {
            throw new ProblemException(
                    ErrorCode.IDEMPOTENCY_KEY_MISSING,
                    "Send an Idempotency-Key (any unique text), so that the request can be repeated safely.");
        }
        return key;
    }

    /**
     * As {@link #once(String, String, String, Object, Class, Supplier)} for work that makes something: 201 with its
     * location, the first time and every time.
     */
    public <T> ResponseEntity<Object> once(String principal, String key, Object request, Supplier<Made<T>> work) {
        return once(principal, key, request.getClass().getName(), request, work);
    }

    /**
     * As {@link #once(String, String, Object, Supplier)}.
     *
     * @param operation names the endpoint, parameters included
     */
    public <T> ResponseEntity<Object> once(
            String principal, String key, String operation, Object request, Supplier<Made<T>> work) {
        Answer<Object> answer = once(principal, key, operation, request, Object.class, () -> {
            Made<T> made = work.get();
            return new Answer<>(201, URI.create(made.location()), made.body(), false);
        });
        var response = ResponseEntity.status(answer.status());
        URI location = answer.location();
        if (location != null) {
            response.location(location);
        }
        return response.body(answer.body());
    }

    /**
     * @param key the request's Idempotency-Key
     * @param operation names the endpoint, parameters included
     * @param request the body, hashed as JSON
     * @param type what the work answers
     * @param work done in a transaction of this class's
     * @throws ProblemException idempotency-in-progress, idempotency-key-reused, or what the work throws
     */
    public <T> Answer<T> once(
            String principal, String key, String operation, Object request, Class<T> type, Supplier<Answer<T>> work) {
        check(key);
        String hash = hash(operation, request);
        Answer<T> answer = transactions.execute(status -> {
            if (!store.tryLock(principal, key)) {
                throw new ProblemException(
                        ErrorCode.IDEMPOTENCY_IN_PROGRESS,
                        "A request with this Idempotency-Key is still at work; repeat it in a moment.");
            }
            var stored = store.find(principal, key);
            if (stored.isPresent()) {
                return repeat(stored.get(), hash, type);
            }
            if (calls.getAndIncrement() % PRUNE_EVERY == 0) {
                store.prune(KEPT);
            }
            Answer<T> made = work.get();
            URI location = made.location();
            store.store(
                    principal,
                    key,
                    new IdempotencyStore.Answer(
                            hash,
                            made.status(),
                            location == null ? null : location.toString(),
                            json.writeValueAsString(made.body())));
            return made;
        });
        if (answer == null) {
            throw new IllegalStateException("the work had no answer");
        }
        return answer;
    }

    private <T> Answer<T> repeat(IdempotencyStore.Answer stored, String hash, Class<T> type) {
        if (!stored.requestHash().equals(hash)) {
            throw new ProblemException(
                    ErrorCode.IDEMPOTENCY_KEY_REUSED,
                    "This Idempotency-Key was used for another request; every new request needs a new key.");
        }
        String location = stored.location();
        return new Answer<>(
                stored.status(), location == null ? null : URI.create(location), read(stored.bodyJson(), type), true);
    }

    /** An answer of no stated type stays the tree it was sent as. */
    private <T> T read(String body, Class<T> type) {
        return type == Object.class ? type.cast(json.readTree(body)) : json.readValue(body, type);
    }

    private static void check(String key) {
        boolean printable = key.chars().allMatch(c -> c > 0x20 && c < 0x7F);
        if (key.isEmpty() || key.length() > LONGEST_KEY || !printable) {
            throw new ProblemException(
                    ErrorCode.INVALID_REQUEST,
                    "The Idempotency-Key must be 1 to %d printable ASCII characters without spaces."
                            .formatted(LONGEST_KEY),
                    List.of(new Problem.FieldError("Idempotency-Key", "Not a valid key.", "a random UUID", null)));
        }
    }

    private String hash(String operation, Object request) {
        return hash(operation + "\n" + json.writeValueAsString(request));
    }

    /** SHA-256 as 64 lower-case hex digits. */
    public static String hash(String text) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }
}
