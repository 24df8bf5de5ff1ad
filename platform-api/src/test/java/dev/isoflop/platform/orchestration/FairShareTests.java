package dev.isoflop.platform.orchestration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.protocol.runner.ClaimGrant.Assignment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Whose run is next. */
class FairShareTests extends SchedulingScene {

    @Test
    void slotsAlternateBetweenExperimentsThatHaveHadTheSame() {
        long a = on.sweep();
        long b = on.sweep();
        pretrain(a, 0, 6);
        pretrain(b, 0, 6);
        assertThat(experiments(host(8, 0).claim(6))).isEqualTo(Map.of(experiment(a), 3L, experiment(b), 3L));
    }

    @Test
    void theOneThatHasHadLessDeviceTimeForItsWeightIsServedFirst() {
        long a = on.sweep();
        long b = on.sweep();
        pretrain(a, 0, 20);
        pretrain(b, 0, 20);
        Host host = host(16, 0);
        spend(host, a, 3600);
        assertThat(experiments(host.claim(5)))
                .as("an hour behind, at a minute a run")
                .isEqualTo(Map.of(experiment(b), 5L));
        on.jdbc
                .sql("update experiment set weight = 6 where id = ?")
                .param(experiment(a))
                .update();
        spend(host, b, 300);
        Map<Long, Long> granted = experiments(host.claim(8));
        // a run of a is taken to need an hour, one of b five minutes; a is to have six times the time of b
        double secondsOfA = 3600.0 * (1 + granted.getOrDefault(experiment(a), 0L));
        double secondsOfB = 300.0 * (1 + granted.getOrDefault(experiment(b), 0L));
        assertThat(secondsOfA / 6).as("%s", granted).isCloseTo(secondsOfB, within(600.0));
    }

    @Test
    void longRunsGetFewerSlotsUntilTheHoursAreEven() {
        long slow = on.sweep();
        long fast = on.sweep();
        pretrain(slow, 0, 40);
        pretrain(fast, 0, 40);
        Host host = host(64, 0);
        // each has ended one run, and from then on a run of slow is taken to need nine times the time
        spend(host, slow, 900);
        spend(host, fast, 100);
        Map<Long, Long> granted = experiments(host.claim(28));
        double slowHours = 900 * (1 + granted.getOrDefault(experiment(slow), 0L));
        double fastHours = 100 * (1 + granted.getOrDefault(experiment(fast), 0L));
        assertThat(Math.abs(slowHours - fastHours)).as("%s", granted).isLessThanOrEqualTo(900);
    }

    @Test
    void priorityGoesBeforeShareAndDataBeforeBoth() {
        long poor = on.sweep();
        long rich = on.sweep();
        Host host = host(8, 0);
        pretrain(rich, 1, 1);
        spend(host, rich, 7200);
        pretrain(poor, 0, 2);
        long data = on.run(pool);
        List<Assignment> granted = host.claim(4);
        assertThat(experiments(granted.subList(0, 1))).isEqualTo(Map.of(experiment(rich), 1L));
        assertThat(granted.get(1).runId()).isEqualTo(data);
        assertThat(experiments(granted.subList(2, 4))).isEqualTo(Map.of(experiment(poor), 2L));
    }

    @Test
    void whatIsQueuedBetweenTwoClaimsIsSeenByTheSecondAtOnce() {
        long low = on.sweep();
        long other = on.sweep();
        pretrain(low, 0, 60);
        pretrain(other, 0, 60);
        Host host = host(64, 0);
        for (int round = 0; round < 30; round++) {
            assertThat(host.claim(1)).hasSize(1);
            long urgent = queue(on.sweep(), "pretrain", 1 + round, 0, 0, 1e12, 100);
            assertThat(host.claim(1)).extracting(Assignment::runId).containsExactly(urgent);
        }
    }

    @Test
    void manyExperimentsWhoseRunsFitNobodyDoNotStarveTheOneWhoseRunsFit() {
        for (int i = 0; i < 12; i++) {
            queue(on.sweep(), "pretrain", 5, 900 * GIB, 0, 0, 0);
        }
        long fitting = queue(on.sweep(), "pretrain", 0, GIB, 0, 0, 0);
        assertThat(host(4, 0).claim(1)).extracting(Assignment::runId).containsExactly(fitting);
    }

    @Test
    void whatManyRunnersClaimAtOnceIsSharedAndNeverGrantedTwice() throws Exception {
        List<Long> sweeps = IntStream.range(0, 4).mapToObj(i -> on.sweep()).toList();
        sweeps.forEach(sweep -> pretrain(sweep, 0, 30));
        List<Assignment> granted = new ArrayList<>();
        try (var threads = Executors.newFixedThreadPool(8)) {
            List<Callable<List<Assignment>>> work = IntStream.range(0, 8)
                    .<Callable<List<Assignment>>>mapToObj(i -> () -> {
                        Host host = host(8, 0);
                        List<Assignment> mine = new ArrayList<>();
                        for (int n = 0; n < 5; n++) {
                            mine.addAll(host.claim(2));
                        }
                        return mine;
                    })
                    .toList();
            for (var done : threads.invokeAll(work)) {
                granted.addAll(done.get());
            }
        }
        assertThat(granted).hasSize(80).extracting(Assignment::runId).doesNotHaveDuplicates();
        assertThat(experiments(granted).values()).allSatisfy(n -> assertThat(n).isBetween(14L, 26L));
    }
}
