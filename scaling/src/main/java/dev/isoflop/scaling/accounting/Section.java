package dev.isoflop.scaling.accounting;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Lines that belong together.
 *
 * @param key stable name for programs
 * @param title in words
 * @param note what is counted, and by whose formulae
 * @param parts lines that add up to the total
 * @param total of the parts; null where there is nothing to add up
 * @param others lines beside the total: what it is compared with, or what follows from it
 */
public record Section(
        String key,
        String title,
        String note,
        List<Line> parts,
        @Nullable Line total,
        List<Line> others) {

    public Section {
        parts = List.copyOf(parts);
        others = List.copyOf(others);
    }

    /** @throws IllegalArgumentException if there is no such line */
    public Line line(String name) {
        return lines().stream()
                .filter(line -> line.key().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no line of " + key + " is called " + name));
    }

    public double value(String name) {
        return line(name).value();
    }

    /** Parts, total and others. */
    public List<Line> lines() {
        List<Line> all = new ArrayList<>(parts);
        if (total != null) {
            all.add(total);
        }
        all.addAll(others);
        return all;
    }

    /** Gathers a section's lines. */
    static final class Builder {
        private final String key;
        private final String title;
        private final String note;
        private final List<Line> parts = new ArrayList<>();
        private final List<Line> others = new ArrayList<>();
        private @Nullable Line total;

        Builder(String key, String title, String note) {
            this.key = key;
            this.title = title;
            this.note = note;
        }

        Line part(String name, String words, Term term, Unit unit) {
            return added(parts, Line.of(name, words, term, unit));
        }

        /** The sum of the parts so far. */
        Line total(String name, String words, Unit unit) {
            Line sum =
                    Line.of(name, words, Term.sum(parts.stream().map(Line::term).toList()), unit);
            total = sum;
            return sum;
        }

        Line other(String name, String words, Term term, Unit unit) {
            return added(others, Line.of(name, words, term, unit));
        }

        private static Line added(List<Line> lines, Line line) {
            lines.add(line);
            return line;
        }

        Section build() {
            return new Section(key, title, note, parts, total, others);
        }
    }
}
