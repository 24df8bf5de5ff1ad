package dev.isoflop.platform.backup;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** What the product has in a database, read from PostgreSQL's own tables, so that new migrations need no change here. */
final class Catalog {

    /** Where the migrations put things. */
    private static final String SCHEMAS = "('public', 'quartz')";

    static final String HISTORY = "flyway_schema_history";

    private Catalog() {}

    /** A table and those of its columns that a backup carries. */
    record TableColumns(String schema, String name, List<String> columns) {

        String quoted() {
            return quote(schema) + "." + quote(name);
        }
    }

    /** A foreign key as a statement could make it. */
    record ForeignKey(String table, String name, String definition) {}

    static String quote(String identifier) {
        return '"' + identifier.replace("\"", "\"\"") + '"';
    }

    static String quoted(List<String> columns) {
        return columns.stream().map(Catalog::quote).collect(Collectors.joining(", "));
    }

    /**
     * Every table but Flyway's. Columns that PostgreSQL computes are left out, and those of type {@code xid8}: a
     * transaction's number means nothing on another server.
     */
    static List<TableColumns> tables(Connection connection) throws SQLException {
        return list(
                connection,
                """
                select n.nspname, c.relname, array_agg(a.attname::text order by a.attnum)
                  from pg_class c
                  join pg_namespace n on n.oid = c.relnamespace
                  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                 where c.relkind = 'r' and n.nspname in %s and c.relname <> '%s'
                   and a.attgenerated = '' and a.atttypid <> 'xid8'::regtype
                 group by 1, 2 order by 1, 2
                """.formatted(SCHEMAS, HISTORY),
                rs -> new TableColumns(rs.getString(1), rs.getString(2), Arrays.asList((String[])
                        rs.getArray(3).getArray())));
    }

    static List<Manifest.Sequence> sequences(Connection connection) throws SQLException {
        return list(
                connection,
                """
                select schemaname, sequencename, coalesce(last_value, start_value), last_value is not null
                  from pg_sequences where schemaname in %s order by 1, 2
                """.formatted(SCHEMAS),
                rs -> new Manifest.Sequence(rs.getString(1), rs.getString(2), rs.getLong(3), rs.getBoolean(4)));
    }

    static List<ForeignKey> foreignKeys(Connection connection) throws SQLException {
        return list(
                connection,
                """
                select quote_ident(n.nspname) || '.' || quote_ident(c.relname), quote_ident(k.conname),
                       pg_get_constraintdef(k.oid)
                  from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
                 where k.contype = 'f' and k.conparentid = 0 and n.nspname in %s order by 1, 2
                """.formatted(SCHEMAS),
                rs -> new ForeignKey(rs.getString(1), rs.getString(2), rs.getString(3)));
    }

    static List<Manifest.Migration> migrations(Connection connection) throws SQLException {
        return list(
                connection,
                "select version, coalesce(checksum, 0) from public." + HISTORY
                        + " where success and version is not null order by installed_rank",
                rs -> new Manifest.Migration(rs.getString(1), rs.getInt(2)));
    }

    static boolean hasHistory(Connection connection) throws SQLException {
        return single(connection, "select (to_regclass('public." + HISTORY + "') is not null)::text")
                .equals("true");
    }

    static String single(Connection connection, String sql) throws SQLException {
        return list(connection, sql, rs -> rs.getString(1)).getFirst();
    }

    /** Reads one row. */
    interface Row<T> {
        T read(ResultSet rs) throws SQLException;
    }

    static <T> List<T> list(Connection connection, String sql, Row<T> row) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rs = statement.executeQuery(sql)) {
            List<T> all = new ArrayList<>();
            while (rs.next()) {
                all.add(row.read(rs));
            }
            return all;
        }
    }

    static void run(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
