package dev.isoflop.platform.database;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedDatabaseTests {

    @TempDir
    Path home;

    private static void execute(EmbeddedDatabase database, String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection(database.url(), database.user(), database.password());
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static int number(EmbeddedDatabase database, String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection(database.url(), database.user(), database.password());
                Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(sql)) {
            assertThat(result.next()).isTrue();
            return result.getInt(1);
        }
    }

    @Test
    void aFirstStartThatWasCutShortIsMadeAnewAndWhatIsThereAfterwardsIsKept() throws Exception {
        Path directory = home.resolve("postgres");
        Path data = Files.createDirectories(directory.resolve("data"));
        // what initdb writes early: taken for an initialised directory, it never starts
        Files.writeString(data.resolve("PG_VERSION"), "18\n");
        Files.writeString(data.resolve("postgresql.conf"), "");
        Files.createFile(directory.resolve("initialising"));
        try (EmbeddedDatabase database = EmbeddedDatabase.start(home, 0)) {
            execute(database, "create table kept as select 42 as answer");
        }
        assertThat(directory.resolve("initialising")).doesNotExist();
        try (EmbeddedDatabase database = EmbeddedDatabase.start(home, 0)) {
            assertThat(number(database, "select answer from kept")).isEqualTo(42);
        }
    }

    @Test
    void aServerThatWasKilledIsStartedAgainAtItsAddressWithAllThatWasCommitted() throws Exception {
        try (EmbeddedDatabase database = EmbeddedDatabase.start(home, 0)) {
            execute(database, "create table kept as select 42 as answer");
            for (int time = 0; time < 2; time++) {
                long postmaster = postmaster();
                ProcessHandle.of(postmaster).orElseThrow().destroyForcibly();
                assertThat(answered(database, postmaster)).isEqualTo(42);
            }
        }
        assertThat(ProcessHandle.allProcesses()
                        .filter(p -> p.info().commandLine().orElse("").contains(home.toString())))
                .isEmpty();
    }

    private long postmaster() throws IOException {
        return Long.parseLong(Files.readAllLines(home.resolve("postgres/data/postmaster.pid"))
                .getFirst()
                .strip());
    }

    private int answered(EmbeddedDatabase database, long dead) throws Exception {
        long end = System.nanoTime() + 60_000_000_000L;
        while (true) {
            try {
                if (postmaster() != dead) {
                    return number(database, "select answer from kept");
                }
            } catch (SQLException | IOException e) { // away, or its file is being written
                assertThat(System.nanoTime()).as("in time, but " + e).isLessThan(end);
            }
            Thread.sleep(50);
        }
    }
}
