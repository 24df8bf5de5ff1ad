package dev.isoflop.db.runner;

import java.time.Duration;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/** Places, which are hosts with their GPUs: what failed there, who is kept away from them, and which are set aside. */
@Repository
@Transactional(propagation = Propagation.MANDATORY)
public class PlaceStore {

    private final JdbcClient jdbc;

    PlaceStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /** The place a runner works at. */
    public String of(long runnerId) {
        return jdbc.sql("select place from runner where id = ?")
                .param(runnerId)
                .query(String.class)
                .single();
    }

    /** Keeps a run away from a place. */
    public void avoid(long runId, String place, Duration time, String reason) {
        jdbc.sql("""
                        insert into run_avoids (run_id, place, until, reason)
                        values (:run, :place, now() + make_interval(secs => :time), :reason)
                        on conflict (run_id, place) do update set until = excluded.until, reason = excluded.reason
                        """)
                .param("run", runId)
                .param("place", place)
                .param("time", time.toMillis() / 1e3)
                .param("reason", reason)
                .update();
    }

    /** Whether the runner's pool has another place that was heard from and is not set aside. */
    public boolean hasOther(long runnerId, Duration heard) {
        return jdbc.sql("""
                        select exists (
                            select 1 from runner other join runner me on me.pool = other.pool and me.place <> other.place
                            where me.id = :runner and other.last_seen > now() - make_interval(secs => :heard)
                              and not exists (select 1 from place_set_aside aside
                                              where aside.place = other.place and aside.until > now()))
                        """)
                .param("runner", runnerId)
                .param("heard", heard.toMillis() / 1e3)
                .query(Boolean.class)
                .single();
    }

    /** Lets a run go everywhere again. */
    public void forgetAvoided(long runId) {
        jdbc.sql("delete from run_avoids where run_id = ?").param(runId).update();
    }

    public void noteError(String place, long runId, int attempt, String rule, String evidence) {
        jdbc.sql("insert into device_error (place, run_id, attempt_no, rule, evidence) values (?, ?, ?, ?, ?)")
                .param(place)
                .param(runId)
                .param(attempt)
                .param(rule)
                .param(evidence)
                .update();
    }

    /** Incidents at the place: runs that shared a device fail together, and errors less than a minute apart are one. */
    public int errorsWithin(String place, Duration window) {
        return jdbc.sql("""
                        select count(*) from (
                            select at - lag(at) over (order by at) as since from device_error
                            where place = ? and at > now() - make_interval(secs => ?)) e
                        where since is null or since > interval '1 minute'
                        """)
                .param(place)
                .param(window.toMillis() / 1e3)
                .query(Integer.class)
                .single();
    }

    /**
     * @param reason for everybody
     * @param evidence a line of the run's, for those who may see that run
     */
    public void setAside(String place, String reason, String evidence, long runId, Duration time) {
        jdbc.sql("""
                        insert into place_set_aside (place, reason, evidence, run_id, until)
                        values (:place, :reason, :evidence, :run, now() + make_interval(secs => :time))
                        on conflict (place) do update
                            set reason = excluded.reason, evidence = excluded.evidence, run_id = excluded.run_id,
                                until = excluded.until, since = excluded.since
                        """)
                .param("place", place)
                .param("reason", reason)
                .param("evidence", evidence)
                .param("run", runId)
                .param("time", time.toMillis() / 1e3)
                .update();
    }

    /** Takes the runner's place back and forgets what failed there; false if it was not set aside. */
    public boolean clear(long runnerId) {
        jdbc.sql("delete from device_error where place = (select place from runner where id = ?)")
                .param(runnerId)
                .update();
        return jdbc.sql("""
                        delete from place_set_aside where until > now() and place = (select place from runner where id = ?)
                        """).param(runnerId).update() == 1;
    }
}
