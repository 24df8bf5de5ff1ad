package dev.isoflop.db.audit;

import java.sql.Types;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** The audit trail. Entries are written before what they tell of is done, and completed after; nothing changes them later. */
@Repository
public class AuditStore {

    private final JdbcClient jdbc;

    AuditStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /**
     * Who asked, and from where.
     *
     * @param principal as roles name it; absent where nobody was recognised
     * @param name for people to read, as it was then
     * @param tokenId where it was a token of ours
     */
    public record Who(
            @Nullable String principal,
            String name,
            @Nullable Long tokenId,
            @Nullable String address) {}

    /**
     * @param status of the answer; absent while the request goes on or if the platform ended before it was answered
     * @param location of what was made
     * @param detail what it was about, in a few words
     */
    public record Entry(
            long id,
            Instant at,
            Who who,
            String method,
            String path,
            @Nullable Integer status,
            @Nullable String location,
            @Nullable String detail) {}

    /** Notes that a request begins; its own transaction. */
    public long begin(Who who, String method, String path) {
        return jdbc.sql("""
                        insert into audit (token_id, token_name, principal, address, method, path)
                        values (:token, :name, :principal, :address, :method, :path) returning id
                        """)
                .param("token", who.tokenId(), Types.BIGINT)
                .param("name", who.name())
                .param("principal", who.principal(), Types.VARCHAR)
                .param("address", who.address(), Types.VARCHAR)
                .param("method", method)
                .param("path", path)
                .query(Long.class)
                .single();
    }

    /** @param who replaces whoever began it, where the request itself has shown who it is */
    public void end(long id, int status, @Nullable String location, @Nullable String detail, @Nullable Who who) {
        jdbc.sql("""
                        update audit set status = :status, location = :location, detail = :detail,
                               principal = coalesce(:principal, principal), token_name = coalesce(:name, token_name),
                               token_id = coalesce(:token, token_id)
                         where id = :id
                        """)
                .param("status", status)
                .param("location", location, Types.VARCHAR)
                .param("detail", detail, Types.VARCHAR)
                .param("principal", who == null ? null : who.principal(), Types.VARCHAR)
                .param("name", who == null ? null : who.name(), Types.VARCHAR)
                .param("token", who == null ? null : who.tokenId(), Types.BIGINT)
                .param("id", id)
                .update();
    }

    /**
     * Entries before that id, newest first.
     *
     * @param refused only what was answered 401, 403 or 429
     */
    public List<Entry> list(long before, int limit, boolean refused) {
        return jdbc.sql("select * from audit where id < :before and (not :refused or status in (401, 403, 429))"
                        + " order by id desc limit :limit")
                .param("before", before)
                .param("refused", refused)
                .param("limit", limit)
                .query((rs, i) -> new Entry(
                        rs.getLong("id"),
                        rs.getObject("at", OffsetDateTime.class).toInstant(),
                        new Who(
                                rs.getString("principal"),
                                rs.getString("token_name"),
                                rs.getObject("token_id", Long.class),
                                rs.getString("address")),
                        rs.getString("method"),
                        rs.getString("path"),
                        rs.getObject("status", Integer.class),
                        rs.getString("location"),
                        rs.getString("detail")))
                .list();
    }
}
