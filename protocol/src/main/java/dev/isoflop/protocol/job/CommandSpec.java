package dev.isoflop.protocol.job;

import com.fasterxml.jackson.annotation.JsonIgnore;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Run a program: any trainer in any language. It is told where it is by its environment ({@code ISOFLOP_RUN}, {@code
 * ISOFLOP_ATTEMPT}, {@code ISOFLOP_CHECKPOINT_DIR}, {@code ISOFLOP_RESUME_STEP}, {@code CUDA_VISIBLE_DEVICES}) and reports by
 * lines of JSON on its standard output: {@code {"step":10,"train/loss":1.2}} or {@code {"step":10,"metrics":{…}}}, with {@code
 * "progress"} (0 to 1) and {@code "stage"} if it likes. A file {@code DONE-<step>} in the checkpoint directory, written once all
 * others of that checkpoint are complete, makes the directory a checkpoint.
 *
 * @param argv program and arguments, not read by a shell
 * @param parameters what the run was made of, by name, for people and for tables
 * @param environment variables added to the runner's own
 * @param secrets names in {@code environment} whose values no view and no log shows; each occurrence in the output is masked
 * @param inputs files put into the working directory, which is otherwise empty
 * @param outputs globs under the working directory; what matches when the program has succeeded is kept
 * @param memoryBytes what the program needs of the machine, for the claim; 0 when unknown. It is not enforced
 * @param gpus devices it is given for itself; 0: it sees none
 * @param metricPrefix put before the name of each metric, such as {@code torch/}; may be empty
 * @param checkpointDirectory name of the directory under the working directory
 * @param graceSeconds most seconds between SIGTERM and SIGKILL when it is asked to stop
 */
public record CommandSpec(
        List<String> argv,
        Map<String, String> parameters,
        Map<String, String> environment,
        List<String> secrets,
        List<FileRef> inputs,
        List<String> outputs,
        long memoryBytes,
        int gpus,
        String metricPrefix,
        String checkpointDirectory,
        int graceSeconds)
        implements JobSpec {

    /** What a view shows in place of a secret. */
    public static final String MASK = "••••••";

    /** Characters of a secret, so that it can be hidden wherever it is printed. */
    public static final int SHORTEST_SECRET = 4;

    public static final String DEFAULT_CHECKPOINT_DIRECTORY = "checkpoints";
    public static final int DEFAULT_GRACE_SECONDS = 30;

    /** Names of environment variables; those of the protocol itself are not a submitter's to set. */
    private static final Pattern VARIABLE = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");

    public CommandSpec {
        argv = List.copyOf(argv);
        // absent from the JSON, they arrive as null whatever their declared type
        parameters = parameters == null ? Map.of() : ordered(parameters);
        environment = environment == null ? Map.of() : ordered(environment);
        secrets = secrets == null ? List.of() : List.copyOf(secrets);
        inputs = inputs == null ? List.of() : List.copyOf(inputs);
        outputs = outputs == null ? List.of() : List.copyOf(outputs);
        metricPrefix = metricPrefix == null ? "" : metricPrefix;
        checkpointDirectory = checkpointDirectory == null ? DEFAULT_CHECKPOINT_DIRECTORY : checkpointDirectory;
    }

    /** As people wrote it: a map that is shown keeps its order. */
    private static Map<String, String> ordered(Map<String, String> map) {
        return java.util.Collections.unmodifiableMap(new LinkedHashMap<>(map));
    }

    /** The same with the values of secrets replaced by {@link #MASK}: what may be shown. */
    @JsonIgnore
    public CommandSpec masked() {
        return new CommandSpec(
                argv.stream().map(this::mask).toList(),
                parameters,
                masked(environment, secrets),
                secrets,
                inputs,
                outputs,
                memoryBytes,
                gpus,
                metricPrefix,
                checkpointDirectory,
                graceSeconds);
    }

    /** Variables with the values of those named replaced by {@link #MASK}. */
    public static Map<String, String> masked(Map<String, String> environment, List<String> secrets) {
        Set<String> hidden = new HashSet<>(secrets);
        Map<String, String> shown = new LinkedHashMap<>(environment);
        shown.replaceAll((name, value) -> hidden.contains(name) ? MASK : value);
        return shown;
    }

    /**
     * A text with each secret's value replaced by {@link #MASK}, and each of the lines of one that has several, since a log has
     * lines. The longest goes first: another may be a part of it. Those of fewer than {@link #SHORTEST_SECRET} characters would
     * hide all sorts of things and stay.
     */
    public String mask(String text) {
        String shown = text;
        for (String hidden : secrets.stream()
                .map(environment::get)
                .filter(Objects::nonNull)
                .flatMap(value -> Stream.concat(Stream.of(value), value.lines()))
                .filter(value -> value.length() >= SHORTEST_SECRET)
                .distinct()
                .sorted(Comparator.comparingInt(String::length).reversed())
                .toList()) {
            shown = shown.replace(hidden, MASK);
        }
        return shown;
    }

    /** Whether an environment variable may be set by that name. */
    public static boolean isVariable(String name) {
        return VARIABLE.matcher(name).matches() && !name.startsWith("ISOFLOP_") && !name.equals("CUDA_VISIBLE_DEVICES");
    }

    /** Whether a path stays where it is put: relative, without {@code ..}. */
    public static boolean isInside(String path) {
        return !path.isBlank()
                && !path.startsWith("/")
                && path.indexOf('\0') < 0
                && path.indexOf('\\') < 0
                && List.of(path.split("/", -1)).stream()
                        .noneMatch(part -> part.isEmpty() || part.equals(".") || part.equals(".."));
    }
}
