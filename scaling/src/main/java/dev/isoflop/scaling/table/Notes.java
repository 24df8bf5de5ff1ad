package dev.isoflop.scaling.table;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a table says of its runs beside what is fitted. All of it is optional: a field that is empty, or no number where one is meant, is not said.
 *
 * @param columns the header's name of each column there is; a column of a law is among them whether or not it is fitted
 * @param texts by column, one a point
 */
public record Notes(Map<Column, String> columns, Map<Column, List<String>> texts) {

    /** Empty where it is not said. */
    public String text(Column column, int point) {
        List<String> all = texts.get(column);
        return all == null ? "" : all.get(point);
    }

    /** NaN where it is not said. */
    public double number(Column column, int point) {
        try {
            return Double.parseDouble(text(column, point));
        } catch (NumberFormatException e) {
            return Double.NaN;
        }
    }

    /** What the header calls a column; its usual name where there is none. */
    public String name(Column column) {
        return columns.getOrDefault(column, column.names().getFirst());
    }

    /** Points by what they say, in the order of their first; those that do not say are left out. */
    public Map<String, List<Integer>> groups(Column column) {
        Map<String, List<Integer>> groups = new LinkedHashMap<>();
        List<String> all = texts.getOrDefault(column, List.of());
        for (int i = 0; i < all.size(); i++) {
            if (!all.get(i).isEmpty()) {
                groups.computeIfAbsent(all.get(i), k -> new ArrayList<>()).add(i);
            }
        }
        return groups;
    }

    /** Of some of the points. */
    Notes only(List<Integer> points) {
        Map<Column, List<String>> kept = new EnumMap<>(Column.class);
        texts.forEach(
                (column, all) -> kept.put(column, points.stream().map(all::get).toList()));
        return new Notes(columns, Collections.unmodifiableMap(kept));
    }

    /** Where the header says it by a usual name, or the user did. */
    static Map<Column, String> columns(List<String> header, Map<Column, String> used, Map<Column, String> named) {
        Map<Column, String> out = new EnumMap<>(Column.class);
        for (Column column : Column.values()) {
            String known = used.getOrDefault(column, named.get(column));
            if (known != null) {
                out.put(column, known);
            } else if (column.isNote() || column.further().isPresent()) {
                // of several the first will do: a note is no reason to refuse a table
                header.stream()
                        .filter(name -> !used.containsValue(name) && isMeant(column, name))
                        .findFirst()
                        .ifPresent(name -> out.put(column, name));
            }
        }
        return out;
    }

    private static boolean isMeant(Column column, String name) {
        // where N is said to be another column, what is usually N has the embeddings in it
        return column.isNamed(name) || column == Column.N_TOTAL && Column.N.isNamed(name);
    }
}
