package dev.isoflop.cli.chaos;

import dev.isoflop.cli.chaos.Disturbance.DatabaseEnd;
import dev.isoflop.cli.chaos.Disturbance.LineFault;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;

/**
 * What is done when: a function of the seed, the time and the number of runners, and of nothing that happens meanwhile. Kinds are dealt
 * from a shuffled deck, so that a minute has most of them and two have all. How processes, network and scheduler interleave under
 * it is not the seed's.
 */
final class Script {

    /** @param atMillis after the beginning */
    record Entry(long atMillis, Disturbance what) {}

    private static final int FIRST_CENTRAL_MILLIS = 4_000;

    private final Random random;
    private final int runners;

    private Script(long seed, int runners) {
        this.random = new Random(seed);
        this.runners = runners;
    }

    /** In order of time. */
    static List<Entry> of(long seed, long millis, int runners) {
        Script script = new Script(seed, runners);
        List<Entry> entries = new ArrayList<>();
        script.deal(entries, script.outer(), 500, millis, 700, 2_300);
        script.deal(entries, script.central(), FIRST_CENTRAL_MILLIS, millis, 8_000, 16_000);
        entries.sort((a, b) -> Long.compare(a.atMillis, b.atMillis));
        return entries;
    }

    private void deal(
            List<Entry> to, List<Supplier<Disturbance>> deck, long from, long until, int gapLeast, int gapMost) {
        int next = deck.size();
        for (long at = from; at < until; at += between(gapLeast, gapMost)) {
            if (next == deck.size()) {
                Collections.shuffle(deck, random);
                next = 0;
            }
            to.add(new Entry(at, deck.get(next++).get()));
        }
    }

    private List<Supplier<Disturbance>> outer() {
        List<Supplier<Disturbance>> deck = new ArrayList<>();
        for (int twice = 0; twice < 2; twice++) {
            deck.add(() -> new Disturbance.KillRunner(runner(), between(0, 2_500)));
            deck.add(() -> new Disturbance.FreezeRunner(runner(), between(300, 9_000)));
        }
        deck.add(() -> new Disturbance.StopRunner(runner(), between(0, 2_000)));
        for (LineFault fault : LineFault.values()) {
            deck.add(() -> new Disturbance.Line(runner(), fault, between(1_000, 9_000)));
        }
        deck.add(() -> new Disturbance.FillRunnerDisk(runner(), between(1_500, 5_000)));
        deck.add(() -> new Disturbance.JumpClock(runner(), between(10_000, 3 * 86_400_000)));
        deck.add(() -> new Disturbance.JumpClock(runner(), -between(10_000, 3 * 86_400_000)));
        return deck;
    }

    private List<Supplier<Disturbance>> central() {
        List<Supplier<Disturbance>> deck = new ArrayList<>();
        deck.add(() -> new Disturbance.KillPlatform(between(0, 3_000)));
        deck.add(() -> new Disturbance.RestartPlatform(between(0, 3_000)));
        for (DatabaseEnd how : DatabaseEnd.values()) {
            deck.add(() -> new Disturbance.EndDatabase(how));
        }
        deck.add(() -> new Disturbance.FillPlatformDisk(between(1_500, 5_000)));
        return deck;
    }

    private int runner() {
        return random.nextInt(runners);
    }

    private int between(int least, int most) {
        return random.nextInt(least, most + 1);
    }
}
