package dev.isoflop.platform.runs;

import dev.isoflop.platform.orchestration.LeaseSettings;
import dev.isoflop.protocol.api.Views.Waiting;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/** Whether a run waits because every runner that could take it is unwell: in trouble, set aside, or one that the run keeps away from. */
@Component
@Transactional(readOnly = true, propagation = Propagation.MANDATORY)
class UnwellRunners {

    /** @param why absent for a runner that is well */
    private record Candidate(String name, @Nullable String why) {}

    private final JdbcClient jdbc;
    private final LeaseSettings leases;

    UnwellRunners(JdbcClient jdbc, LeaseSettings leases) {
        this.jdbc = jdbc;
        this.leases = leases;
    }

    /** The reason, if it holds; nothing also where no runner is there at all. */
    Optional<Waiting> reason(long run, int ahead) {
        List<Candidate> candidates = jdbc.sql("""
                        select n.name, coalesce(
                            n.trouble,
                            'It is set aside: ' || aside.reason,
                            'This run is kept away from it for a while: ' || avoids.reason) as why
                        from run r join runner n on n.pool = r.pool and jsonb_exists(n.kinds, r.kind)
                            and n.memory_bytes >= r.memory_bytes
                            left join place_set_aside aside on aside.place = n.place and aside.until > now()
                            left join run_avoids avoids on avoids.run_id = r.id and avoids.place = n.place and avoids.until > now()
                        where r.id = :run and n.last_seen > now() - make_interval(secs => :heard)
                        order by n.id limit 200
                        """)
                .param("run", run)
                .param("heard", leases.ttl().toMillis() / 1e3)
                .query((rs, i) -> new Candidate(rs.getString(1), rs.getString(2)))
                .list();
        if (candidates.isEmpty() || candidates.stream().anyMatch(c -> c.why == null)) {
            return Optional.empty();
        }
        Candidate first = candidates.getFirst();
        String others =
                candidates.size() == 1 ? "" : " The %d others are unwell, too.".formatted(candidates.size() - 1);
        return Optional.of(new Waiting(
                "runner-unwell",
                "The runner %s does not take it. %s%s".formatted(first.name, first.why, others),
                null,
                ahead));
    }
}
