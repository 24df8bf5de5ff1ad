package dev.isoflop.platform.providers;

import dev.isoflop.db.runner.LaunchStore.Launch;
import dev.isoflop.db.runner.LaunchStore.Live;
import dev.isoflop.db.runner.LaunchStore.Queue;
import dev.isoflop.db.runner.LaunchStore.State;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What is to be done about a pool.
 *
 * <p>A run that has been in the queue for a moment only is left to the runners' free slots. One that has stayed there
 * although they have free slots is one they do not take (their memory is full), so only slots that have just become free
 * count for it, and those of runners that are on their way.
 *
 * @param start runners to ask for
 * @param stop launches to stop, with the reason
 * @param note for the user: what is done, or why nothing is
 */
record Decision(int start, Map<Launch, String> stop, String note) {

    /** A runner that has just registered has not asked for work yet. */
    private static final int LEAST_IDLE_SECONDS = 5;

    /** A runner that has started and not registered by then never will. */
    private static final Duration REGISTRATION = Duration.ofMinutes(10);

    /**
     * @param open launches that have not ended
     * @param live runners of the pool that are being heard from, started by the platform or not
     */
    static Decision of(PoolSettings pool, Duration patience, Queue queue, List<Launch> open, List<Live> live) {
        Map<String, Launch> launches = new HashMap<>();
        open.forEach(launch -> launches.put(launch.key(), launch));
        Map<Launch, String> stop = new HashMap<>();
        Set<String> present = new HashSet<>();
        int freeNow = 0; // slots that have just become free
        int freeLong = 0;
        boolean idleBeside = false;
        for (Live runner : live) {
            present.add(runner.name());
            Launch launch = launches.get(runner.name());
            if (launch != null && launch.state() == State.STOPPING) {
                continue;
            }
            int slots = launch == null ? runner.slots() : Math.min(launch.slots(), runner.slots());
            int free = Math.max(0, slots - runner.heldSlots());
            boolean lately = runner.idleSeconds() < patience.toMillis() / 1e3;
            if (lately) {
                freeNow += free;
            } else {
                freeLong += free;
            }
            if (launch == null || runner.held() > 0) {
                continue;
            }
            idleBeside |= !lately;
            if (runner.idleSeconds() >= Math.max(LEAST_IDLE_SECONDS, pool.idleSeconds())) {
                stop.put(launch, "It held no run for " + pool.idleSeconds() + " s.");
            }
        }
        int coming = 0;
        for (Launch launch : open) {
            if (present.contains(launch.key()) || launch.state() == State.STOPPING) {
                continue;
            }
            if (queue.settled() + queue.fresh() == 0
                    && launch.state() == State.WAITING
                    && launch.askedSeconds() >= pool.idleSeconds()) {
                stop.put(launch, "It had not started when the queue was empty.");
            } else if (launch.state() == State.RUNNING
                    && launch.instance() == null
                    && launch.startedSeconds() > REGISTRATION.toSeconds()) {
                stop.put(launch, "It has not registered within " + REGISTRATION.toMinutes() + " minutes; see its log.");
            } else if (launch.instance() == null || launch.state() == State.WAITING) {
                coming += launch.slots();
            }
        }
        int queued = queue.settled() + queue.fresh();
        int uncovered = Math.max(0, queue.settledSlots() + queue.freshSlots() - freeNow - coming);
        uncovered -= Math.min(freeLong, Math.min(uncovered, queue.freshSlots()));
        int wanted = Math.ceilDiv(uncovered, pool.expectedSlots());
        if (wanted > 0 && idleBeside && queue.freshSlots() < uncovered) {
            // an idle runner of this very kind has not taken them: another would not either
            return new Decision(
                    0, stop, waiting(queued) + " although a runner of this pool is idle: they need what it has not.");
        }
        int start = Math.min(wanted, Math.max(0, pool.maxRunners() - open.size()));
        if (queued == 0 && queue.tooLarge() > 0) {
            return new Decision(
                    0, stop, waiting(queue.tooLarge()) + " for more memory or GPUs than a runner of this pool has.");
        }
        return new Decision(start, stop, note(pool, queued, wanted, start, open.size(), coming));
    }

    private static String note(PoolSettings pool, int queued, int wanted, int start, int open, int coming) {
        if (queued == 0) {
            return "No run waits for a runner.";
        }
        if (wanted == 0) {
            return coming > 0
                    ? waiting(queued) + " for runners that are starting."
                    : waiting(queued) + " for slots that are free.";
        }
        return start == 0
                ? waiting(queued) + "; of the pool's " + pool.maxRunners() + " runners (max-runners) " + open
                        + " are there or asked for."
                : waiting(queued) + "; " + start + (start == 1 ? " runner is" : " runners are") + " asked for.";
    }

    private static String waiting(int n) {
        return n == 1 ? "1 run waits" : n + " runs wait";
    }
}
