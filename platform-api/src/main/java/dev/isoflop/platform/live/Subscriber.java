package dev.isoflop.platform.live;

import dev.isoflop.platform.access.Watcher;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

/**
 * One open stream.
 *
 * <p>Concurrency: publishers only put into a bounded queue and never wait; a virtual thread of the stream's own writes.
 * A client too slow for the queue is cut off: it reconnects and catches up from the table. What the client may see is asked when it is
 * written, by that thread, since it may change while the stream is open.
 */
final class Subscriber {

    private static final int QUEUE = 4_096;
    private static final long KEEP_ALIVE_SECONDS = 15;

    /** How long a client waits before it comes back, if the line breaks without a word. */
    private static final long RETRY_MILLIS = 2_000;

    /** Last in the queue of a stream that the platform ends. */
    private static final Message END = new Message(null, "end", 0, 0, "");

    /**
     * @param id id of the event row, for transitions
     * @param name event name
     * @param runId run it is about, or 0
     * @param sweepId sweep it is about, or 0
     * @param data sent as JSON
     */
    record Message(@Nullable Long id, String name, long runId, long sweepId, Object data) {}

    private final SseEmitter emitter;
    private final Set<String> topics;
    private final Watcher watcher;
    private final BlockingQueue<Message> queue = new ArrayBlockingQueue<>(QUEUE);
    private volatile boolean open = true;

    Subscriber(SseEmitter emitter, Set<String> topics, Watcher watcher) {
        this.watcher = watcher;
        this.emitter = emitter;
        this.topics = topics;
    }

    boolean wants(Message message) {
        return topics.contains("runs")
                || topics.contains("run:" + message.runId())
                || topics.contains("sweep:" + message.sweepId());
    }

    boolean isOpen() {
        return open;
    }

    void offer(Message message) {
        if (open && !queue.offer(message)) {
            close();
        }
    }

    /** The stream ends after what is in its queue, with a word on when to come back. */
    void end() {
        if (!queue.offer(END)) {
            close();
        }
    }

    void close() {
        open = false;
        emitter.complete();
    }

    /**
     * Writes until the stream ends.
     *
     * @param replayed ids of the transitions that were replayed: queued ones among them are repeats
     */
    void write(Set<Long> replayed) {
        try {
            emitter.send(SseEmitter.event().reconnectTime(RETRY_MILLIS).comment("open"));
            while (open) {
                Message next = queue.poll(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS);
                if (!watcher.isGood()) {
                    open = false; // its token is no longer valid
                } else if (next == null) {
                    emitter.send(SseEmitter.event().comment("keep-alive"));
                } else if (next == END) {
                    // not all at once: many dashboards may be open
                    long wait = ThreadLocalRandom.current().nextLong(RETRY_MILLIS / 4, RETRY_MILLIS);
                    emitter.send(SseEmitter.event().reconnectTime(wait).comment("the platform is restarting"));
                    open = false;
                } else if (next.id() == null || !replayed.contains(next.id())) {
                    sendIfSeen(next);
                }
            }
        } catch (IOException | IllegalStateException e) {
            open = false; // the client has gone
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            open = false;
        }
    }

    /** Sends what of it the client may see. */
    void sendIfSeen(Message message) throws IOException {
        if (message.data() instanceof List<?> list) {
            List<?> seen = list.stream()
                    .filter(item -> !(item instanceof LiveStream.Progress p)
                            || watcher.maySee(p.sweepId() == null ? 0 : p.sweepId()))
                    .toList();
            if (!seen.isEmpty()) {
                send(new Message(message.id(), message.name(), message.runId(), message.sweepId(), seen));
            }
        } else if (watcher.maySee(message.sweepId())) {
            send(message);
        }
    }

    private void send(Message message) throws IOException {
        SseEmitter.SseEventBuilder event =
                SseEmitter.event().name(message.name()).data(message.data(), MediaType.APPLICATION_JSON);
        if (message.id() != null) {
            event.id(Long.toString(message.id()));
        }
        emitter.send(event);
    }
}
