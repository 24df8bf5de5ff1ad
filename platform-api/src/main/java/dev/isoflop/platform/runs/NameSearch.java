package dev.isoflop.platform.runs;

import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/** Finds runs by a part of their name, in any case: by its trigrams where the database has an index on them, else by reading all names. */
@Component
class NameSearch {

    /** Less has no trigram to look for. */
    private static final Pattern WITH_TRIGRAM = Pattern.compile("[\\p{L}\\p{N}]{3}");

    private static final Pattern SPECIAL = Pattern.compile("[\\\\%_]");

    private final JdbcClient jdbc;
    private volatile @Nullable Boolean indexed;

    NameSearch(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /**
     * A condition on run {@code r}, to be put behind others.
     *
     * @param values what its parameters are is added here
     */
    String containing(String text, Map<String, Object> values) {
        if (isIndexed() && WITH_TRIGRAM.matcher(text).find()) {
            values.put("text", "%" + SPECIAL.matcher(text).replaceAll("\\\\$0") + "%");
            return " and r.id in (select j.run_id from run_job j where j.search like lower(:text))";
        }
        values.put("text", text);
        // letters that only Unicode knows are rare in a name and slow to fold
        String name = text.chars().allMatch(c -> c < 128) ? "r.name collate \"C\"" : "r.name";
        return " and position(lower(:text) in lower(" + name + ")) > 0";
    }

    private boolean isIndexed() {
        Boolean known = indexed;
        if (known == null) {
            known = jdbc.sql("select to_regclass('run_job_search') is not null")
                    .query(Boolean.class)
                    .single();
            indexed = known;
        }
        return known;
    }
}
