package dev.isoflop.db.run;

import java.sql.Timestamp;
import java.util.List;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Repository;

/** Log lines of attempts, keyed by their sequence number so that a repeated batch stores nothing twice. */
@Repository
public class RunLogStore {

    private final JdbcTemplate jdbc;

    RunLogStore(JdbcTemplate jdbc) {
        this.jdbc = jdbc;
    }

    /** @param timeMillis runner's wall clock, milliseconds since the epoch */
    public record Line(long timeMillis, String level, String text) {}

    /** The last lines of an attempt, oldest first. */
    public List<String> last(long runId, int attempt, int most) {
        return jdbc.query(
                        "select line from run_log where run_id = ? and attempt_no = ? order by seq desc limit ?",
                        (rs, i) -> rs.getString(1),
                        runId,
                        attempt,
                        most)
                .reversed();
    }

    /** Stores the lines that are not stored yet. Call it behind the fence. */
    public void append(long runId, int attempt, long firstSeq, List<Line> lines) {
        jdbc.batchUpdate(
                """
                insert into run_log (run_id, attempt_no, seq, at, level, line) values (?, ?, ?, ?, ?, ?)
                on conflict do nothing
                """,
                java.util.stream.IntStream.range(0, lines.size())
                        .mapToObj(i -> {
                            Line line = lines.get(i);
                            return new Object[] {
                                runId,
                                attempt,
                                firstSeq + i,
                                new Timestamp(line.timeMillis()),
                                line.level(),
                                line.text()
                            };
                        })
                        .toList());
        jdbc.update(
                "update attempt set next_log_seq = greatest(next_log_seq, ?) where run_id = ? and attempt_no = ?",
                firstSeq + lines.size(),
                runId,
                attempt);
    }
}
