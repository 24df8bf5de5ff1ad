package dev.isoflop.platform.orchestration;

import dev.isoflop.protocol.runner.Directives;
import dev.isoflop.protocol.runner.Heartbeat;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import org.springframework.stereotype.Component;

/**
 * Answers heartbeats, those that come while others are being answered together in one transaction. None waits for company: the first
 * goes at once, and what has come meanwhile goes next, so that a commit serves the more runners the more there are.
 *
 * <p>Concurrency: a heartbeat that finds a place free has a thread started that answers all that waits, in batches, and ends when nothing
 * does. A runner is in a batch once. Should a batch fail, its heartbeats are answered one by one, so that none
 * suffers for another's.
 */
@Component
class Heartbeats {

    private static final int PLACES = 2;
    private static final int MOST = 64;

    private final Runners runners;
    private final Queue<Waiting> waiting = new ConcurrentLinkedQueue<>();
    private final Semaphore places = new Semaphore(PLACES);

    Heartbeats(Runners runners) {
        this.runners = runners;
    }

    private record Waiting(Runners.Beat beat, CompletableFuture<Directives> answer) {}

    /** @throws dev.isoflop.platform.shared.problem.ProblemException not-found, if there is no such runner */
    Directives answer(long runnerId, Heartbeat heartbeat) {
        Waiting own = new Waiting(new Runners.Beat(runnerId, heartbeat), new CompletableFuture<>());
        waiting.add(own);
        if (places.tryAcquire()) {
            Thread.ofVirtual().name("heartbeats").start(this::work);
        }
        try {
            return own.answer.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw e;
        }
    }

    private void work() {
        do {
            try {
                for (List<Waiting> batch = next(); !batch.isEmpty(); batch = next()) {
                    answer(batch);
                }
            } finally {
                places.release();
            }
            // Looked at again after leaving: what came in between found no place free and is nobody's yet.
        } while (!waiting.isEmpty() && places.tryAcquire());
    }

    private List<Waiting> next() {
        List<Waiting> batch = new ArrayList<>();
        List<Waiting> later = new ArrayList<>();
        Set<Long> seen = new HashSet<>();
        for (Waiting one = waiting.poll(); one != null; one = waiting.poll()) {
            (seen.add(one.beat.runnerId()) ? batch : later).add(one);
            if (batch.size() == MOST) {
                break;
            }
        }
        waiting.addAll(later);
        return batch;
    }

    private void answer(List<Waiting> batch) {
        Map<Long, Directives> answers;
        try {
            answers = runners.heartbeats(batch.stream().map(Waiting::beat).toList());
        } catch (RuntimeException e) {
            if (batch.size() > 1) {
                batch.forEach(one -> answer(List.of(one)));
            } else {
                batch.getFirst().answer.completeExceptionally(e);
            }
            return;
        } catch (Error e) {
            batch.forEach(one -> one.answer.completeExceptionally(e));
            throw e;
        }
        for (Waiting one : batch) {
            Directives answer = answers.get(one.beat.runnerId());
            if (answer == null) {
                one.answer.completeExceptionally(Runners.unknown(one.beat.runnerId()));
            } else {
                one.answer.complete(answer);
            }
        }
    }
}
