package dev.isoflop.platform.orchestration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.isoflop.protocol.error.ErrorCode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.transaction.CannotCreateTransactionException;

/** A question is the number of the runner that asks it. */
@Timeout(20)
class GroupCommitTests {

    private final Queue<List<Long>> groups = new ConcurrentLinkedQueue<>();
    private final CountDownLatch begun = new CountDownLatch(1);
    private final CountDownLatch goOn = new CountDownLatch(1);

    private static Map<Long, String> named(List<Long> runners) {
        return runners.stream().distinct().collect(Collectors.toMap(r -> r, r -> "answer to " + r));
    }

    /** The first question, of runner 0, is held until all the others have come. */
    private GroupCommit<Long, String> held(int most, Function<List<Long>, Map<Long, String>> work) {
        return new GroupCommit<>("test", 1, most, q -> q, group -> {
            groups.add(group);
            if (group.equals(List.of(0L))) {
                begun.countDown();
                try {
                    goOn.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }
            return work.apply(group);
        });
    }

    private List<CompletableFuture<String>> ask(GroupCommit<Long, String> commit, long... runners)
            throws InterruptedException {
        List<CompletableFuture<String>> answers = new ArrayList<>();
        answers.add(CompletableFuture.supplyAsync(() -> commit.answer(0L), Thread::startVirtualThread));
        begun.await();
        for (long runner : runners) {
            var thread = new CompletableFuture<Thread>();
            answers.add(CompletableFuture.supplyAsync(
                    () -> {
                        thread.complete(Thread.currentThread());
                        return commit.answer(runner);
                    },
                    Thread::startVirtualThread));
            // it waits for its answer: the questions come in this order
            await().until(() -> thread.join().getState() == Thread.State.WAITING);
        }
        goOn.countDown();
        return answers;
    }

    @Test
    void whatComesWhileAnotherIsAnsweredIsAnsweredTogether() throws Exception {
        var answers = ask(held(64, GroupCommitTests::named), 1, 2, 3);
        assertThat(answers)
                .extracting(CompletableFuture::join)
                .containsExactly("answer to 0", "answer to 1", "answer to 2", "answer to 3");
        assertThat(groups).containsExactly(List.of(0L), List.of(1L, 2L, 3L));
    }

    @Test
    void aGroupHasABoundAndARunnerOnce() throws Exception {
        var answers = ask(held(2, GroupCommitTests::named), 1, 1, 2, 3);
        answers.forEach(CompletableFuture::join);
        assertThat(groups).containsExactly(List.of(0L), List.of(1L, 2L), List.of(3L, 1L));
    }

    @Test
    void aQuestionThatFailsFailsAlone() throws Exception {
        var answers = ask(
                held(64, group -> {
                    if (group.contains(2L)) {
                        throw new IllegalStateException("no answer to 2");
                    }
                    return named(group);
                }),
                1,
                2,
                3);
        assertThat(answers.get(1).join()).isEqualTo("answer to 1");
        assertThatThrownBy(answers.get(2)::join).hasRootCauseMessage("no answer to 2");
        assertThat(answers.get(3).join()).isEqualTo("answer to 3");
    }

    @Test
    void withoutADatabaseNobodyIsKeptWaitingForEachOther() throws Exception {
        var answers = ask(
                held(64, group -> {
                    if (group.contains(0L)) {
                        return named(group);
                    }
                    throw new CannotCreateTransactionException("no database");
                }),
                LongStream.rangeClosed(1, 5).toArray());
        for (var answer : answers.subList(1, 6)) {
            assertThatThrownBy(answer::join).hasRootCauseMessage("no database");
        }
        assertThat(groups).as("asked once for all").hasSize(2);
    }

    @Test
    void aDatabaseThatGoesAwayWhileTheyAreAnsweredOneByOneIsNotAskedForTheRest() throws Exception {
        var answers = ask(
                held(64, group -> {
                    if (group.size() > 1) {
                        throw new IllegalStateException("cut");
                    }
                    if (group.contains(0L) || group.contains(1L)) {
                        return named(group);
                    }
                    throw new CannotCreateTransactionException("no database");
                }),
                1,
                2,
                3,
                4);
        assertThat(answers.get(1).join()).isEqualTo("answer to 1");
        for (var answer : answers.subList(2, 5)) {
            assertThatThrownBy(answer::join).hasRootCauseMessage("no database");
        }
        assertThat(groups).containsExactly(List.of(0L), List.of(1L, 2L, 3L, 4L), List.of(1L), List.of(2L));
    }

    @Test
    void aRunnerThatIsNotKnownIsToldSo() {
        GroupCommit<Long, String> commit = new GroupCommit<>("test", 1, 2, q -> q, group -> Map.of());
        FenceTests.assertCode(ErrorCode.NOT_FOUND, () -> commit.answer(7L));
    }
}
