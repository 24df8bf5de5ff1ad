package dev.isoflop.platform.backup;

import dev.isoflop.platform.CannotStartException;
import dev.isoflop.platform.IsoflopSettings;
import dev.isoflop.platform.database.DatabaseForTools;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.springframework.boot.Banner;
import org.springframework.boot.DefaultApplicationArguments;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.ConfigurableApplicationContext;
import tools.jackson.databind.json.JsonMapper;

/**
 * {@code backup FILE [--skip-damaged]} and {@code restore FILE [--replace]}, a process of its own. It has the platform's
 * settings, whether they come from arguments, the environment or the home directory's {@code application.yaml}.
 */
public final class BackupMain {

    private static final String USAGE = "Usage: backup FILE [--skip-damaged] | restore FILE [--replace]";

    private BackupMain() {}

    // No @Configuration: the platform scans these packages and must not find it.
    @EnableConfigurationProperties(IsoflopSettings.class)
    static class Settings {}

    public static void main(String[] args) {
        System.exit(run(System.out, System.err, args));
    }

    /** The exit code: 0, or 1 with a sentence on {@code err}. */
    public static int run(PrintStream out, PrintStream err, String... args) {
        List<String> words = new DefaultApplicationArguments(args).getNonOptionArgs();
        if (words.size() != 2) {
            err.println(USAGE);
            return 1;
        }
        String[] quiet = Stream.concat(Arrays.stream(args), Stream.of("--logging.level.root=WARN"))
                .toArray(String[]::new);
        try (ConfigurableApplicationContext context = new SpringApplicationBuilder(Settings.class)
                .web(WebApplicationType.NONE)
                .bannerMode(Banner.Mode.OFF)
                .logStartupInfo(false)
                .registerShutdownHook(false)
                .run(quiet)) {
            IsoflopSettings settings = context.getBean(IsoflopSettings.class);
            Path artifacts = Path.of(context.getEnvironment()
                    .getProperty(
                            "isoflop.artifacts.directory",
                            settings.home().resolve("artifacts").toString()));
            Path file = Path.of(words.getLast());
            boolean skipDamaged = context.getEnvironment().containsProperty("skip-damaged");
            boolean replace = context.getEnvironment().containsProperty("replace");
            switch (words.getFirst()) {
                case "backup" -> backup(out, settings, artifacts, file, skipDamaged);
                case "restore" -> restore(out, settings, artifacts, file, replace);
                default -> throw new BackupException(USAGE);
            }
            return 0;
        } catch (BackupException | CannotStartException e) {
            err.println(e.getMessage());
        } catch (IOException | SQLException e) {
            err.println("It failed: " + e);
        }
        return 1;
    }

    private static void backup(
            PrintStream out, IsoflopSettings settings, Path artifacts, Path file, boolean skipDamaged)
            throws SQLException, IOException {
        try (DatabaseForTools database = DatabaseForTools.open(settings);
                Connection connection = database.connect()) {
            Manifest manifest = new Backup(connection, artifacts, mapper()).write(file, skipDamaged);
            out.println(summary("Backed up", manifest) + " to " + file);
            if (!manifest.leftOut().isEmpty()) {
                out.println(manifest.leftOut().size() + " files were missing or damaged and are left out:");
                manifest.leftOut().forEach(a -> out.println("  " + a.sha256() + "  " + a.bytes() + " bytes"));
            }
        }
    }

    private static void restore(PrintStream out, IsoflopSettings settings, Path artifacts, Path file, boolean replace)
            throws SQLException, IOException {
        try (BackupFile backup = BackupFile.open(file, mapper())) {
            Restore.requireKnown(backup.manifest());
            backup.verify();
            try (DatabaseForTools database = DatabaseForTools.openAlone(settings);
                    Connection connection = database.connect()) {
                new Restore(connection, artifacts).read(backup, replace);
            }
            out.println(summary("Restored", backup.manifest()) + " as of "
                    + backup.manifest().createdAt());
        }
    }

    private static String summary(String done, Manifest manifest) {
        return String.format(
                Locale.ROOT,
                "%s %,d rows of %d tables (version %s) and %,d files (%,d bytes)",
                done,
                manifest.rows(),
                manifest.tables().size(),
                manifest.schemaVersion(),
                manifest.artifacts().size(),
                manifest.artifactBytes());
    }

    static JsonMapper mapper() {
        return JsonMapper.builder().build();
    }
}
