package dev.isoflop.platform.orchestration;

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
import java.util.function.Function;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import org.springframework.transaction.TransactionException;

/**
 * Answers what runners ask, those who ask while others are being answered together in one transaction. None waits for company: the first
 * goes at once, and what has come meanwhile goes next, so that a commit serves the more runners the more there are.
 *
 * <p>Concurrency: a question that finds a place free has a thread started that answers all that waits, in groups, and ends when nothing
 * does. A runner is in a group once. Should a group fail, its questions are answered one by one, so that none suffers for
 * another's, unless it was the database that was away.
 *
 * @param <Q> question of one runner
 * @param <A> answer to it
 */
final class GroupCommit<Q, A> {

    private final String name;
    private final int most;
    private final ToLongFunction<Q> runner;
    private final Function<List<Q>, Map<Long, A>> work;
    private final Queue<Waiting<Q, A>> waiting = new ConcurrentLinkedQueue<>();
    private final Semaphore places;

    /**
     * @param name of its threads
     * @param places groups that are answered at a time
     * @param most questions in a group
     * @param runner that asks
     * @param work answers the questions of different runners in one transaction, by runner; one that is not known has no answer
     */
    GroupCommit(String name, int places, int most, ToLongFunction<Q> runner, Function<List<Q>, Map<Long, A>> work) {
        this.name = name;
        this.most = most;
        this.runner = runner;
        this.work = work;
        this.places = new Semaphore(places);
    }

    private record Waiting<Q, A>(Q question, CompletableFuture<A> answer) {}

    /** @throws dev.isoflop.platform.shared.problem.ProblemException not-found, if there is no such runner */
    A answer(Q question) {
        Waiting<Q, A> own = new Waiting<>(question, new CompletableFuture<>());
        waiting.add(own);
        if (places.tryAcquire()) {
            Thread.ofVirtual().name(name).start(this::serve);
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

    private void serve() {
        do {
            try {
                for (List<Waiting<Q, A>> group = next(); !group.isEmpty(); group = next()) {
                    answer(group);
                }
            } finally {
                places.release();
            }
            // Looked at again after leaving: what came in between found no place free and is nobody's yet.
        } while (!waiting.isEmpty() && places.tryAcquire());
    }

    private List<Waiting<Q, A>> next() {
        List<Waiting<Q, A>> group = new ArrayList<>();
        List<Waiting<Q, A>> later = new ArrayList<>();
        Set<Long> seen = new HashSet<>();
        for (Waiting<Q, A> one = waiting.poll(); one != null; one = waiting.poll()) {
            (seen.add(runner.applyAsLong(one.question)) ? group : later).add(one);
            if (group.size() == most) {
                break;
            }
        }
        waiting.addAll(later);
        return group;
    }

    private void answer(List<Waiting<Q, A>> group) {
        RuntimeException failure = attempt(group);
        if (failure == null) {
            return;
        }
        if (group.size() == 1 || isOutage(failure)) {
            fail(group, failure);
            return;
        }
        for (int i = 0; i < group.size(); i++) {
            RuntimeException own = attempt(group.subList(i, i + 1));
            if (own != null && isOutage(own)) {
                fail(group.subList(i, group.size()), own);
                return;
            }
            if (own != null) {
                fail(group.subList(i, i + 1), own);
            }
        }
    }

    /** No transaction could be begun or ended: that is nobody's fault, and each alone would wait for it as long as all together have. */
    private static boolean isOutage(RuntimeException failure) {
        return failure instanceof TransactionException;
    }

    private static <Q, A> void fail(List<Waiting<Q, A>> group, Throwable failure) {
        group.forEach(one -> one.answer.completeExceptionally(failure));
    }

    /** Answers all of a group, or says why none was. */
    private @Nullable RuntimeException attempt(List<Waiting<Q, A>> group) {
        Map<Long, A> answers;
        try {
            answers = work.apply(group.stream().map(Waiting::question).toList());
        } catch (RuntimeException e) {
            return e;
        } catch (Error e) {
            fail(group, e);
            throw e;
        }
        for (Waiting<Q, A> one : group) {
            long id = runner.applyAsLong(one.question);
            A answer = answers.get(id);
            if (answer == null) {
                one.answer.completeExceptionally(Runners.unknown(id));
            } else {
                one.answer.complete(answer);
            }
        }
        return null;
    }
}
