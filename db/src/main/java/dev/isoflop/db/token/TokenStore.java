package dev.isoflop.db.token;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** API tokens and sessions by the SHA-256 of their secret, 64 lower-case hex digits. The secrets are nowhere. */
@Repository
public class TokenStore {

    private static final String COLUMNS = "t.id, t.name, t.prefix, t.scope, t.created_at, t.last_used_at, t.expires_at";
    /** Two platforms that start on one database make one admin token. */
    private static final long ADMIN_LOCK = 0x150F10BL;

    private final JdbcClient jdbc;

    TokenStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /** @param prefix first characters of the secret, to tell tokens apart by */
    public record TokenRow(
            long id,
            String name,
            String prefix,
            String scope,
            Instant createdAt,
            @Nullable Instant lastUsedAt,
            @Nullable Instant expiresAt) {}

    /** @param expiresAt when it stops to be valid; absent for never */
    public record NewToken(
            String name,
            String prefix,
            String sha256,
            String scope,
            @Nullable Instant expiresAt) {}

    public TokenRow create(NewToken token) {
        Instant expiresAt = token.expiresAt();
        return jdbc.sql("insert into api_token as t (name, prefix, sha256, scope, expires_at) values (:name, :prefix,"
                        + " :sha256, :scope, :expires) returning " + COLUMNS)
                .param("name", token.name())
                .param("prefix", token.prefix())
                .param("sha256", token.sha256())
                .param("scope", token.scope())
                .param(
                        "expires",
                        expiresAt == null ? null : expiresAt.atOffset(ZoneOffset.UTC),
                        java.sql.Types.TIMESTAMP_WITH_TIMEZONE)
                .query((rs, i) -> row(rs))
                .single();
    }

    /** The token, if it is known and has not expired. */
    public Optional<TokenRow> findValid(String sha256) {
        return jdbc.sql("select " + COLUMNS
                        + " from api_token t where t.sha256 = ? and (t.expires_at is null or t.expires_at > now())")
                .param(sha256)
                .query((rs, i) -> row(rs))
                .optional();
    }

    /** Whether there is such a token and it has not expired. */
    public boolean isValid(long id) {
        return jdbc.sql(
                        "select exists (select 1 from api_token where id = ? and (expires_at is null or expires_at > now()))")
                .param(id)
                .query(Boolean.class)
                .single();
    }

    /** The token a session was made from, if both are valid still. */
    public Optional<TokenRow> findBySession(String sessionSha256) {
        return jdbc.sql("select " + COLUMNS + """
                         from session s join api_token t on t.id = s.token_id
                         where s.sha256 = ? and s.expires_at > now() and (t.expires_at is null or t.expires_at > now())
                        """)
                .param(sessionSha256)
                .query((rs, i) -> row(rs))
                .optional();
    }

    /** What {@link #createIdentitySession} was given, if the session is valid still. */
    public Optional<String> findIdentityBySession(String sessionSha256) {
        return jdbc.sql("select identity from session where sha256 = ? and identity is not null and expires_at > now()")
                .param(sessionSha256)
                .query(String.class)
                .optional();
    }

    /** Whether the token is there, with that secret. */
    public boolean isSecretOf(long id, String sha256) {
        return jdbc.sql("select exists (select 1 from api_token where id = ? and sha256 = ?)")
                .param(id)
                .param(sha256)
                .query(Boolean.class)
                .single();
    }

    /** Newest first. */
    public List<TokenRow> list() {
        return jdbc.sql("select " + COLUMNS + " from api_token t order by t.id desc")
                .query((rs, i) -> row(rs))
                .list();
    }

    /** @return whether there was such a token; its sessions and its roles end with it */
    public boolean delete(long id) {
        jdbc.sql("delete from experiment_role where principal = ?")
                .param("token:" + id)
                .update();
        return jdbc.sql("delete from api_token where id = ?").param(id).update() == 1;
    }

    /** Notes the use, unless one within the last minute is noted already. */
    public void touch(long id) {
        jdbc.sql("""
                update api_token set last_used_at = now()
                where id = ? and (last_used_at is null or last_used_at < now() - interval '1 minute')
                """).param(id).update();
    }

    public void createSession(String sha256, long tokenId, Duration ttl) {
        jdbc.sql("insert into session (sha256, token_id, expires_at) values (?, ?, now() + make_interval(secs => ?))")
                .param(sha256)
                .param(tokenId)
                .param((double) ttl.toSeconds())
                .update();
        forgetOldSessions();
    }

    /**
     * A session of somebody who has no token of ours.
     *
     * @param identityJson kept as it is
     * @param until ends no later than this
     */
    public void createIdentitySession(String sha256, String identityJson, Duration ttl, Instant until) {
        jdbc.sql("""
                        insert into session (sha256, identity, expires_at)
                        values (:sha256, cast(:identity as jsonb), least(now() + make_interval(secs => :ttl), :until))
                        """)
                .param("sha256", sha256)
                .param("identity", identityJson)
                .param("ttl", (double) ttl.toSeconds())
                .param("until", until.atOffset(ZoneOffset.UTC))
                .update();
        forgetOldSessions();
    }

    private void forgetOldSessions() {
        jdbc.sql("delete from session where expires_at < now()").update();
    }

    public void deleteSession(String sha256) {
        jdbc.sql("delete from session where sha256 = ?").param(sha256).update();
    }

    /** Keeps every other platform from making the first token until the transaction ends. */
    public void lockAdminTokens() {
        jdbc.sql("select pg_advisory_xact_lock(?)")
                .param(ADMIN_LOCK)
                .query((rs, i) -> 0)
                .single();
    }

    public boolean hasAdmin() {
        return jdbc.sql("select exists (select 1 from api_token where scope = 'admin')")
                .query(Boolean.class)
                .single();
    }

    public int deleteAdmins() {
        return jdbc.sql("delete from api_token where scope = 'admin'").update();
    }

    private static TokenRow row(ResultSet rs) throws SQLException {
        return new TokenRow(
                rs.getLong(1),
                rs.getString(2),
                rs.getString(3),
                rs.getString(4),
                rs.getObject(5, OffsetDateTime.class).toInstant(),
                instant(rs, 6),
                instant(rs, 7));
    }

    private static @Nullable Instant instant(ResultSet rs, int column) throws SQLException {
        OffsetDateTime time = rs.getObject(column, OffsetDateTime.class);
        return time == null ? null : time.toInstant();
    }
}
