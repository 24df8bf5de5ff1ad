package dev.isoflop.cli;

import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.cli.sweepfile.LocatedYaml;
import dev.isoflop.cli.sweepfile.NearestName;
import dev.isoflop.cli.sweepfile.SweepFileException;
import dev.isoflop.protocol.api.Page;
import dev.isoflop.protocol.api.ScheduleViews;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.node.ObjectNode;

/** Sweeps that are submitted by the clock. */
@Command(
        name = "schedule",
        description = "Sweeps that are submitted by the clock.",
        footer = {"", "Example:", "  isoflop schedule add nightly.yaml"},
        subcommands = {
            ScheduleCommand.ListAll.class,
            ScheduleCommand.Add.class,
            ScheduleCommand.Pause.class,
            ScheduleCommand.Resume.class,
            ScheduleCommand.Run.class,
            ScheduleCommand.Remove.class,
        })
final class ScheduleCommand implements Runnable {

    @CommandLine.Spec
    private CommandLine.Model.@Nullable CommandSpec spec;

    @Override
    public void run() {
        if (spec != null) {
            spec.commandLine().usage(System.out);
        }
    }

    @Command(name = "list", description = "Lists the schedules, when they fire next and what the last fire did.")
    static final class ListAll implements Callable<Integer> {
        @Mixin
        private PlatformOptions platform = new PlatformOptions();

        @Override
        public Integer call() throws IOException {
            List<ScheduleViews.Schedule> all = all(platform.client());
            if (all.isEmpty()) {
                System.out.println("There is no schedule; add one with isoflop schedule add FILE.");
            }
            all.forEach(schedule -> lines(schedule).forEach(System.out::println));
            return ExitCode.OK.code();
        }
    }

    static List<String> lines(ScheduleViews.Schedule schedule) {
        String next = schedule.paused()
                ? "paused"
                : schedule.next().isEmpty()
                        ? "never again"
                        : "next " + schedule.next().getFirst().local();
        String first =
                "%d %s  %s %s  %s".formatted(schedule.id(), schedule.name(), schedule.cron(), schedule.zone(), next);
        if (schedule.recent().isEmpty()) {
            return List.of(first);
        }
        return List.of(first, line(schedule.recent().getFirst()));
    }

    static String line(ScheduleViews.Fire last) {
        String did = last.sweepId() != null ? "sweep " + last.sweepId() : last.reason() == null ? "" : last.reason();
        return "  last %s: %s %s"
                .formatted(last.local(), last.state().wireName(), did)
                .stripTrailing();
    }

    @Command(name = "add", description = "Adds a schedule from a file: name, cron, zone and, under spec, a sweep.")
    static final class Add implements Callable<Integer> {
        @Mixin
        private PlatformOptions platform = new PlatformOptions();

        @Parameters(paramLabel = "FILE", description = "Schedule file (YAML).")
        private Path file = Path.of("");

        @Override
        public Integer call() throws IOException {
            ObjectNode body = read(file);
            ScheduleViews.Schedule made = platform.client()
                    .post("/schedules", body, UUID.randomUUID().toString(), ScheduleViews.Schedule.class);
            lines(made).forEach(System.out::println);
            made.next().stream()
                    .filter(time -> time.note() != null)
                    .forEach(time -> System.out.println("  " + time.note()));
            return ExitCode.OK.code();
        }
    }

    /** The platform says what is wrong with the fields; here only whether there are any. */
    private static ObjectNode read(Path file) throws IOException {
        try {
            if (!(LocatedYaml.parse(Files.readString(file)).tree() instanceof ObjectNode schedule)) {
                throw new CliException(ExitCode.USAGE, "The schedule file " + file + " has no fields.");
            }
            if (schedule.get("spec") instanceof ObjectNode sweep) {
                Submission.resolveCorpus(sweep, file);
                Submission.includeFiles(sweep, file);
            }
            return schedule;
        } catch (SweepFileException e) {
            throw new CliException(
                    ExitCode.USAGE,
                    e.complaints().stream()
                            .map(complaint -> "\n  " + complaint)
                            .collect(Collectors.joining("", "The schedule file " + file + " is not valid:", "")));
        } catch (NoSuchFileException e) {
            throw new CliException(ExitCode.USAGE, "There is no file " + file + ".");
        }
    }

    /** Something that is done to one schedule. */
    abstract static class OnOne implements Callable<Integer> {
        @Mixin
        private PlatformOptions platform = new PlatformOptions();

        @Parameters(paramLabel = "SCHEDULE", description = "Id or name.")
        private String schedule = "";

        @Override
        public Integer call() throws IOException {
            ApiClient api = platform.client();
            System.out.println(act(api, find(api, schedule)));
            return ExitCode.OK.code();
        }

        /** @return what to tell */
        abstract String act(ApiClient api, ScheduleViews.Schedule found);
    }

    @Command(name = "pause", description = "Lets a schedule fire no more until it is resumed.")
    static final class Pause extends OnOne {
        @Override
        String act(ApiClient api, ScheduleViews.Schedule found) {
            return String.join("\n", lines(change(api, found, "pause")));
        }
    }

    @Command(name = "resume", description = "Lets a paused schedule fire again.")
    static final class Resume extends OnOne {
        @Override
        String act(ApiClient api, ScheduleViews.Schedule found) {
            return String.join("\n", lines(change(api, found, "resume")));
        }
    }

    private static ScheduleViews.Schedule change(ApiClient api, ScheduleViews.Schedule found, String what) {
        return api.post("/schedules/" + found.id() + "/" + what, Map.of(), null, ScheduleViews.Schedule.class);
    }

    @Command(name = "run", description = "Runs a schedule now, paused or not.")
    static final class Run extends OnOne {
        @Override
        String act(ApiClient api, ScheduleViews.Schedule found) {
            ScheduleViews.Fire fire = api.post(
                    "/schedules/" + found.id() + "/fires",
                    Map.of(),
                    UUID.randomUUID().toString(),
                    ScheduleViews.Fire.class);
            return "Fire " + fire.id() + " of " + found.name()
                    + " is pending; see what it does with isoflop schedule list.";
        }
    }

    @Command(name = "remove", description = "Takes a schedule away; the sweeps it has submitted stay.")
    static final class Remove extends OnOne {
        @Override
        String act(ApiClient api, ScheduleViews.Schedule found) {
            api.delete("/schedules/" + found.id(), "\"" + found.version() + "\"");
            return "Removed " + found.name() + ".";
        }
    }

    private static List<ScheduleViews.Schedule> all(ApiClient api) {
        return api.all("/schedules?limit=200", new TypeReference<Page<ScheduleViews.Schedule>>() {})
                .toList();
    }

    private static ScheduleViews.Schedule find(ApiClient api, String idOrName) {
        List<ScheduleViews.Schedule> all = all(api);
        return all.stream()
                .filter(one ->
                        one.name().equals(idOrName) || Long.toString(one.id()).equals(idOrName))
                .findFirst()
                .orElseThrow(() -> new CliException(
                        ExitCode.FAILED,
                        "There is no schedule " + idOrName
                                + NearestName.of(
                                                idOrName,
                                                all.stream()
                                                        .map(ScheduleViews.Schedule::name)
                                                        .toList())
                                        .map(name -> "; did you mean " + name + "?")
                                        .orElse(".")));
    }
}
