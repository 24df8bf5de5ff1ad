package dev.isoflop.cli.show;

import java.io.PrintStream;
import java.util.List;

/**
 * Where progress is shown: on a terminal a block of lines drawn over itself, elsewhere plain lines, and those only when
 * they say something new.
 */
public final class Screen {

    private final PrintStream out;
    private final boolean terminal;
    private int drawn;
    private String last = "";
    private long lastNanos;

    public Screen(PrintStream out, boolean terminal) {
        this.out = out;
        this.terminal = terminal;
    }

    public static Screen standard() {
        String term = System.getenv("TERM");
        return new Screen(
                System.out, System.console() != null && System.console().isTerminal() && !"dumb".equals(term));
    }

    /** A line that stays. */
    public void line(String text) {
        clear();
        out.println(text);
        out.flush();
    }

    /**
     * Shows the present state.
     *
     * @param block all of it, for a terminal
     * @param summary one line of it, for a file: written when it has changed and at most every ten seconds
     */
    public void show(List<String> block, String summary) {
        if (!terminal) {
            long now = System.nanoTime();
            if (!summary.equals(last) && (last.isEmpty() || now - lastNanos > 10_000_000_000L)) {
                out.println(summary);
                out.flush();
                last = summary;
                lastNanos = now;
            }
            return;
        }
        StringBuilder text = new StringBuilder();
        if (drawn > 0) {
            text.append("\033[").append(drawn).append('A');
        }
        int width = width();
        for (String line : block) {
            text.append('\r').append(line, 0, Math.min(line.length(), width)).append("\033[K\n");
        }
        text.append("\033[J");
        out.print(text);
        out.flush();
        drawn = block.size();
    }

    /** Takes the block away, so that what follows stands alone. */
    public void clear() {
        if (drawn > 0) {
            out.print("\033[" + drawn + "A\r\033[J");
            drawn = 0;
        }
    }

    private static int width() {
        String columns = System.getenv("COLUMNS");
        return columns != null && columns.matches("\\d{2,4}") ? Integer.parseInt(columns) : 100;
    }
}
