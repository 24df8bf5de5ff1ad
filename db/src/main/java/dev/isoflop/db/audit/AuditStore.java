package dev.isoflop.db.audit;

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
     * @param status of the answer; absent while the request goes on or if the platform ended before it was answered
     * @param location of what was made
     */
    public record Entry(
            long id,
            Instant at,
            long tokenId,
            String tokenName,
            String method,
            String path,
            @Nullable Integer status,
            @Nullable String location) {}

    /** Notes that a request begins; its own transaction. */
    public long begin(long tokenId, String tokenName, String method, String path) {
        return jdbc.sql("insert into audit (token_id, token_name, method, path) values (?, ?, ?, ?) returning id")
                .param(tokenId)
                .param(tokenName)
                .param(method)
                .param(path)
                .query(Long.class)
                .single();
    }

    public void end(long id, int status, @Nullable String location) {
        jdbc.sql("update audit set status = :status, location = :location where id = :id")
                .param("status", status)
                .param("location", location, java.sql.Types.VARCHAR)
                .param("id", id)
                .update();
    }

    /** Entries before that id, newest first. */
    public List<Entry> list(long before, int limit) {
        return jdbc.sql("select * from audit where id < ? order by id desc limit ?")
                .param(before)
                .param(limit)
                .query((rs, i) -> {
                    int status = rs.getInt("status");
                    return new Entry(
                            rs.getLong("id"),
                            rs.getObject("at", OffsetDateTime.class).toInstant(),
                            rs.getLong("token_id"),
                            rs.getString("token_name"),
                            rs.getString("method"),
                            rs.getString("path"),
                            status == 0 ? null : status,
                            rs.getString("location"));
                })
                .list();
    }
}
