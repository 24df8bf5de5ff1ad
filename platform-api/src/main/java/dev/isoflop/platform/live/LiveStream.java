package dev.isoflop.platform.live;

import dev.isoflop.db.run.RunTransitioned;
import dev.isoflop.platform.access.Watcher;
import dev.isoflop.platform.fits.FitMade;
import dev.isoflop.platform.metrics.RunProgressed;
import dev.isoflop.platform.runs.RunEvents;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.platform.tokens.Limits;
import dev.isoflop.protocol.api.Views;
import dev.isoflop.protocol.error.ErrorCode;
import java.io.IOException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.stereotype.Component;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

/**
 * What happens, as it happens. Transitions are replayed from their table after a break; progress is not, because the
 * next report supersedes it.
 *
 * <p>Ids are given out before the commit, so the last id a client has seen does not say what it has not: a transaction that
 * was still open when that event was written may have committed a smaller id since. A replay therefore starts with the
 * events of all such transactions. Some of them the client may have; it knows them by their ids.
 *
 * <p>Concurrency: events come in on many threads and are handed to each subscriber's queue; progress is gathered and
 * sent at most four times a second.
 */
@Component
class LiveStream {

    private static final Logger log = LoggerFactory.getLogger(LiveStream.class);
    private static final int REPLAY_PAGE = 1_000;

    private static final Duration RETRY_AFTER = Duration.ofSeconds(10);

    private final JdbcClient jdbc;
    private final Limits limits;
    private final List<Subscriber> subscribers = new CopyOnWriteArrayList<>();
    private final Set<Long> progressed = ConcurrentHashMap.newKeySet();

    LiveStream(JdbcClient jdbc, Limits limits) {
        this.jdbc = jdbc;
        this.limits = limits;
    }

    /** One run's place, as the dashboard shows it. */
    record Progress(
            long runId,
            @Nullable Long sweepId,
            long step,
            long doneTokens,
            @Nullable Double trainLoss,
            @Nullable Double tokensPerSecond) {}

    /**
     * @param after id of the last transition the client has seen, absent for a fresh stream
     * @param watcher what whoever reads may see
     * @throws ProblemException too-many-requests, if they have too many open
     */
    SseEmitter open(Set<String> topics, @Nullable Long after, Watcher watcher) {
        if (!limits.open(watcher.principal())) {
            throw new ProblemException(
                    ErrorCode.TOO_MANY_REQUESTS,
                    "Too many live streams are open already; close one (isoflop.limits.streams).",
                    RETRY_AFTER);
        }
        SseEmitter emitter = new SseEmitter(0L);
        Subscriber subscriber = new Subscriber(emitter, topics, watcher);
        emitter.onCompletion(subscriber::close);
        emitter.onError(e -> subscriber.close());
        subscribers.add(subscriber);
        Thread.ofVirtual().name("live-stream").start(() -> {
            try {
                subscriber.write(after == null ? Set.of() : replay(subscriber, after));
            } catch (IOException | RuntimeException e) {
                log.debug("a live stream ended", e);
            } finally {
                limits.closed(watcher.principal());
                subscribers.remove(subscriber);
                subscriber.close();
            }
        });
        return emitter;
    }

    private record Row(Views.RunEvent event, long sweepId) {}

    /**
     * Nothing falls between the replay and the live events: the subscriber gathered those before the first row was read.
     *
     * @return ids of what was replayed
     */
    private Set<Long> replay(Subscriber subscriber, long after) throws IOException {
        Set<Long> replayed = new HashSet<>();
        send(subscriber, replayed, rows(jdbc.sql("""
                        select * from run_event
                         where id < :after and xid >= (select seen_from from run_event where id = :after) order by id
                        """).param("after", after)));
        long last = after;
        List<Row> page;
        do {
            page = rows(jdbc.sql("select * from run_event where id > ? order by id limit " + REPLAY_PAGE)
                    .param(last));
            send(subscriber, replayed, page);
            last = page.isEmpty() ? last : page.getLast().event().id();
        } while (page.size() == REPLAY_PAGE && subscriber.isOpen());
        return replayed;
    }

    private static List<Row> rows(JdbcClient.StatementSpec select) {
        return select.query((rs, i) -> new Row(RunEvents.view(rs, i), rs.getLong("sweep_id")))
                .list();
    }

    private static void send(Subscriber subscriber, Set<Long> replayed, List<Row> rows) throws IOException {
        for (Row row : rows) {
            Subscriber.Message message = new Subscriber.Message(
                    row.event().id(), "transition", row.event().runId(), row.sweepId(), row.event());
            if (subscriber.wants(message)) {
                subscriber.sendIfSeen(message);
            }
            replayed.add(row.event().id());
        }
    }

    @EventListener
    void transitioned(RunTransitioned event) {
        long sweepId = event.sweepId() == null ? 0 : event.sweepId();
        publish(new Subscriber.Message(
                event.eventId(),
                "transition",
                event.runId(),
                sweepId,
                new Views.RunEvent(
                        event.eventId(),
                        event.runId(),
                        event.at(),
                        event.from(),
                        event.to(),
                        event.attempt(),
                        event.cause())));
    }

    @EventListener
    void progressed(RunProgressed event) {
        if (!subscribers.isEmpty()) {
            progressed.add(event.runId());
        }
    }

    @EventListener
    void fitted(FitMade event) {
        publish(new Subscriber.Message(null, "fit", 0, event.sweepId(), event));
    }

    @Scheduled(fixedDelay = 250)
    void sendProgress() {
        if (subscribers.isEmpty() || progressed.isEmpty()) {
            return;
        }
        List<Long> ids = List.copyOf(progressed);
        ids.forEach(progressed::remove);
        List<Progress> now = jdbc.sql("""
                        select id, sweep_id, step, step * tokens_per_step, train_loss, tokens_per_second
                          from run where id in (:ids)
                        """)
                .param("ids", ids)
                .query((rs, i) -> new Progress(
                        rs.getLong(1),
                        rs.getObject(2, Long.class),
                        rs.getLong(3),
                        rs.getLong(4),
                        rs.getObject(5, Double.class),
                        rs.getObject(6, Double.class)))
                .list();
        for (Subscriber subscriber : subscribers) {
            List<Progress> wanted =
                    now.stream().filter(p -> subscriber.wants(message(p))).toList();
            if (!wanted.isEmpty()) {
                subscriber.offer(new Subscriber.Message(null, "progress", 0, 0, wanted));
            }
        }
    }

    private static Subscriber.Message message(Progress p) {
        return new Subscriber.Message(null, "progress", p.runId(), p.sweepId() == null ? 0 : p.sweepId(), p);
    }

    private void publish(Subscriber.Message message) {
        for (Subscriber subscriber : subscribers) {
            if (subscriber.wants(message)) {
                subscriber.offer(message);
            }
        }
    }

    /** Open streams would hold up a graceful shutdown. */
    @EventListener
    void closing(ContextClosedEvent event) {
        subscribers.forEach(Subscriber::end);
    }
}
