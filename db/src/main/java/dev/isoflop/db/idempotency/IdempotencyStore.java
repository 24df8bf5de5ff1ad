package dev.isoflop.db.idempotency;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/**
 * Answers by principal and Idempotency-Key.
 *
 * <p>Concurrency: the key is locked without waiting, so a request that finds its twin still at work is told so at once.
 *
 * <p>Crash: key and answer are written in the transaction of the work itself; none is there without the other.
 */
@Repository
@Transactional(propagation = Propagation.MANDATORY)
public class IdempotencyStore {

    private final JdbcClient jdbc;

    IdempotencyStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /** @param bodyJson as it was answered */
    public record Answer(
            String requestHash, int status, @Nullable String location, String bodyJson) {}

    /**
     * Locks the key until the transaction ends.
     *
     * @return false when another transaction holds it
     */
    public boolean tryLock(String principal, String key) {
        return jdbc.sql("select pg_try_advisory_xact_lock(hashtextextended(?, 17))")
                .param(principal + "\n" + key)
                .query(Boolean.class)
                .single();
    }

    public Optional<Answer> find(String principal, String key) {
        return jdbc.sql("""
                        select request_hash, status, location, body from idempotency
                        where principal = ? and key = ? and status is not null
                        """)
                .param(principal)
                .param(key)
                .query((rs, i) -> new Answer(rs.getString(1), rs.getInt(2), rs.getString(3), rs.getString(4)))
                .optional();
    }

    public void store(String principal, String key, Answer answer) {
        jdbc.sql("""
                        insert into idempotency (principal, key, request_hash, status, location, body)
                        values (:principal, :key, :hash, :status, :location, :body)
                        """)
                .param("principal", principal)
                .param("key", key)
                .param("hash", answer.requestHash())
                .param("status", answer.status())
                .param("location", answer.location(), java.sql.Types.VARCHAR)
                .param("body", answer.bodyJson())
                .update();
    }

    /** Forgets answers older than that. */
    public int prune(Duration age) {
        return jdbc.sql("delete from idempotency where created_at < now() - make_interval(secs => ?)")
                .param((double) age.toSeconds())
                .update();
    }
}
