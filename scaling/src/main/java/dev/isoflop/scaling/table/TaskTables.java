package dev.isoflop.scaling.table;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What accuracy is fitted to in two steps: runs with their bits per byte, and checkpoints with bits per byte and accuracy. Either table may be of several tasks. One that
 * does not say which is taken to be of the task asked for.
 *
 * @param runs whose loss is bits per byte on a task's answers
 * @param checkpoints of models in training
 */
public record TaskTables(PointTable runs, CheckpointTable checkpoints) {

    /** Those that both tables have, in the runs' order; empty if neither says what it is of. */
    public List<String> tasks() {
        Set<String> first = runs.notes().groups(Column.TASK).keySet();
        List<String> second = checkpoints.tasks();
        if (first.isEmpty() || second.isEmpty()) {
            return first.isEmpty() ? second : List.copyOf(first);
        }
        Set<String> both = new LinkedHashSet<>(first);
        both.retainAll(second);
        return List.copyOf(both);
    }

    /** Whether rows of both tables go together by their tasks. */
    public boolean isPaired() {
        return runs.notes().groups(Column.TASK).isEmpty() == checkpoints.tasks().isEmpty();
    }

    /** The rows of one task. */
    public TaskTables of(String task) {
        boolean first = !runs.notes().groups(Column.TASK).isEmpty();
        boolean second = !checkpoints.tasks().isEmpty();
        return new TaskTables(
                first ? runs.only(i -> runs.notes().text(Column.TASK, i).equals(task)) : runs,
                second ? checkpoints.only(row -> row.task().equals(task)) : checkpoints);
    }

    /**
     * Without the rows of a run or model, in both tables.
     *
     * @param name of it; {@code *} stands for anything
     */
    public TaskTables without(String name) {
        Pattern pattern = Pattern.compile(
                Arrays.stream(name.split("\\*", -1)).map(Pattern::quote).collect(Collectors.joining(".*")));
        return new TaskTables(
                runs.only(i -> !matches(pattern, runs.points().get(i).group())
                        && !matches(pattern, runs.notes().text(Column.MODEL, i))),
                checkpoints.only(row -> !matches(pattern, row.run()) && !matches(pattern, row.model())));
    }

    private static boolean matches(Pattern pattern, @Nullable String text) {
        return text != null && pattern.matcher(text).matches();
    }

    /** What is to be known about them, in sentences. */
    public List<String> sentences() {
        List<String> out = new ArrayList<>();
        Set<String> first = runs.notes().groups(Column.TASK).keySet();
        List<String> second = checkpoints.tasks();
        if (!first.isEmpty() && !second.isEmpty()) {
            alone(first, new LinkedHashSet<>(second))
                    .ifPresent(names -> out.add("the checkpoints' table has nothing of " + names));
            alone(new LinkedHashSet<>(second), first)
                    .ifPresent(names -> out.add("the runs' table has nothing of " + names));
        }
        long untold = first.isEmpty()
                ? 0
                : runs.points().size()
                        - runs.notes().groups(Column.TASK).values().stream()
                                .mapToInt(List::size)
                                .sum();
        untold += second.isEmpty()
                ? 0
                : checkpoints.rows().stream()
                        .filter(row -> row.task().isEmpty())
                        .count();
        if (untold > 0) {
            out.add(String.format(
                    Locale.ROOT,
                    "%d row%s no task and %s left out",
                    untold,
                    untold == 1 ? " says" : "s say",
                    untold == 1 ? "is" : "are"));
        }
        return out;
    }

    private static Optional<String> alone(Set<String> tasks, Set<String> others) {
        String names = tasks.stream().filter(task -> !others.contains(task)).collect(Collectors.joining(", "));
        return names.isEmpty() ? Optional.empty() : Optional.of(names);
    }
}
