package dev.isoflop.db.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.protocol.api.RunState;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/** The order of publication, with the phases of two transactions interleaved by hand. */
class TransitionPublisherTests {

    private final BlockingQueue<Long> published = new LinkedBlockingQueue<>();
    private final TransitionPublisher publisher =
            new TransitionPublisher(event -> published.add(((RunTransitioned) event).eventId()));

    @AfterEach
    void stop() throws InterruptedException {
        publisher.destroy();
    }

    /** A transaction that has written these events and not begun to commit. */
    private List<TransactionSynchronization> transaction(long... eventIds) {
        TransactionSynchronizationManager.initSynchronization();
        try {
            for (long id : eventIds) {
                publisher.publishAfterCommit(List.of(
                        new RunTransitioned(id, 1, null, "pretrain", null, RunState.QUEUED, 0, null, Instant.EPOCH)));
            }
            return new ArrayList<>(TransactionSynchronizationManager.getSynchronizations());
        } finally {
            TransactionSynchronizationManager.clearSynchronization();
        }
    }

    private static void beforeCommit(List<TransactionSynchronization> transaction) {
        transaction.forEach(s -> s.beforeCommit(false));
    }

    private static void ended(List<TransactionSynchronization> transaction, int status) {
        if (status == TransactionSynchronization.STATUS_COMMITTED) {
            transaction.forEach(TransactionSynchronization::afterCommit);
        }
        transaction.forEach(s -> s.afterCompletion(status));
    }

    private List<Long> next(int count) throws InterruptedException {
        List<Long> ids = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Long id = published.poll(5, TimeUnit.SECONDS);
            assertThat(id).as("event %d of %d", i + 1, count).isNotNull();
            ids.add(id);
        }
        return ids;
    }

    @Test
    void aTransactionThatIsSlowToSayThatItCommittedKeepsItsPlace() throws Exception {
        List<TransactionSynchronization> first = transaction(1, 2);
        List<TransactionSynchronization> second = transaction(3);
        beforeCommit(first);
        beforeCommit(second);
        ended(second, TransactionSynchronization.STATUS_COMMITTED);
        assertThat(published.poll(100, TimeUnit.MILLISECONDS)).isNull();
        ended(first, TransactionSynchronization.STATUS_COMMITTED);
        assertThat(next(3)).containsExactly(1L, 2L, 3L);
    }

    @Test
    void aTransactionThatHasNotBegunToCommitKeepsNobodyWaiting() throws Exception {
        List<TransactionSynchronization> open = transaction(1);
        List<TransactionSynchronization> other = transaction(2);
        beforeCommit(other);
        ended(other, TransactionSynchronization.STATUS_COMMITTED);
        assertThat(next(1)).containsExactly(2L);
        beforeCommit(open);
        ended(open, TransactionSynchronization.STATUS_COMMITTED);
        assertThat(next(1)).containsExactly(1L);
    }

    @Test
    void aTransactionThatFailsToCommitGivesItsPlaceUp() throws Exception {
        List<TransactionSynchronization> failing = transaction(1);
        List<TransactionSynchronization> other = transaction(2);
        beforeCommit(failing);
        beforeCommit(other);
        ended(other, TransactionSynchronization.STATUS_COMMITTED);
        ended(failing, TransactionSynchronization.STATUS_ROLLED_BACK);
        assertThat(next(1)).containsExactly(2L);
        assertThat(published.poll(100, TimeUnit.MILLISECONDS)).isNull();
    }
}
