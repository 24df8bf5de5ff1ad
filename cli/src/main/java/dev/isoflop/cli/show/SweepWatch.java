package dev.isoflop.cli.show;

import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.cli.client.ApiException;
import dev.isoflop.cli.client.UnreachableException;
import dev.isoflop.protocol.api.Page;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.api.Views;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.type.TypeReference;

/**
 * Follows a sweep until its last run has ended. A platform that is away for a while (a restart, say) is waited for.
 *
 * <p>Concurrency: one thread.
 */
public final class SweepWatch {

    private static final long POLL_MILLIS = 500;

    private final ApiClient api;
    private final Screen screen;
    private double bestRate;

    public SweepWatch(ApiClient api, Screen screen) {
        this.api = api;
        this.screen = screen;
    }

    /** All runs of a sweep, in order of their ids. */
    public static List<Views.Run> runs(ApiClient api, long sweepId) {
        return api.all("/runs?sweep=" + sweepId + "&sort=id&limit=200", new TypeReference<Page<Views.Run>>() {})
                .toList();
    }

    /**
     * Returns when every run has ended, or {@code giveUp} says so.
     *
     * @param title first line of the block
     */
    public List<Views.Run> follow(long sweepId, String title, BooleanSupplier giveUp) throws InterruptedException {
        boolean away = false;
        while (true) {
            try {
                List<Views.Run> runs = runs(api, sweepId);
                if (away) {
                    screen.line("The platform is back.");
                    away = false;
                }
                boolean over = runs.stream().allMatch(r -> r.state().isTerminal());
                List<String> block = block(title, runs);
                screen.show(block, block.get(1));
                if (over || giveUp.getAsBoolean()) {
                    screen.clear();
                    return runs;
                }
            } catch (UnreachableException e) {
                away = announce(away);
            } catch (ApiException e) {
                if (e.status() < 500) {
                    throw e;
                }
                away = announce(away);
            }
            Thread.sleep(POLL_MILLIS);
        }
    }

    private boolean announce(boolean away) {
        if (!away) {
            screen.line("The platform does not answer; waiting for it (the runs go on).");
        }
        return true;
    }

    List<String> block(String title, List<Views.Run> runs) {
        long ended = runs.stream().filter(r -> r.state().isTerminal()).count();
        double total = runs.stream().mapToDouble(Views.Run::flops).sum();
        double done = runs.stream().mapToDouble(SweepWatch::doneFlops).sum();
        double rate = 0;
        double flopRate = 0;
        for (Views.Run r : runs) {
            Double tokens = r.tokensPerSecond();
            if (r.state() == RunState.RUNNING && tokens != null) {
                rate += tokens;
                flopRate += tokens * r.flops() / Math.max(1, r.tokens());
            }
        }
        // between two runs nothing is measured for a moment; the estimate should not jump
        bestRate = flopRate > 0 ? (bestRate == 0 ? flopRate : 0.9 * bestRate + 0.1 * flopRate) : bestRate;
        Double loss = latestLoss(runs);
        String summary = String.format(
                Locale.ROOT,
                "%d of %d runs done%s, %s tokens/s, %s left",
                ended,
                runs.size(),
                loss == null ? "" : String.format(Locale.ROOT, ", loss %.3f", loss),
                Numbers.count(rate),
                bestRate > 0 && done < total
                        ? Numbers.duration((total - done) / bestRate)
                        : ended == runs.size() ? "0 s" : "–");
        List<String> lines = new ArrayList<>();
        lines.add(title);
        lines.add(summary);
        lines.add(bar(total == 0 ? 0 : done / total));
        for (Views.Run r : runs) {
            if (r.state().isLeased()) {
                lines.add(String.format(
                        Locale.ROOT,
                        "  %-24s %-9s step %d of %d%s",
                        r.name(),
                        r.state().wireName(),
                        r.step(),
                        r.steps(),
                        r.trainLoss() == null ? "" : String.format(Locale.ROOT, ", loss %.3f", r.trainLoss())));
            }
        }
        return lines;
    }

    private static double doneFlops(Views.Run r) {
        return r.state() == RunState.SUCCEEDED
                ? r.flops()
                : r.state().isTerminal() ? r.flops() : r.flops() * r.doneTokens() / Math.max(1.0, r.tokens());
    }

    private static @Nullable Double latestLoss(List<Views.Run> runs) {
        Double running = null;
        Double ended = null;
        for (Views.Run r : runs) {
            if (r.state() == RunState.RUNNING && r.trainLoss() != null) {
                running = r.trainLoss();
            }
            if (r.state() == RunState.SUCCEEDED && r.finalLoss() != null) {
                ended = r.finalLoss();
            }
        }
        return running == null ? ended : running;
    }

    private static String bar(double fraction) {
        int width = 50;
        int full = (int) Math.round(width * Math.clamp(fraction, 0.0, 1.0));
        return "[" + "█".repeat(full) + "·".repeat(width - full)
                + String.format(Locale.ROOT, "] %3.0f %% of the compute", 100 * fraction);
    }
}
