package dev.isoflop.db.artifact;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/**
 * Which content-addressed files exist, and how long they are. The files themselves lie on disk.
 *
 * <p>Concurrency: who writes, refers to or deletes a file holds its row's lock, so a file cannot vanish between being
 * found and being referred to.
 */
@Repository
public class ArtifactStore {

    /** Advisory lock that whoever needs all files to stay holds shared; nothing is forgotten meanwhile. */
    public static final long PRUNING = 0x69736f_7072756eL;

    private final JdbcClient jdbc;

    ArtifactStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    public OptionalLong bytes(String sha256) {
        return jdbc.sql("select bytes from artifact where sha256 = ?")
                .param(sha256)
                .query(Long.class)
                .optional()
                .map(OptionalLong::of)
                .orElseGet(OptionalLong::empty);
    }

    /** Enters the file and locks its row. */
    @Transactional(propagation = Propagation.MANDATORY)
    public void put(String sha256, long bytes) {
        jdbc.sql("""
                        insert into artifact (sha256, bytes) values (?, ?)
                        on conflict (sha256) do update set bytes = excluded.bytes, created_at = now()
                        """).param(sha256).param(bytes).update();
    }

    /** Lengths of those of the files that exist, held against deletion until the transaction ends. */
    @Transactional(propagation = Propagation.MANDATORY)
    public Map<String, Long> hold(Collection<String> sha256s) {
        record Row(String sha256, long bytes) {}
        return jdbc
                .sql("select sha256, bytes from artifact where sha256 = any(?) order by sha256 for key share")
                .param(sha256s.toArray(String[]::new))
                .query((rs, i) -> new Row(rs.getString(1), rs.getLong(2)))
                .list()
                .stream()
                .collect(Collectors.toMap(Row::sha256, Row::bytes));
    }

    /**
     * Files older than an hour that nothing needs: not the last two checkpoints of a run (the final one among them), not
     * the checkpoint a leased attempt resumes from, not a dataset, not what goes into a command or came
     * out of it. At most {@code limit}.
     */
    public List<String> unreferenced(int limit) {
        return jdbc.sql("select sha256 from artifact a where created_at < now() - interval '1 hour' and "
                        + NOT_NEEDED.formatted("a.sha256") + " limit ?")
                .param(limit)
                .query((rs, i) -> rs.getString(1))
                .list();
    }

    /**
     * Files of checkpoints that newer ones have superseded, however young: what may go at once where room is short. Files that no checkpoint has named may
     * be of one that is on its way. At most {@code limit}.
     */
    public List<String> superseded(int limit) {
        return jdbc.sql("select sha256 from artifact a where a.sha256 in (select f ->> 'sha256' from checkpoint c"
                        + " cross join jsonb_array_elements(c.files) f) and " + NOT_NEEDED.formatted("a.sha256")
                        + " limit ?")
                .param(limit)
                .query((rs, i) -> rs.getString(1))
                .list();
    }

    /**
     * Forgets the file if still nothing needs it, and keeps its row locked, so that the caller deletes the file itself
     * before anybody can enter it again.
     *
     * @return whether it was forgotten
     */
    @Transactional(propagation = Propagation.MANDATORY)
    public boolean forgetUnreferenced(String sha256) {
        if (!jdbc.sql("select pg_try_advisory_xact_lock(?)")
                .param(PRUNING)
                .query(Boolean.class)
                .single()) {
            return false; // a backup is being made
        }
        // Two statements: the second one sees what a transaction that held the row before has committed.
        boolean locked = jdbc.sql("select 1 from artifact where sha256 = ? for update skip locked")
                .param(sha256)
                .query(Integer.class)
                .optional()
                .isPresent();
        return locked
                && jdbc.sql("delete from artifact a where a.sha256 = ? and " + NOT_NEEDED.formatted("a.sha256"))
                                .param(sha256)
                                .update()
                        == 1;
    }

    private static final String NOT_NEEDED = """
            %s not in (
                select f ->> 'sha256' from (
                    select id, files, run_id,
                        row_number() over (partition by run_id order by step desc, id desc) as newest from checkpoint) c
                cross join jsonb_array_elements(c.files) f
                where c.newest <= 2
                   or c.id in (select a2.resume_checkpoint from lease l
                               join attempt a2 on a2.run_id = l.run_id and a2.attempt_no = l.attempt_no
                               where a2.resume_checkpoint is not null)
                union all
                select f ->> 'sha256' from dataset d cross join jsonb_array_elements(d.detail -> 'files') f
                where d.detail is not null
                union all
                select f ->> 'sha256' from run r join run_job j on j.run_id = r.id cross join jsonb_array_elements(j.spec -> 'inputs') f
                where r.kind = 'command'
                union all
                select f ->> 'sha256' from run r cross join jsonb_array_elements(r.result -> 'outputs') f
                where r.kind = 'command' and r.result is not null)
            """;
}
