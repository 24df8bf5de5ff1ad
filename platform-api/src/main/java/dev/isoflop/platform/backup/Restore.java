package dev.isoflop.platform.backup;

import dev.isoflop.platform.artifacts.ArtifactPaths;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.DigestInputStream;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.configuration.FluentConfiguration;
import org.postgresql.PGConnection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.io.support.PathMatchingResourcePatternResolver;

/**
 * Brings a backup back: the schema at the version it was made with, by the migrations themselves, then its rows. A platform
 * that is newer migrates on from there when it starts.
 *
 * <p>Crash: the whole archive is read and checked first. Files come before rows, each written beside its place and renamed;
 * a file without a row is harmless. All that is done to the database is one transaction, its emptying and the migrations
 * included, so it is either as it was or as the backup says.
 *
 * <p>Concurrency: refused while anybody else is connected to the database.
 */
final class Restore {

    private static final Logger log = LoggerFactory.getLogger(Restore.class);

    private static final String MIGRATIONS = "db/migration";

    /** What the migrations and an idle platform fill by themselves. */
    private static final Set<String> NO_USERS_DATA = Set.of("installation", "schedule_watch");

    private final Connection connection;
    private final Path artifacts;

    /** @param artifacts directory of the content-addressed files */
    Restore(Connection connection, Path artifacts) {
        this.connection = connection;
        this.artifacts = artifacts;
    }

    /** Refuses what could not be restored by this version at all. */
    static void requireKnown(Manifest manifest) throws IOException {
        Set<String> known = Stream.of(new PathMatchingResourcePatternResolver()
                        .getResources("classpath*:" + MIGRATIONS + "/V*__*.sql"))
                .map(script -> Objects.requireNonNull(script.getFilename()))
                .map(name -> name.substring(1, name.indexOf("__")))
                .collect(Collectors.toSet());
        List<String> unknown = manifest.migrations().stream()
                .map(Manifest.Migration::version)
                .filter(v -> !known.contains(v))
                .toList();
        if (!unknown.isEmpty()) {
            throw new BackupException(
                    "The backup's database is at version %s; this version of Isoflop does not know the migrations %s. Restore it with the version that made it, or a newer one."
                            .formatted(manifest.schemaVersion(), unknown));
        }
        if (manifest.migrations().isEmpty()
                || !manifest.migrations().getLast().version().equals(manifest.schemaVersion())) {
            throw new BackupException(
                    "The backup's version is not that of its last migration; it is no backup of ours.");
        }
    }

    private static FluentConfiguration configuration() {
        return Flyway.configure(Restore.class.getClassLoader())
                .locations("classpath:" + MIGRATIONS)
                .cleanDisabled(false);
    }

    /** @param replace whether what the database holds may be thrown away */
    void read(BackupFile backup, boolean replace) throws SQLException, IOException {
        Manifest manifest = backup.manifest();
        requireAlone();
        requireEmpty(replace);
        for (Manifest.Artifact artifact : manifest.artifacts()) {
            put(backup, artifact);
        }
        connection.setAutoCommit(false);
        try {
            schema(manifest);
            rows(backup, manifest);
            connection.commit();
        } catch (SQLException | IOException | RuntimeException e) {
            connection.rollback();
            throw e;
        }
        connection.setAutoCommit(true);
        Catalog.run(connection, "analyze");
    }

    private void requireAlone() throws SQLException {
        String others = Catalog.single(connection, """
                select count(*)::text from pg_stat_activity
                 where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
                """);
        if (!others.equals("0")) {
            throw new BackupException(
                    "%s other connections to the database are open. Stop every platform that uses it (isoflop down), then restore."
                            .formatted(others));
        }
    }

    private void requireEmpty(boolean replace) throws SQLException {
        List<Catalog.TableColumns> tables = Catalog.tables(connection);
        if (!tables.isEmpty() && !Catalog.hasHistory(connection)) {
            throw new BackupException("The database holds tables that are not Isoflop's; restore into one of its own.");
        }
        if (replace) {
            return;
        }
        for (Catalog.TableColumns table : tables) {
            boolean users = table.schema().equals("public") && !NO_USERS_DATA.contains(table.name());
            if (users
                    && Catalog.single(connection, "select (exists (select from " + table.quoted() + "))::text")
                            .equals("true")) {
                throw new BackupException(
                        "The database is not empty: there are rows in %s. --replace throws away all it holds."
                                .formatted(table.name()));
            }
        }
    }

    // --- files

    private void put(BackupFile backup, Manifest.Artifact artifact) throws IOException {
        Path place = ArtifactPaths.of(artifacts, artifact.sha256());
        if (isWhole(place, artifact)) {
            return;
        }
        Path temporary = Files.createDirectories(artifacts.resolve(ArtifactPaths.TEMPORARY));
        Path partial = Files.createTempFile(temporary, artifact.sha256().substring(0, 8) + "-", ".part");
        try {
            try (InputStream in = backup.open(artifact.entry())) {
                Files.copy(in, partial, StandardCopyOption.REPLACE_EXISTING);
            }
            force(partial, StandardOpenOption.WRITE);
            Path directory = Files.createDirectories(Objects.requireNonNull(place.getParent()));
            Files.move(partial, place, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            force(directory, StandardOpenOption.READ);
        } finally {
            Files.deleteIfExists(partial);
        }
    }

    private static boolean isWhole(Path file, Manifest.Artifact artifact) throws IOException {
        try {
            if (Files.size(file) != artifact.bytes()) {
                return false;
            }
        } catch (NoSuchFileException e) {
            return false;
        }
        DigestInputStream in = new DigestInputStream(Files.newInputStream(file), BackupFile.sha256());
        try (in) {
            in.transferTo(java.io.OutputStream.nullOutputStream());
        }
        return HexFormat.of().formatHex(in.getMessageDigest().digest()).equals(artifact.sha256());
    }

    private static void force(Path path, StandardOpenOption how) throws IOException {
        try (FileChannel channel = FileChannel.open(path, how)) {
            channel.force(true);
        }
    }

    // --- rows

    /** The schema as the backup's migrations make it, from nothing. */
    private void schema(Manifest manifest) throws SQLException {
        Catalog.run(connection, "drop schema if exists quartz cascade");
        Flyway flyway = configuration()
                .dataSource(new OneTransaction(connection))
                .target(manifest.schemaVersion())
                .load();
        flyway.clean();
        flyway.migrate();
        List<Manifest.Migration> made = Catalog.migrations(connection);
        if (!made.equals(manifest.migrations())) {
            throw new BackupException(
                    "The backup's migrations up to %s are not the ones this version of Isoflop has; it comes from another development. Nothing has been restored."
                            .formatted(manifest.schemaVersion()));
        }
    }

    private void rows(BackupFile backup, Manifest manifest) throws SQLException, IOException {
        List<Catalog.TableColumns> tables = Catalog.tables(connection);
        if (!columns(
                        tables.stream(),
                        t -> t.schema() + "." + t.name()
                                + t.columns().stream().sorted().toList())
                .equals(columns(
                        manifest.tables().stream(),
                        t -> t.schema() + "." + t.name()
                                + t.columns().stream().sorted().toList()))) {
            throw new BackupException(
                    "The backup's tables are not those of its migrations. Nothing has been restored.");
        }
        List<Catalog.ForeignKey> keys = Catalog.foreignKeys(connection);
        for (Catalog.ForeignKey key : keys) {
            // They refer to each other in circles; made again at the end, they check every row.
            Catalog.run(connection, "alter table " + key.table() + " drop constraint " + key.name());
        }
        Catalog.run(
                connection,
                "truncate " + tables.stream().map(Catalog.TableColumns::quoted).collect(Collectors.joining(", ")));
        for (Catalog.TableColumns table : tables) {
            Catalog.run(connection, "alter table " + table.quoted() + " disable trigger user");
        }
        String transaction = transactionDefault();
        for (Manifest.Table table : manifest.tables()) {
            copyIn(backup, table);
        }
        if (!transaction.isEmpty()) {
            Catalog.run(connection, "alter table run_event alter column xid set default " + transaction);
        }
        for (Manifest.Sequence sequence : manifest.sequences()) {
            Catalog.run(
                    connection,
                    "select setval('%s.%s', %d, %s)"
                            .formatted(
                                    Catalog.quote(sequence.schema()),
                                    Catalog.quote(sequence.name()),
                                    sequence.value(),
                                    sequence.called()));
        }
        for (Catalog.TableColumns table : tables) {
            Catalog.run(connection, "alter table " + table.quoted() + " enable trigger user");
        }
        for (Catalog.ForeignKey key : keys) {
            Catalog.run(
                    connection,
                    "alter table " + key.table() + " add constraint " + key.name() + " " + key.definition());
        }
    }

    private static <T> Set<String> columns(Stream<T> tables, Function<T, String> description) {
        return tables.map(description).collect(Collectors.toSet());
    }

    /**
     * Events say which transaction wrote them, so that a replay knows which it may have missed. Those that come back are
     * older than any transaction of this server, and a replay must not take them for newer ones: until the default is put
     * back they get the smallest number there is.
     *
     * @return the default that has to be put back, empty if this schema has none
     */
    private String transactionDefault() throws SQLException {
        List<String> before = Catalog.list(connection, """
                select pg_get_expr(d.adbin, d.adrelid) from pg_attrdef d
                  join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
                 where d.adrelid = 'public.run_event'::regclass and a.attname = 'xid'
                """, rs -> rs.getString(1));
        if (before.isEmpty()) {
            return "";
        }
        Catalog.run(connection, "alter table run_event alter column xid set default '3'");
        return before.getFirst();
    }

    private void copyIn(BackupFile backup, Manifest.Table table) throws SQLException, IOException {
        String name = Catalog.quote(table.schema()) + "." + Catalog.quote(table.name());
        long rows;
        try (InputStream in = backup.open(table.entry())) {
            rows = connection
                    .unwrap(PGConnection.class)
                    .getCopyAPI()
                    .copyIn("copy " + name + " (" + Catalog.quoted(table.columns()) + ") from stdin", in, 1 << 16);
        }
        if (rows != table.rows()) {
            throw new BackupException("%d of the %d rows of %s were read. Nothing has been restored."
                    .formatted(rows, table.rows(), table.name()));
        }
        log.debug("{}: {} rows", name, rows);
    }
}
