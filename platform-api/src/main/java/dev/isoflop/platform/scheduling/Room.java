package dev.isoflop.platform.scheduling;

import dev.isoflop.db.scheduling.ReservationStore.Held;
import dev.isoflop.db.scheduling.ReservationStore.Host;
import dev.isoflop.db.scheduling.ReservationStore.Waiting;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Where to make room for a run that fits nowhere beside what runs now. A pure function of what is there.
 *
 * <p>Work of a lower priority is asked to stop: on the runner where that is the least important, then the least work, then the
 * least far. Where there is none, a runner that is large enough is emptied by giving it nothing new below the run's own
 * priority; otherwise a run that wants several GPUs at once could wait for ever while small runs take each GPU as it becomes
 * free.
 */
record Room(long runner, List<Held> victims) {

    private record Free(int slots, long memory, int gpus) {

        boolean fits(Waiting run) {
            return slots >= 1 && memory >= run.memoryBytes() && gpus >= run.gpus();
        }

        Free with(Held freed) {
            return new Free(slots + 1, memory + freed.memoryBytes(), gpus + freed.gpus());
        }
    }

    /** Whether a runner can take it as it is: its next claim will. */
    static boolean fitsNow(Waiting run, List<Host> hosts) {
        return hosts.stream()
                .anyMatch(host -> takes(host, run)
                        && (host.reservedFor() == null || host.reservedFor() == run.run())
                        && free(host, false).fits(run));
    }

    /**
     * @param preemption whether work may be asked to stop
     * @return empty when nothing would help, or what would is under way
     */
    static Optional<Room> of(Waiting run, List<Host> hosts, boolean preemption) {
        List<Host> able = hosts.stream()
                .filter(host -> takes(host, run)
                        && host.slots() >= 1
                        && host.memoryBytes() >= run.memoryBytes()
                        && host.gpus() >= run.gpus())
                .toList();
        Optional<Host> mine = able.stream()
                .filter(host -> host.reservedFor() != null && host.reservedFor() == run.run())
                .findFirst();
        if (mine.isPresent()) {
            // Under way. What has begun there since, it may still have to stop.
            Host host = mine.get();
            return Optional.of(new Room(
                    host.runner(),
                    preemption && !free(host, true).fits(run)
                            ? victims(run, host).orElse(List.of())
                            : List.of()));
        }
        List<Host> unreserved =
                able.stream().filter(host -> host.reservedFor() == null).toList();
        if (unreserved.stream()
                .anyMatch(
                        host -> free(host, true).fits(run) && !free(host, false).fits(run))) {
            return Optional.empty(); // what is stopping already will do
        }
        Optional<Room> stopped = !preemption
                ? Optional.empty()
                : unreserved.stream()
                        .flatMap(host -> victims(run, host).map(v -> new Room(host.runner(), v)).stream())
                        .min(Comparator.comparingInt(Room::highestPriority)
                                .thenComparingInt(room -> room.victims().size())
                                .thenComparingDouble(Room::secondsOfWork)
                                .thenComparingLong(Room::runner));
        if (stopped.isPresent()) {
            return stopped;
        }
        // With one device less than it wants, waiting for the slot is enough: the queue's order serves it next.
        if (run.gpus() < 2 && unreserved.stream().noneMatch(host -> isCrowdedOut(run, host))) {
            return Optional.empty();
        }
        return unreserved.stream()
                .min(Comparator.<Host>comparingInt(
                                host -> run.gpus() - free(host, true).gpus())
                        .thenComparing(host -> free(host, true).memory(), Comparator.reverseOrder())
                        .thenComparingLong(Host::runner))
                .map(host -> new Room(host.runner(), List.of()));
    }

    /** It has a slot to spare and still too little memory or too few GPUs: smaller runs would fill that slot again and again. */
    private static boolean isCrowdedOut(Waiting run, Host host) {
        Free free = free(host, true);
        return free.slots() >= 1 && !free.fits(run);
    }

    private static boolean takes(Host host, Waiting run) {
        return host.kinds().contains("\"" + run.kind() + "\"");
    }

    /** @param stopped whether what has been asked to stop counts as gone */
    private static Free free(Host host, boolean stopped) {
        Free free = new Free(host.slots(), host.memoryBytes(), host.gpus());
        for (Held held : host.held()) {
            if (!(stopped && held.stopping())) {
                free = new Free(free.slots - 1, free.memory - held.memoryBytes(), free.gpus - held.gpus());
            }
        }
        return free;
    }

    private static Optional<List<Held>> victims(Waiting run, Host host) {
        List<Held> lower = host.held().stream()
                .filter(held -> held.canCheckpoint() && held.priority() < run.priority())
                .sorted(Comparator.comparingInt(Held::priority)
                        .thenComparingDouble(Held::startedSeconds)
                        .thenComparingLong(Held::run))
                .toList();
        Free free = free(host, true);
        List<Held> victims = new ArrayList<>();
        for (Held held : lower) {
            if (free.fits(run)) {
                break;
            }
            victims.add(held);
            free = free.with(held);
        }
        if (!free.fits(run)) {
            return Optional.empty();
        }
        // The last ones may have made an earlier one unnecessary.
        for (Held held : List.copyOf(victims)) {
            Free without = free(host, true);
            for (Held other : victims) {
                without = other == held ? without : without.with(other);
            }
            if (victims.size() > 1 && without.fits(run)) {
                victims.remove(held);
            }
        }
        return Optional.of(List.copyOf(victims));
    }

    private int highestPriority() {
        return victims.stream().mapToInt(Held::priority).max().orElse(Integer.MIN_VALUE);
    }

    private double secondsOfWork() {
        return victims.stream().mapToDouble(Held::startedSeconds).sum();
    }
}
