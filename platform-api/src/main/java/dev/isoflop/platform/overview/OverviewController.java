package dev.isoflop.platform.overview;

import dev.isoflop.platform.access.ExperimentAccess;
import dev.isoflop.platform.orchestration.LeaseSettings;
import dev.isoflop.platform.runs.RunRows;
import dev.isoflop.platform.sweeps.Sweeps;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.api.Views;
import java.sql.ResultSet;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

@RestController
class OverviewController {

    private static final int SWEEPS = 8;
    private static final int ACTIVE = 20;
    /** Runs of experiments that the caller may see. */
    private static final String SEEN =
            " and not exists (select 1 from sweep x where x.id = r.sweep_id and x.experiment_id = any(:hidden))";

    private final JdbcClient jdbc;
    private final Sweeps sweeps;
    private final LeaseSettings leases;
    private final ExperimentAccess access;

    OverviewController(JdbcClient jdbc, Sweeps sweeps, LeaseSettings leases, ExperimentAccess access) {
        this.access = access;
        this.jdbc = jdbc;
        this.sweeps = sweeps;
        this.leases = leases;
    }

    private record Runners(int online, int slots) {}

    private record Totals(int busy, double tokensPerSecond, double flopsDone, long points) {}

    /** What is going on now. */
    @GetMapping("/api/v1/overview")
    Views.Overview overview() {
        Map<RunState, Integer> counts = new EnumMap<>(RunState.class);
        for (RunState state : RunState.values()) {
            counts.put(state, 0);
        }
        Set<Long> hidden = access.hidden();
        String seen = hidden.isEmpty() ? "" : SEEN;
        Map<String, Object> values = hidden.isEmpty() ? Map.of() : Map.of("hidden", hidden.toArray(Long[]::new));
        jdbc.sql("select state, count(*) from run r where true" + seen + " group by state")
                .params(values)
                .query((ResultSet rs) -> {
                    counts.put(RunState.valueOf(rs.getString(1).toUpperCase(Locale.ROOT)), rs.getInt(2));
                });
        Runners runners = jdbc.sql("select count(*), coalesce(sum(slots), 0) from runner"
                        + " where last_seen > now() - make_interval(secs => ?)")
                .param((double) leases.suspect().toSeconds())
                .query((rs, i) -> new Runners(rs.getInt(1), rs.getInt(2)))
                .single();
        Totals totals = jdbc.sql(
                        """
                        select (select count(*) from lease),
                               (select coalesce(sum(r.tokens_per_second), 0) from run r where r.state = 'running' %1$s),
                               (select coalesce(sum(r.flops), 0) from run r where r.state = 'succeeded' %1$s),
                               (select coalesce(sum(h.n), 0) from metric_head h %2$s)
                        """.formatted(seen, hidden.isEmpty() ? "" : "join run r on r.id = h.run_id where true" + SEEN))
                .params(values)
                .query((rs, i) -> new Totals(rs.getInt(1), rs.getDouble(2), rs.getDouble(3), rs.getLong(4)))
                .single();
        List<Views.Run> active = jdbc.sql(RunRows.SELECT + " where r.state in ('assigned', 'running', 'suspect')" + seen
                        + " order by r.id limit " + ACTIVE)
                .params(values)
                .query(RunRows::view)
                .list();
        return new Views.Overview(
                counts,
                runners.online(),
                runners.slots(),
                totals.busy(),
                totals.tokensPerSecond(),
                totals.flopsDone(),
                totals.points(),
                sweeps.list(null, Long.MAX_VALUE, SWEEPS),
                active);
    }
}
