package dev.isoflop.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.protocol.api.Ledger;
import dev.isoflop.protocol.api.ScheduleViews;
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
                "predict",
                "predictions",
                "outlook",
                "export",
                "schedule",
                "experiment",
                "runners",
                "release",
                "audit",
                "backup",
                "restore"
            })
    void everyCommandHasHelpWithOneExample(String command) {
        Ended ended = Ended.of(command, "--help");
        assertThat(ended.code()).isZero();
        assertThat(ended.out()).contains("Usage: isoflop " + command).containsOnlyOnce("Example:");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "predict 1",
                "predict 1 --params 3",
                "predict 1 --run 2 --params 3 --tokens 4",
                "predict one --run 2",
                "predictions tie 1",
                "fit",
                "fit 1 --reproduce 2"
            })
    void aPredictionIsOfARunOrOfASizeAndAFitIsShownOrMadeAgain(String line) {
        assertThat(Ended.of(line.split(" ")).code()).isEqualTo(ExitCode.USAGE.code());
    }

    @Test
    void theLedgerIsATableUnderItsBudget() {
        var ledger = ApiClient.mapper().readValue("""
                        {"experimentId":3,"experiment":"c\\u001b[1m","flopBudget":1e19,"committedFlops":4e18,
                         "total":{"plannedFlops":4e18,"executedFlops":3.5e18,"achievedFlops":3e18,
                                  "replayed":{"lost":2e17,"failed":1e17,"preempted":1e17},"abandoned":{"failed":1e17,"cancelled":0},
                                  "remainingFlops":5e17,"gpuHours":0,"deviceHours":12.4,"wastedDeviceHours":1,"attempts":9},
                         "sweeps":[]}""", Ledger.class);
        assertThat(ExperimentCommand.lines(ledger))
                .containsExactly(
                        "Experiment 3 c\uFFFD[1m",
                        "  4e18 of a budget of 1e19 FLOPs is spent or planned (40.0 %)",
                        "                                  planned   executed   achieved   replayed  abandoned  remaining device h",
                        "  all                                4e18     3.5e18       3e18       4e17       1e17       5e17       12");
    }

    @Test
    void aBoundIsANumberOrNoneAndStaysWhenItIsNotGiven() {
        assertThat(ExperimentCommand.bound("--flops", null, 3.0)).isEqualTo(3.0);
        assertThat(ExperimentCommand.bound("--flops", "none", 3.0)).isNull();
        assertThat(ExperimentCommand.bound("--flops", "1e19", 3.0)).isEqualTo(1e19);
        assertThatThrownBy(() -> ExperimentCommand.bound("--flops", "lots", 3.0))
                .hasMessageContaining("--flops takes a number such as 1e19, or none");
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
        Ended ended = Ended.of("schedule", "add", home.resolve("none.yaml").toString(), "--home", home.toString());
        assertThat(ended.code()).isEqualTo(ExitCode.USAGE.code());
        assertThat(ended.err()).contains("There is no file");
    }

    @Test
    void theHelpListsEveryExitCode() {
        String help = Ended.of("--help").out();
        for (ExitCode code : ExitCode.values()) {
            assertThat(help).contains(code.meaning());
        }
    }

    @Test
    void anUnknownOptionIsAUsageError() {
        Ended ended = Ended.of("up", "--prot", "1");
        assertThat(ended.code()).isEqualTo(ExitCode.USAGE.code());
        assertThat(ended.err()).contains("--port");
    }

    @Test
    void exportNeedsExactlyOneFormat() {
        assertThat(Ended.of("export", "1", "--home", home.toString()).code()).isEqualTo(ExitCode.USAGE.code());
        assertThat(Ended.of("export", "1", "--csv", "--parquet", "--home", home.toString())
                        .code())
                .isEqualTo(ExitCode.USAGE.code());
    }

    @Test
    void withoutAPlatformItSaysHowToStartOne() {
        Ended ended = Ended.of("watch", "1", "--home", home.toString());
        assertThat(ended.code()).isEqualTo(ExitCode.UNREACHABLE.code());
        assertThat(ended.err()).contains("isoflop up").doesNotContain("Exception");
    }

    @Test
    void aPlatformThatDoesNotAnswerIsNamed() {
        Ended ended =
                Ended.of("watch", "1", "--home", home.toString(), "--url", "http://127.0.0.1:1", "--token", "isf_x");
        assertThat(ended.code()).isEqualTo(ExitCode.UNREACHABLE.code());
        assertThat(ended.err()).contains("http://127.0.0.1:1").doesNotContain("Exception");
    }

    @Test
    void aSweepFileThatIsNotThereIsAUsageError() {
        Ended ended = Ended.of("submit", home.resolve("none.yaml").toString(), "--home", home.toString());
        assertThat(ended.code()).isEqualTo(ExitCode.USAGE.code());
        assertThat(ended.err()).contains("There is no file");
    }

    @Test
    void downWithNothingUpSaysSo() {
        Ended ended = Ended.of("down", "--home", home.toString());
        assertThat(ended.code()).isZero();
        assertThat(ended.out()).contains("Nothing was up.");
    }

    @Test
    void aProcessThatOnlyHasTheSamePidIsNotStopped() throws Exception {
        long me = ProcessHandle.current().pid();
        Files.writeString(home.resolve("up.json"), """
                {"url": "http://127.0.0.1:1", "port": 1, "platform": {"pid": %d, "startMillis": 1}}
                """.formatted(me));
        assertThat(Ended.of("down", "--home", home.toString()).out()).contains("Nothing was up.");
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
