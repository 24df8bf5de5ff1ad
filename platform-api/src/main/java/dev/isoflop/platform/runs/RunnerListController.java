package dev.isoflop.platform.runs;

import dev.isoflop.platform.orchestration.LeaseSettings;
import dev.isoflop.protocol.api.Views;
import java.util.Arrays;
import java.util.List;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

@RestController
class RunnerListController {

    private final JdbcClient jdbc;
    private final JsonMapper json;
    private final LeaseSettings leases;

    RunnerListController(JdbcClient jdbc, JsonMapper json, LeaseSettings leases) {
        this.jdbc = jdbc;
        this.json = json;
        this.leases = leases;
    }

    /** Last heard of first. */
    @GetMapping("/api/v1/runners")
    List<Views.Runner> list() {
        return jdbc.sql("""
                        select n.*, extract(epoch from now() - n.last_seen) as silent,
                               array(select l.run_id from lease l where l.runner_id = n.id order by 1) as runs
                          from runner n order by n.last_seen desc limit 200
                        """)
                .query((rs, i) -> new Views.Runner(
                        rs.getLong("id"),
                        rs.getString("name"),
                        rs.getString("pool"),
                        rs.getString("host"),
                        rs.getLong("pid"),
                        rs.getString("version"),
                        state(rs.getDouble("silent")),
                        rs.getInt("slots"),
                        rs.getInt("cores"),
                        rs.getLong("memory_bytes"),
                        devices(rs.getString("devices")),
                        Arrays.stream((Long[]) rs.getArray("runs").getArray()).toList(),
                        RunRows.instant(rs, "registered_at"),
                        RunRows.instant(rs, "last_seen")))
                .list();
    }

    private String state(double silentSeconds) {
        if (silentSeconds < leases.suspect().toSeconds()) {
            return "online";
        }
        return silentSeconds < leases.ttl().toSeconds() ? "suspect" : "gone";
    }

    private List<String> devices(String text) {
        return json.readTree(text).values().stream()
                .map(device -> {
                    JsonNode name = device.get("name");
                    return name == null ? device.toString() : name.asString();
                })
                .toList();
    }
}
