package dev.isoflop.db.access;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/** Visibility of experiments and the roles that principals ({@code token:ID}, {@code user:SUBJECT}, {@code group:NAME}) have on them. */
@Repository
public class AccessStore {

    private static final String BY_SWEEP = "sweep s join experiment e on e.id = s.experiment_id where s.id = :id";

    private final JdbcClient jdbc;

    AccessStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /** What belongs to an experiment. */
    public enum Kind {
        EXPERIMENT("experiment e where e.id = :id"),
        SWEEP(BY_SWEEP),
        RUN("run r join sweep s on s.id = r.sweep_id join experiment e on e.id = s.experiment_id where r.id = :id"),
        FIT("fit f join sweep s on s.id = f.sweep_id join experiment e on e.id = s.experiment_id where f.id = :id"),
        PREDICTION("prediction p join experiment e on e.id = p.experiment_id where p.id = :id"),
        SCHEDULE("schedule c join experiment e on e.name = c.spec ->> 'experiment' where c.id = :id");

        private final String from;

        Kind(String from) {
            this.from = from;
        }
    }

    /** @param roles that any of the principals asked for has, by their wire names */
    public record Standing(long experimentId, String name, boolean isPrivate, Set<String> roles) {}

    public record Role(String principal, String role, String grantedBy, Instant grantedAt) {}

    /** @param version rises with each change */
    public record Access(String visibility, List<Role> roles, long version) {}

    /** How somebody stands to the experiment that a thing belongs to; absent if there is no such thing or it belongs to none. */
    public Optional<Standing> standing(Kind kind, long id, Collection<String> principals) {
        return jdbc.sql(standings(kind.from))
                .param("id", id)
                .param("principals", principals.toArray(String[]::new))
                .query((rs, i) -> standing(rs))
                .optional();
    }

    /** As {@link #standing}, for the experiment of that name. */
    public Optional<Standing> standingByName(String experiment, Collection<String> principals) {
        return jdbc.sql(standings("experiment e where e.name = :name"))
                .param("name", experiment)
                .param("principals", principals.toArray(String[]::new))
                .query((rs, i) -> standing(rs))
                .optional();
    }

    private static String standings(String from) {
        return """
                select e.id, e.name, e.visibility = 'private',
                       array(select x.role from experiment_role x where x.experiment_id = e.id and x.principal = any(:principals))
                  from\s""" + from;
    }

    private static Standing standing(ResultSet rs) throws SQLException {
        return new Standing(rs.getLong(1), rs.getString(2), rs.getBoolean(3), new TreeSet<>(Arrays.asList((String[])
                rs.getArray(4).getArray())));
    }

    /** Private experiments on which none of the principals has any role. */
    public Set<Long> hidden(Collection<String> principals) {
        return Set.copyOf(jdbc.sql("""
                        select e.id from experiment e
                         where e.visibility = 'private'
                           and not exists (select 1 from experiment_role x
                                            where x.experiment_id = e.id and x.principal = any(:principals))
                        """)
                .param("principals", principals.toArray(String[]::new))
                .query(Long.class)
                .list());
    }

    public OptionalLong experimentOfSweep(long sweepId) {
        return jdbc.sql("select experiment_id from sweep where id = ?")
                .param(sweepId)
                .query(Long.class)
                .optional()
                .map(OptionalLong::of)
                .orElseGet(OptionalLong::empty);
    }

    /** Whether a file belongs to a run of one of these experiments: to a checkpoint, or to what a command left. */
    public boolean isFileOf(String sha256, Collection<Long> experiments) {
        return jdbc.sql("""
                        select exists (
                            select 1 from sweep s join run r on r.sweep_id = s.id
                             where s.experiment_id = any(:experiments)
                               and (position(:sha256 in r.result::text) > 0
                                    or exists (select 1 from checkpoint c where c.run_id = r.id and position(:sha256 in c.files::text) > 0)))
                        """)
                .param("experiments", experiments.toArray(Long[]::new))
                .param("sha256", sha256)
                .query(Boolean.class)
                .single();
    }

    /** Absent where there is no such experiment. Roles by principal. */
    public Optional<Access> find(long experimentId) {
        return jdbc.sql("select visibility, access_version from experiment where id = ?")
                .param(experimentId)
                .query((rs, i) -> new Access(rs.getString(1), roles(experimentId), rs.getLong(2)))
                .optional();
    }

    /** As {@link #find}, the experiment's row locked until the transaction ends. */
    @Transactional(propagation = Propagation.MANDATORY)
    public Optional<Access> lock(long experimentId) {
        jdbc.sql("select 1 from experiment where id = ? for no key update")
                .param(experimentId)
                .query(Integer.class)
                .optional();
        return find(experimentId);
    }

    private List<Role> roles(long experimentId) {
        return jdbc.sql("""
                        select principal, role, granted_by, granted_at from experiment_role
                         where experiment_id = ? order by principal
                        """)
                .param(experimentId)
                .query((rs, i) -> new Role(
                        rs.getString(1),
                        rs.getString(2),
                        rs.getString(3),
                        rs.getObject(4, OffsetDateTime.class).toInstant()))
                .list();
    }

    /** Sets visibility and roles as a whole; who gave a role that stays the same is kept. */
    @Transactional(propagation = Propagation.MANDATORY)
    public void replace(long experimentId, String visibility, Collection<Role> roles, String by) {
        jdbc.sql("update experiment set visibility = ?, access_version = access_version + 1 where id = ?")
                .param(visibility)
                .param(experimentId)
                .update();
        jdbc.sql("delete from experiment_role where experiment_id = :id and not (principal = any(:kept))")
                .param("id", experimentId)
                .param("kept", roles.stream().map(Role::principal).toArray(String[]::new))
                .update();
        roles.forEach(role -> grant(experimentId, role.principal(), role.role(), by));
    }

    /** Gives a role, in place of another that the principal may have. */
    @Transactional(propagation = Propagation.MANDATORY)
    public void grant(long experimentId, String principal, String role, String by) {
        jdbc.sql("""
                        insert into experiment_role as x (experiment_id, principal, role, granted_by)
                        values (:experiment, :principal, :role, :by)
                        on conflict (experiment_id, principal) do update
                           set role = excluded.role, granted_by = excluded.granted_by, granted_at = now()
                         where x.role <> excluded.role
                        """)
                .param("experiment", experimentId)
                .param("principal", principal)
                .param("role", role)
                .param("by", by)
                .update();
    }

    /** Tokens among these ids that there are. */
    public Set<Long> tokens(Collection<Long> ids) {
        return Set.copyOf(jdbc.sql("select id from api_token where id = any(?)")
                .param(ids.toArray(Long[]::new))
                .query(Long.class)
                .list());
    }

    /** In whose name a schedule submits; absent for everybody's, as an admin's does. */
    public Optional<List<String>> submitters(long scheduleId) {
        return jdbc.sql("select principals from schedule where id = ? and principals is not null")
                .param(scheduleId)
                .query((rs, i) -> Arrays.asList((String[]) rs.getArray(1).getArray()))
                .optional();
    }

    /** @param principals of whoever wrote the schedule, themselves first; null where their word is good for everything */
    @Transactional(propagation = Propagation.MANDATORY)
    public void submitters(long scheduleId, @Nullable List<String> principals) {
        jdbc.sql("update schedule set principals = :principals where id = :id")
                .param(
                        "principals",
                        principals == null ? null : principals.toArray(String[]::new),
                        java.sql.Types.ARRAY)
                .param("id", scheduleId)
                .update();
    }
}
