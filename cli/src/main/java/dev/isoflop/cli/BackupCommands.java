package dev.isoflop.cli;

import dev.isoflop.cli.local.Home;
import dev.isoflop.cli.local.LocalStack;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Backup and restore: the platform's own tool does the work, in a process of its own. */
final class BackupCommands {

    private BackupCommands() {}

    /** Where the product's data are. */
    static final class Where {
        @Option(names = "--home", description = "The product's directory (default: $ISOFLOP_HOME or ~/.isoflop).")
        private @Nullable Path home;

        @Option(
                names = "--database",
                paramLabel = "URL",
                description =
                        "JDBC URL of the PostgreSQL, if it is not the product's own. User and password: in the URL, or in"
                                + " ISOFLOP_DATABASE_USER and ISOFLOP_DATABASE_PASSWORD.")
        private @Nullable String database;

        int run(String verb, Path file, String flag, boolean isSet) throws IOException, InterruptedException {
            List<String> arguments =
                    new ArrayList<>(List.of(verb, file.toAbsolutePath().toString()));
            if (isSet) {
                arguments.add(flag);
            }
            LocalStack stack = new LocalStack(Home.of(home), Commands.projectRoot(), System.out::println);
            return stack.tool("dev.isoflop.platform.backup.BackupMain", arguments, database) == 0
                    ? ExitCode.OK.code()
                    : ExitCode.FAILED.code();
        }
    }

    @Command(
            name = "backup",
            description = "Writes database and artifacts as of one moment into one file; the platform may go on.",
            footer = {"", "Example:", "  isoflop backup /backups/monday.isoflop"})
    static final class Backup implements Callable<Integer> {
        @Mixin
        private Where where = new Where();

        @Parameters(
                paramLabel = "FILE",
                description = "File to write; an older one is replaced when the new one is whole.")
        private Path file = Path.of("");

        @Option(
                names = "--skip-damaged",
                description = "Leave out artifacts that are missing or damaged, and list them, instead of refusing.")
        private boolean skipDamaged;

        @Override
        public Integer call() throws IOException, InterruptedException {
            return where.run("backup", file, "--skip-damaged", skipDamaged);
        }
    }

    @Command(
            name = "restore",
            description = "Brings a backup back, whole or not at all, while no platform is running.",
            footer = {"", "Example:", "  isoflop restore /backups/monday.isoflop"})
    static final class Restore implements Callable<Integer> {
        @Mixin
        private Where where = new Where();

        @Parameters(paramLabel = "FILE", description = "File that isoflop backup wrote.")
        private Path file = Path.of("");

        @Option(names = "--replace", description = "Throw away what the database holds; otherwise it has to be empty.")
        private boolean replace;

        @Override
        public Integer call() throws IOException, InterruptedException {
            return where.run("restore", file, "--replace", replace);
        }
    }
}
