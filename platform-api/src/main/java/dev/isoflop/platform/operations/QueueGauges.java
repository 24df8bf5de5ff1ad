package dev.isoflop.platform.operations;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;

/**
 * What the tables say about runs and runners, read every few seconds. Every platform of a database says the same.
 *
 * <p>While the database does not answer there are no such gauges: an old number would be taken for a new one.
 */
@Component
class QueueGauges {

    private static final Logger log = LoggerFactory.getLogger(QueueGauges.class);

    private final JdbcClient jdbc;
    private final MultiGauge runs;
    private final MultiGauge age;
    private final MultiGauge runners;

    QueueGauges(JdbcClient jdbc, MeterRegistry registry) {
        this.jdbc = jdbc;
        this.runs = MultiGauge.builder("isoflop.runs")
                .description("Runs by pool and state")
                .register(registry);
        this.age = MultiGauge.builder("isoflop.queue.age")
                .description("How long the run that has waited longest could have been claimed already")
                .baseUnit("seconds")
                .register(registry);
        this.runners = MultiGauge.builder("isoflop.runners")
                .description("Runners heard from within a lease's time, by pool")
                .register(registry);
    }

    @Scheduled(fixedDelayString = "${isoflop.operations.gauges-interval:10s}")
    void look() {
        try {
            show(runs, "select pool, state, count(*) from run group by 1, 2", "pool", "state");
            show(age, """
                    select r.pool, '', extract(epoch from now() - min(greatest(r.not_before, r.created_at,
                        case when r.attempt_no > 0 then (select a.ended_at from attempt a
                            where a.run_id = r.id and a.attempt_no = r.attempt_no) end,
                        case when r.waits_for is not null
                            then (select w.finished_at from run w where w.id = r.waits_for) end)))
                      from run r
                     where r.state = 'queued' and r.not_before <= now() and (r.waits_for is null
                           or exists (select 1 from run w where w.id = r.waits_for and w.state = 'succeeded'))
                     group by 1
                    """, "pool");
            show(
                    runners,
                    "select pool, '', count(*) from runner where last_seen > now() - interval '60 s' group by 1",
                    "pool");
        } catch (DataAccessException | TransactionException e) {
            log.debug("no gauges while the database does not answer", e);
            List.of(runs, age, runners).forEach(gauge -> gauge.register(List.of(), true));
        }
    }

    /** @param tags names of the first columns, of which there are two; the third is the value */
    private void show(MultiGauge gauge, String sql, String... tags) {
        gauge.register(
                jdbc
                        .sql(sql)
                        .query((rs, i) -> {
                            Tags labels = Tags.empty();
                            for (int tag = 0; tag < tags.length; tag++) {
                                labels = labels.and(tags[tag], rs.getString(tag + 1));
                            }
                            return MultiGauge.Row.of(labels, rs.getDouble(3));
                        })
                        .list()
                        .stream()
                        .<MultiGauge.Row<?>>map(row -> row)
                        .toList(),
                true);
    }
}
