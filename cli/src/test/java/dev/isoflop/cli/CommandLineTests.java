package dev.isoflop.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.protocol.api.ScheduleViews;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CommandLineTests {

    @TempDir
    Path home;

    private record Ended(int code, String out, String err) {}

    private static Ended run(String... args) {
        PrintStream out = System.out;
        PrintStream err = System.err;
        ByteArrayOutputStream o = new ByteArrayOutputStream();
        ByteArrayOutputStream e = new ByteArrayOutputStream();
        try {
            System.setOut(new PrintStream(o, true, StandardCharsets.UTF_8));
            System.setErr(new PrintStream(e, true, StandardCharsets.UTF_8));
            int code = IsoflopMain.execute(args);
            return new Ended(code, o.toString(StandardCharsets.UTF_8), e.toString(StandardCharsets.UTF_8));
        } finally {
            System.setOut(out);
            System.setErr(err);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "demo",
                "up",
                "down",
                "status",
                "submit",
                "watch",
                "fit",
                "export",
                "schedule",
                "audit",
                "backup",
                "restore"
            })
    void everyCommandHasHelpWithOneExample(String command) {
        Ended ended = run(command, "--help");
        assertThat(ended.code).isZero();
        assertThat(ended.out).contains("Usage: isoflop " + command).containsOnlyOnce("Example:");
    }

    @Test
    void aScheduleIsOneLineAndItsLastFireAnother() {
        var at = Instant.parse("2026-10-25T01:30:00Z");
        var fire = new ScheduleViews.Fire(
                7,
                1,
                at,
                "2026-10-25T02:30:00+01:00",
                ScheduleViews.Origin.CRON,
                ScheduleViews.FireState.SKIPPED,
                "Sweep 3 of an earlier fire is still at work.",
                null,
                null,
                at,
                at);
        var schedule = ApiClient.mapper().readValue("""
                        {"id":1,"name":"nightly","cron":"30 2 * * *","zone":"Europe/Berlin","catchUp":"SKIP","catchUpLimit":10,
                         "overlap":"SKIP","paused":true,"next":[],"recent":[],"version":0}""", ScheduleViews.Schedule.class);
        assertThat(ScheduleCommand.lines(schedule)).containsExactly("1 nightly  30 2 * * * Europe/Berlin  paused");
        assertThat(ScheduleCommand.line(fire))
                .isEqualTo("  last 2026-10-25T02:30:00+01:00: skipped Sweep 3 of an earlier fire is still at work.");
    }

    @Test
    void aScheduleFileThatIsNotThereIsAUsageError() {
        Ended ended = run("schedule", "add", home.resolve("none.yaml").toString(), "--home", home.toString());
        assertThat(ended.code).isEqualTo(ExitCode.USAGE.code());
        assertThat(ended.err).contains("There is no file");
    }

    @Test
    void theHelpListsEveryExitCode() {
        String help = run("--help").out;
        for (ExitCode code : ExitCode.values()) {
            assertThat(help).contains(code.meaning());
        }
    }

    @Test
    void anUnknownOptionIsAUsageError() {
        Ended ended = run("up", "--prot", "1");
        assertThat(ended.code).isEqualTo(ExitCode.USAGE.code());
        assertThat(ended.err).contains("--port");
    }

    @Test
    void exportNeedsExactlyOneFormat() {
        assertThat(run("export", "1", "--home", home.toString()).code).isEqualTo(ExitCode.USAGE.code());
        assertThat(run("export", "1", "--csv", "--parquet", "--home", home.toString()).code)
                .isEqualTo(ExitCode.USAGE.code());
    }

    @Test
    void withoutAPlatformItSaysHowToStartOne() {
        Ended ended = run("watch", "1", "--home", home.toString());
        assertThat(ended.code).isEqualTo(ExitCode.UNREACHABLE.code());
        assertThat(ended.err).contains("isoflop up").doesNotContain("Exception");
    }

    @Test
    void aPlatformThatDoesNotAnswerIsNamed() {
        Ended ended = run("watch", "1", "--home", home.toString(), "--url", "http://127.0.0.1:1", "--token", "isf_x");
        assertThat(ended.code).isEqualTo(ExitCode.UNREACHABLE.code());
        assertThat(ended.err).contains("http://127.0.0.1:1").doesNotContain("Exception");
    }

    @Test
    void aSweepFileThatIsNotThereIsAUsageError() {
        Ended ended = run("submit", home.resolve("none.yaml").toString(), "--home", home.toString());
        assertThat(ended.code).isEqualTo(ExitCode.USAGE.code());
        assertThat(ended.err).contains("There is no file");
    }

    @Test
    void downWithNothingUpSaysSo() {
        Ended ended = run("down", "--home", home.toString());
        assertThat(ended.code).isZero();
        assertThat(ended.out).contains("Nothing was up.");
    }

    @Test
    void aProcessThatOnlyHasTheSamePidIsNotStopped() throws Exception {
        long me = ProcessHandle.current().pid();
        Files.writeString(home.resolve("up.json"), """
                {"url": "http://127.0.0.1:1", "port": 1, "platform": {"pid": %d, "startMillis": 1}}
                """.formatted(me));
        assertThat(run("down", "--home", home.toString()).out).contains("Nothing was up.");
        assertThat(home.resolve("up.json")).doesNotExist();
    }

    @Test
    void namesInTheAuditTrailCannotSteerTheTerminal() {
        String line = AuditCommand.line(new dev.isoflop.protocol.api.Views.AuditEntry(
                1,
                java.time.Instant.EPOCH,
                2L,
                "\033[2Jmallory\n",
                "token:2",
                "::1",
                "POST",
                "/api/v1/sweeps",
                403,
                null,
                null));
        assertThat(line).contains("mallory").contains("403").contains("token:2").doesNotContainPattern("\\p{Cntrl}");
    }
}
