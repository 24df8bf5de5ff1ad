package dev.isoflop.db.metric;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/**
 * Ids of metric names.
 *
 * <p>Concurrency: names are only ever added, so the cache is never wrong. They are interned outside any transaction (a
 * rollback would leave ids in the cache that do not exist) and in sorted order (two that intern the same names then wait
 * for each other in one order, never in a circle). A crash in between leaves a name without points, which is harmless.
 */
final class MetricNames {

    private static final int CACHED = 50_000;

    private final JdbcTemplate jdbc;
    private final Map<String, Integer> ids = new ConcurrentHashMap<>();

    MetricNames(JdbcTemplate jdbc) {
        this.jdbc = jdbc;
    }

    Map<String, Integer> intern(Collection<String> names) {
        Map<String, Integer> found = HashMap.newHashMap(names.size());
        List<String> missing = new ArrayList<>();
        for (String name : names) {
            Integer id = ids.get(name);
            if (id == null) {
                missing.add(name);
            } else {
                found.put(name, id);
            }
        }
        if (missing.isEmpty()) {
            return found;
        }
        if (TransactionSynchronizationManager.isActualTransactionActive()) {
            throw new IllegalStateException("names are interned outside transactions");
        }
        missing.sort(null);
        String[] array = missing.toArray(String[]::new);
        // The look-up comes first: an insert that conflicts would burn an id of the sequence each time.
        load(array, found);
        if (missing.stream().anyMatch(name -> !found.containsKey(name))) {
            jdbc.update(
                    "insert into metric_name (name) select unnest(?::text[]) order by 1 on conflict do nothing",
                    new Object[] {array});
            load(array, found);
        }
        return found;
    }

    @Nullable
    Integer find(String name) {
        Integer id = ids.get(name);
        if (id != null) {
            return id;
        }
        Map<String, Integer> found = new HashMap<>();
        load(new String[] {name}, found);
        return found.get(name);
    }

    private void load(String[] names, Map<String, Integer> into) {
        if (ids.size() > CACHED) {
            ids.clear();
        }
        jdbc.query(
                "select name, id from metric_name where name = any(?::text[])",
                row -> {
                    String name = row.getString(1);
                    into.put(name, row.getInt(2));
                    ids.put(name, row.getInt(2));
                },
                new Object[] {names});
    }
}
