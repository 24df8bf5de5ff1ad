package dev.isoflop.cli;

import dev.isoflop.protocol.api.Page;
import dev.isoflop.protocol.api.Views;
import java.io.IOException;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.core.type.TypeReference;

/** Reads the audit trail. */
@Command(
        name = "audit",
        mixinStandardHelpOptions = true,
        description =
                "Lists who asked for which change, and who was turned away, newest first. Needs a token of scope admin.",
        footer = {"", "Example:", "  isoflop audit --refused"})
final class AuditCommand implements Callable<Integer> {

    private static final int PAGE = 200;
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss");

    @Mixin
    private PlatformOptions platform = new PlatformOptions();

    @Option(names = "--refused", description = "Only what was answered 401, 403 or 429: wrong tokens, failed sign-ins.")
    private boolean refused;

    @Option(names = "--limit", description = "How many (default: ${DEFAULT-VALUE}).")
    private int limit = 50;

    @Override
    public Integer call() throws IOException {
        platform.client()
                .all(
                        "/audit?limit=" + Math.clamp(limit, 1, PAGE) + "&refused=" + refused,
                        new TypeReference<Page<Views.AuditEntry>>() {})
                .limit(Math.max(0, limit))
                .forEach(entry -> System.out.println(line(entry)));
        return ExitCode.OK.code();
    }

    /** Names come from whoever made them: nothing in them may steer the terminal. */
    static String line(Views.AuditEntry entry) {
        String who = entry.principal() == null ? "nobody" : entry.token() + " (" + entry.principal() + ")";
        String text = "%s  %s  %s  from %s  %s %s%s"
                .formatted(
                        TIME.format(entry.at().atZone(ZoneId.systemDefault())),
                        entry.status() == null ? "???" : entry.status(),
                        who,
                        entry.address() == null ? "?" : entry.address(),
                        entry.method(),
                        entry.path(),
                        entry.detail() == null ? "" : "  " + entry.detail());
        return text.replaceAll("\\p{Cntrl}", "\uFFFD");
    }
}
