package dev.isoflop.cli;

import dev.isoflop.cli.account.AccountCommand;
import dev.isoflop.cli.chaos.ChaosCommand;
import dev.isoflop.cli.client.ApiException;
import dev.isoflop.cli.client.UnreachableException;
import dev.isoflop.cli.plan.PlanCommand;
import dev.isoflop.cli.table.DownstreamCommand;
import dev.isoflop.cli.table.ForecastCommand;
import dev.isoflop.cli.table.HyperCommand;
import dev.isoflop.cli.table.NextCommand;
import java.io.IOException;
import java.util.Arrays;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The command line. Errors are one clear message on standard error and an {@link ExitCode}. */
@Command(
        name = "isoflop",
        mixinStandardHelpOptions = true,
        version = "isoflop 0.1.0",
        scope = CommandLine.ScopeType.INHERIT,
        sortOptions = false,
        usageHelpAutoWidth = true,
        description = "Scaling-law research, end to end.",
        subcommands = {
            DemoCommand.class,
            Commands.Up.class,
            Commands.Down.class,
            Commands.Status.class,
            Commands.Submit.class,
            Commands.Watch.class,
            FitCommand.class,
            ForecastCommand.class,
            HyperCommand.class,
            DownstreamCommand.class,
            NextCommand.class,
            GrowCommand.class,
            PlanCommand.class,
            PredictionCommands.Predict.class,
            PredictionCommands.Ledger.class,
            OutlookCommand.class,
            AccountCommand.class,
            Commands.Export.class,
            ScheduleCommand.class,
            ExperimentCommand.class,
            FailureCommands.Runners.class,
            FailureCommands.Release.class,
            AuditCommand.class,
            ChaosCommand.class,
            BackupCommands.Backup.class,
            BackupCommands.Restore.class,
        })
public final class IsoflopMain implements Runnable {

    @CommandLine.Spec
    private CommandLine.Model.@org.jspecify.annotations.Nullable CommandSpec spec;

    public static void main(String[] args) {
        System.exit(execute(args));
    }

    /** The exit code of a command line. */
    static int execute(String... args) {
        CommandLine command = new CommandLine(new IsoflopMain());
        command.getCommandSpec()
                .usageMessage()
                .footer(concat(
                        new String[] {
                            "",
                            "Also, through the launcher ./isoflop:",
                            "  runner    Executes runs for a platform (isoflop runner --help).",
                            "  build     Builds what has changed.",
                            "  test      Runs every test, Java and web, and counts them.",
                            "  bench     Runs a benchmark by name.",
                            "",
                            "Example:",
                            "  ./isoflop demo",
                            "",
                            "Exit codes:"
                        },
                        Arrays.stream(ExitCode.values())
                                .map(c -> String.format("  %3d  %s", c.code(), c.meaning()))
                                .toArray(String[]::new)));
        command.setExecutionExceptionHandler((e, c, parsed) -> explain(e));
        command.setCaseInsensitiveEnumValuesAllowed(true);
        return command.execute(args);
    }

    private static int explain(Exception e) throws Exception {
        return switch (e) {
            case CliException known -> complain(known.exitCode(), known.getMessage());
            case ApiException refused -> complain(ExitCode.FAILED, refused.getMessage());
            case UnreachableException away -> complain(ExitCode.UNREACHABLE, away.getMessage());
            case InterruptedException _ -> complain(ExitCode.INTERRUPTED, "interrupted");
            case IOException io -> complain(ExitCode.FAILED, io.toString());
            default -> throw e;
        };
    }

    private static int complain(ExitCode code, @org.jspecify.annotations.Nullable String message) {
        String text = message == null ? "failed" : message;
        System.err.println(text.isEmpty() ? text : Character.toUpperCase(text.charAt(0)) + text.substring(1));
        return code.code();
    }

    private static String[] concat(String[] a, String[] b) {
        String[] both = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, both, a.length, b.length);
        return both;
    }

    @Override
    public void run() {
        if (spec != null) {
            spec.commandLine().usage(System.out);
        }
    }
}
