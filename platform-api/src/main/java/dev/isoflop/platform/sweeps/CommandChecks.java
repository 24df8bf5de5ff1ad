package dev.isoflop.platform.sweeps;

import dev.isoflop.protocol.api.SweepSpec;
import dev.isoflop.protocol.api.SweepSpec.ParameterEntry;
import dev.isoflop.protocol.error.Problem;
import dev.isoflop.protocol.job.CommandSpec;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/** What can be said against a sweep of commands. A field absent from the JSON is null here, whatever its type. */
final class CommandChecks {

    private static final Set<String> OUTSIDE = Set.of(".", "..");
    private static final Pattern PARAMETER = Pattern.compile("[A-Za-z_][A-Za-z0-9_]{0,39}");
    private static final int MAX_FILE_BYTES = 1 << 20;
    private static final int MAX_COUNT = 10_000;
    private static final int MAX_GRACE = 3_600;

    private final List<Problem.FieldError> errors = new ArrayList<>();

    private CommandChecks() {}

    static List<Problem.FieldError> check(SweepSpec.Command spec) {
        CommandChecks checks = new CommandChecks();
        checks.all(spec);
        return checks.errors;
    }

    private void all(SweepSpec.Command spec) {
        text("/name", spec.name());
        text("/experiment", spec.experiment());
        Map<String, ParameterEntry> parameters = spec.parameters() == null ? Map.of() : spec.parameters();
        int ranges = 0;
        for (Map.Entry<String, ParameterEntry> parameter : parameters.entrySet()) {
            ranges += parameter(parameter.getKey(), parameter.getValue()) ? 1 : 0;
        }
        if (ranges > CommandPlanning.MAX_RANGES) {
            error("/parameters", ranges + " ranges are drawn together.", "at most " + CommandPlanning.MAX_RANGES);
        }
        SweepSpec.Search search = spec.search();
        if (search != null) {
            between("/search/count", search.count(), 1, MAX_COUNT);
            if (ranges == 0) {
                error("/search", "Nothing is drawn: all parameters are lists.", "a parameter with min and max");
            }
        }
        command(spec, parameters.keySet());
        environment(spec, parameters.keySet());
        files(spec);
        outputs(spec);
        between("/gpus", spec.gpus(), 0, 64);
        between("/memoryBytes", spec.memoryBytes(), 0, Long.MAX_VALUE);
        between("/graceSeconds", spec.graceSeconds(), 0, MAX_GRACE);
        if (spec.checkpointDirectory() != null && !CommandSpec.isInside(spec.checkpointDirectory())) {
            error("/checkpointDirectory", "It would lie outside the working directory.", "a relative path without ..");
        }
        if (spec.metricPrefix() != null
                && (spec.metricPrefix().length() > 100
                        || spec.metricPrefix().chars().anyMatch(Character::isISOControl))) {
            error("/metricPrefix", "No metric may begin so.", "at most 100 characters, and none that controls");
        }
        if (spec.retries() != null) {
            between("/retries/failures", spec.retries().failures(), 0, Integer.MAX_VALUE);
            between("/retries/preemptions", spec.retries().preemptions(), 0, Integer.MAX_VALUE);
            between("/retries/infrastructure", spec.retries().infrastructure(), 0, Integer.MAX_VALUE);
        }
        if (errors.isEmpty() && CommandPlanning.size(spec) > SweepPlanning.MAX_RUNS) {
            error("/parameters", "The sweep has too many runs.", "at most " + SweepPlanning.MAX_RUNS);
        }
    }

    /** Whether it is a range. */
    private boolean parameter(String name, @Nullable ParameterEntry entry) {
        String at = "/parameters/" + name;
        if (!PARAMETER.matcher(name).matches()) {
            error(at, "'" + name + "' cannot be a parameter.", "letters, digits and _, at most 40");
        }
        if (entry == null) {
            error(at, "The parameter has no values.", "values, or min and max");
            return false;
        }
        List<Object> values = entry.values();
        if (values != null) {
            if (values.isEmpty()) {
                error(at + "/values", "The list is empty.", "at least one value");
            }
            for (int i = 0; i < values.size(); i++) {
                Object value = values.get(i);
                boolean text = value instanceof String string && string.indexOf('\0') < 0;
                if (!(text || value instanceof Number || value instanceof Boolean)) {
                    error(
                            at + "/values/" + i,
                            "No such value can be put into a command.",
                            "text, a number, true or false");
                }
            }
            if (entry.min() != null || entry.max() != null || entry.scale() != null || entry.integer() != null) {
                error(at, "A parameter is a list or a range, not both.", "values, or min and max");
            }
            return false;
        }
        Double min = entry.min();
        Double max = entry.max();
        if (min == null || max == null) {
            error(at, "The parameter has neither a list nor a range.", "values, or min and max");
        } else if (!Double.isFinite(min) || !Double.isFinite(max) || !(min < max)) {
            error(at, "From " + min + " to " + max + " there is nothing.", "min below max");
        } else if (entry.scale() == SweepSpec.Scale.LOG && !(min > 0)) {
            error(at + "/min", min + " has no logarithm.", "above 0 where the scale is LOG");
        } else if (Boolean.TRUE.equals(entry.integer())
                && (min != Math.rint(min) || max != Math.rint(max) || Math.abs(min) > 1e15 || Math.abs(max) > 1e15)) {
            error(at, "The ends of a range of whole numbers are whole numbers.", null);
        }
        return true;
    }

    private void command(SweepSpec.Command spec, Set<String> parameters) {
        List<String> command = spec.command();
        if (command == null
                || command.isEmpty()
                || command.getFirst() == null
                || command.getFirst().isBlank()) {
            error("/command", "A sweep of commands needs a command.", "a program and its arguments, as a list");
            return;
        }
        for (int i = 0; i < command.size(); i++) {
            String argument = command.get(i);
            if (argument == null || argument.indexOf('\0') >= 0) {
                error("/command/" + i, "The argument is no text.", "text");
            } else {
                placeholders("/command/" + i, argument, parameters);
            }
        }
    }

    private void environment(SweepSpec.Command spec, Set<String> parameters) {
        Map<String, String> environment = spec.environment() == null ? Map.of() : spec.environment();
        environment.forEach((name, value) -> {
            String at = "/environment/" + name;
            if (!CommandSpec.isVariable(name)) {
                error(
                        at,
                        name + " cannot be set.",
                        "letters, digits and _; ISOFLOP_… and CUDA_VISIBLE_DEVICES are set by the runner");
            }
            if (value == null || value.indexOf('\0') >= 0) {
                error(at, "The value is no text.", "text");
            } else if (spec.secrets() == null || !spec.secrets().contains(name)) {
                placeholders(at, value, parameters); // a secret is taken as it is
            }
        });
        List<String> secrets = spec.secrets() == null ? List.of() : spec.secrets();
        for (int i = 0; i < secrets.size(); i++) {
            String name = String.valueOf(secrets.get(i));
            String value = environment.get(name);
            if (!environment.containsKey(name)) {
                error("/secrets/" + i, "There is no variable " + name + ".", "a name in environment");
            } else if (CommandSpec.MASK.equals(value)) {
                error("/environment/" + name, "This is what is shown in place of a secret.", "the secret itself");
            } else if (value != null && value.length() < CommandSpec.SHORTEST_SECRET) {
                error(
                        "/environment/" + name,
                        "So short a secret cannot be hidden in what the program prints.",
                        "at least " + CommandSpec.SHORTEST_SECRET + " characters");
            }
        }
    }

    private void files(SweepSpec.Command spec) {
        Map<String, String> files = spec.files() == null ? Map.of() : spec.files();
        files.forEach((name, content) -> {
            String at = "/files/" + name.replace("~", "~0").replace("/", "~1");
            if (!CommandSpec.isInside(name)) {
                error(at, "It would lie outside the working directory.", "a relative path without ..");
            }
            if (content == null) {
                error(at, "The file has no content.", "text");
            } else if (content.getBytes(StandardCharsets.UTF_8).length > MAX_FILE_BYTES) {
                error(at, "The file is too large to be part of a sweep.", "at most 1 MiB");
            }
        });
    }

    /** A glob that is none would only be found out when the program has ended. */
    private void outputs(SweepSpec.Command spec) {
        List<String> outputs = spec.outputs() == null ? List.of() : spec.outputs();
        for (int i = 0; i < outputs.size(); i++) {
            String glob = outputs.get(i);
            try {
                if (glob == null || glob.isBlank() || glob.indexOf('\0') >= 0) {
                    error("/outputs/" + i, "There is no glob here.", "such as *.json or plots/**");
                } else if (glob.startsWith("/")
                        || List.of(glob.split("/", -1)).stream().anyMatch(OUTSIDE::contains)) {
                    error("/outputs/" + i, "It would lie outside the working directory.", "such as *.json or plots/**");
                } else {
                    FileSystems.getDefault().getPathMatcher("glob:" + glob);
                }
            } catch (PatternSyntaxException e) {
                error("/outputs/" + i, glob + " is no glob: " + e.getDescription(), "such as *.json or plots/**");
            }
        }
    }

    private void placeholders(String at, String text, Set<String> parameters) {
        for (String name : CommandPlanning.unknown(text, parameters)) {
            error(
                    at,
                    "There is no parameter '" + name + "'.",
                    (parameters.isEmpty() ? "" : "one of " + String.join(", ", parameters) + ", ") + "or {{" + name
                            + "}} for the braces themselves");
        }
    }

    private void text(String at, @Nullable String value) {
        if (value == null || value.isBlank() || value.length() > 200) {
            error(at, "A name is needed here.", "1 to 200 characters");
        }
    }

    private void between(String at, @Nullable Number value, long least, long most) {
        if (value != null && (value.longValue() < least || value.longValue() > most)) {
            error(at, value + " cannot be.", most >= Integer.MAX_VALUE ? "at least " + least : least + " to " + most);
        }
    }

    private void error(String at, String message, @Nullable String expected) {
        errors.add(new Problem.FieldError(at, message, expected, null));
    }
}
