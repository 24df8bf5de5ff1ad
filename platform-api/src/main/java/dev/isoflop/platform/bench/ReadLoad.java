package dev.isoflop.platform.bench;

import dev.isoflop.platform.shared.web.Cursor;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.LongFunction;

/** What the dashboard asks, by people who look at one thing after another. */
final class ReadLoad {

    /** People who look at once, and how long each looks, on average. */
    static final int PEOPLE = 4;

    static final double PAUSE_SECONDS = 0.05;

    private final LoadClient http;
    private final SeededData data;
    private final Phase.Meter meter;

    ReadLoad(LoadClient http, SeededData data, Phase.Meter meter) {
        this.meter = meter;
        this.http = http;
        this.data = data;
    }

    /** @param path of a random number, so that not always the same rows are asked for */
    private record Page(String name, LongFunction<String> path) {}

    private List<Page> pages() {
        String middle = Long.toString(data.firstRun() + data.runs() / 2);
        String middleSweep = Long.toString(data.firstSweep() + data.sweeps() / 2);
        String loss = "name=train/loss&maxPoints=1000";
        return List.of(
                new Page("overview", i -> "/overview"),
                new Page("experiments", i -> "/experiments?limit=50"),
                new Page("experiment", i -> "/experiments/" + experiment(i)),
                new Page("experiment: ledger", i -> "/experiments/" + experiment(i) + "/ledger"),
                new Page("sweeps", i -> "/sweeps?limit=50"),
                new Page("sweeps, deep page", i -> "/sweeps?limit=50&after=" + Cursor.encode(middleSweep)),
                new Page("sweep", i -> "/sweeps/" + sweep(i)),
                new Page("sweep: runs", i -> "/runs?limit=200&sweep=" + sweep(i)),
                new Page("runs", i -> "/runs?limit=100"),
                new Page("runs, deep page", i -> "/runs?limit=100&after=" + Cursor.encode("-id", middle, middle)),
                new Page("runs: failed", i -> "/runs?limit=100&state=failed"),
                new Page("runs: queued or running", i -> "/runs?limit=100&state=queued&state=running"),
                new Page("runs by loss", i -> "/runs?limit=100&sort=finalLoss"),
                new Page("runs by time of end", i -> "/runs?limit=100&sort=-finishedAt"),
                new Page("runs by name", i -> "/runs?limit=100&sort=name"),
                new Page("runs of a model", i -> "/runs?limit=100&model=d24"),
                new Page("runs by text", i -> "/runs?limit=100&q=d96-s" + i % 100),
                new Page("runs by text, none", i -> "/runs?limit=100&q=nothing-is-named-so"),
                new Page("run", i -> "/runs/" + run(i)),
                new Page("run that waits", i -> "/runs/" + waiting(i)),
                new Page("run: attempts", i -> "/runs/" + run(i) + "/attempts"),
                new Page("run: events", i -> "/runs/" + run(i) + "/events"),
                new Page("run: checkpoints", i -> "/runs/" + run(i) + "/checkpoints"),
                new Page("run: log", i -> "/runs/" + run(i) + "/logs"),
                new Page("run: metrics", i -> "/runs/" + run(i) + "/metrics"),
                new Page("chart", i -> "/runs/" + run(i) + "/metrics/series?" + loss),
                new Page("chart, long run", i -> "/runs/" + data.longRun((int) i) + "/metrics/series?" + loss),
                new Page(
                        "chart, long run, a tenth",
                        i -> "/runs/" + data.longRun((int) i) + "/metrics/series?" + loss + "&from="
                                + 3L * data.longPoints() + "&to=" + 4L * data.longPoints()),
                new Page("runners", i -> "/runners"),
                new Page("pools", i -> "/pools"));
    }

    private long experiment(long i) {
        return data.firstExperiment() + i % data.experiments();
    }

    private long sweep(long i) {
        return data.firstSweep() + i % data.sweeps();
    }

    private long run(long i) {
        return data.firstRun() + i % data.ended();
    }

    private long waiting(long i) {
        return data.firstRun() + data.ended() + i % (data.runs() - data.ended());
    }

    Phase run(double seconds) throws InterruptedException {
        List<Page> pages = pages();
        List<SplittableRandom> randoms = new ArrayList<>();
        int[] next = new int[PEOPLE];
        for (int p = 0; p < PEOPLE; p++) {
            randoms.add(new SplittableRandom(p));
            next[p] = p * pages.size() / PEOPLE;
        }
        // once around before anything counts: caches of the JVM and of the database are not what is measured
        play(new Phase(PEOPLE, Math.max(0.2, seconds / 4), 0, meter), pages, randoms, next);
        return play(new Phase(PEOPLE, seconds, PAUSE_SECONDS, meter), pages, randoms, next);
    }

    private Phase play(Phase phase, List<Page> pages, List<SplittableRandom> randoms, int[] next)
            throws InterruptedException {
        return phase.run(person -> {
            Page page = pages.get(next[person]++ % pages.size());
            long random = randoms.get(person).nextLong(1L << 40);
            phase.timed(page.name, () -> http.getAsBrowser(page.path.apply(random)));
            return true;
        });
    }
}
