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
    private static final String SEEN = " and (r.experiment_id is null or not (r.experiment_id = any(:hidden)))";

    private final JdbcClient jdbc;
    private final Sweeps sweeps;
    private final LeaseSettings leases;
    private final ExperimentAccess access;
    private final Costly<Set<Long>, Totals> totals = new Costly<>();

    OverviewController(JdbcClient jdbc, Sweeps sweeps, LeaseSettings leases, ExperimentAccess access) {
        this.access = access;
        this.jdbc = jdbc;
        this.sweeps = sweeps;
        this.leases = leases;
    }

    private record Runners(int online, int slots) {}

    private record Now(int busy, double tokensPerSecond) {}

    private record State(RunState state, int runs, double flops) {}

    /** Over all that was ever done. */
    private record Totals(List<State> states, long points) {}

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
        Totals totals = this.totals.get(hidden, () -> totals(seen, values));
        totals.states.forEach(state -> counts.put(state.state, state.runs));
        Runners runners = jdbc.sql("select count(*), coalesce(sum(slots), 0) from runner"
                        + " where last_seen > now() - make_interval(secs => ?)")
                .param((double) leases.suspect().toSeconds())
                .query((rs, i) -> new Runners(rs.getInt(1), rs.getInt(2)))
                .single();
        Now now = jdbc.sql("""
                        select (select count(*) from lease),
                               (select coalesce(sum(r.tokens_per_second), 0) from run r where r.state = 'running' %s)
                        """.formatted(seen))
                .params(values)
                .query((rs, i) -> new Now(rs.getInt(1), rs.getDouble(2)))
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
                now.busy,
                now.tokensPerSecond,
                totals.states.stream()
                        .filter(state -> state.state == RunState.SUCCEEDED)
                        .mapToDouble(State::flops)
                        .sum(),
                totals.points,
                sweeps.list(null, Long.MAX_VALUE, SWEEPS),
                active);
    }

    private Totals totals(String seen, Map<String, Object> values) {
        List<State> states = jdbc.sql(
                        "select state, count(*), sum(flops) from run r where true" + seen + " group by state")
                .params(values)
                .query((ResultSet rs, int i) -> new State(
                        RunState.valueOf(rs.getString(1).toUpperCase(Locale.ROOT)), rs.getInt(2), rs.getDouble(3)))
                .list();
        long points = jdbc.sql("select coalesce(sum(h.n), 0) from metric_head h"
                        + (seen.isEmpty() ? "" : " join run r on r.id = h.run_id where true" + seen))
                .params(values)
                .query(Long.class)
                .single();
        return new Totals(states, points);
    }
}
