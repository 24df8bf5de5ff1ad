package dev.isoflop.runner.work.command;

import dev.isoflop.runner.work.AttemptContext;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import tools.jackson.core.JacksonException;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads the lines of a program's output that are meant for Isoflop: a JSON object with {@code step} and numbers, or with {@code
 * progress} or {@code stage}. NaN and infinities are read as Python writes them.
 *
 * <p>What the platform would refuse is left out here and said once, since a refused batch would fail the run: more than {@value
 * #MAX_NAMES} names, names too long, steps that do not go up.
 *
 * <p>Concurrency: one thread reads; another may ask for the step and the values.
 */
final class MetricLines {

    static final int MAX_NAMES = 1_000;
    private static final int MAX_NAME = 200;
    private static final long MAX_STEP = (1L << 53) - 1;

    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .build();

    private final AttemptContext context;
    private final String prefix;
    private final Consumer<String> complaints;
    private final Map<String, Long> lastSteps = new HashMap<>();
    private final Map<String, Double> lastValues = new LinkedHashMap<>();
    private long step;
    private String stage = "running";
    private boolean complained;

    /**
     * @param prefix of every metric's name
     * @param complaints takes what is wrong with the metrics, for the log
     */
    MetricLines(AttemptContext context, String prefix, long startStep, Consumer<String> complaints) {
        this.context = context;
        this.prefix = prefix;
        this.step = startStep;
        this.complaints = complaints;
    }

    /** Whether the line was wholly understood, so that it need not be in the log. */
    boolean take(String line) {
        String text = line.strip();
        if (!text.startsWith("{") || !text.endsWith("}")) {
            return false;
        }
        JsonNode object;
        try {
            object = JSON.readTree(text);
        } catch (JacksonException e) {
            return false;
        }
        return object.isObject() && take(object);
    }

    private synchronized boolean take(JsonNode object) {
        JsonNode at = object.get("step");
        boolean hasStep = at != null
                && at.isIntegralNumber()
                && at.canConvertToLong()
                && at.longValue() >= 0
                && at.longValue() <= MAX_STEP;
        JsonNode progress = object.get("progress");
        JsonNode newStage = object.get("stage");
        boolean ours =
                hasStep || (progress != null && progress.isNumber()) || (newStage != null && newStage.isString());
        if (!ours) {
            return false;
        }
        boolean whole = true;
        for (Map.Entry<String, JsonNode> field : object.properties()) {
            JsonNode value = field.getValue();
            switch (field.getKey()) {
                case "step", "progress", "stage" -> {}
                case "metrics" -> {
                    for (Map.Entry<String, JsonNode> metric : value.properties()) {
                        whole &= hasStep && point(metric.getKey(), at.longValue(), metric.getValue());
                    }
                }
                default -> whole &= hasStep && point(field.getKey(), at.longValue(), value);
            }
        }
        if (hasStep) {
            step = at.longValue();
        }
        if (newStage != null && newStage.isString() && !newStage.stringValue().isBlank()) {
            String said = newStage.stringValue().strip();
            stage = said.length() > 60 ? said.substring(0, 60) : said;
        }
        String shown = progress != null && progress.isNumber()
                ? stage + " " + Math.round(Math.clamp(progress.doubleValue(), 0, 1) * 100) + " %"
                : stage;
        context.progress(step, shown);
        return whole;
    }

    private boolean point(String name, long atStep, JsonNode value) {
        if (!value.isNumber()) {
            return false;
        }
        String full = prefix + name;
        String fault = fault(full, atStep);
        if (fault != null) {
            if (!complained) {
                complained = true;
                complaints.accept("metric left out: " + fault + " (said once)");
            }
            return false;
        }
        lastSteps.put(full, atStep);
        lastValues.put(full, value.doubleValue());
        context.metric(full, atStep, value.doubleValue());
        return true;
    }

    private @org.jspecify.annotations.Nullable String fault(String name, long atStep) {
        Long before = lastSteps.get(name);
        if (before != null && atStep <= before) {
            return name + " at step " + atStep + " does not come after step " + before;
        }
        if (name.isBlank() || name.length() > MAX_NAME || name.chars().anyMatch(Character::isISOControl)) {
            return "a name has 1 to " + MAX_NAME + " characters and none that controls";
        }
        return before == null && lastSteps.size() >= MAX_NAMES ? "more than " + MAX_NAMES + " names" : null;
    }

    /** The last step reported. */
    synchronized long step() {
        return step;
    }

    /** Last value of each metric. */
    synchronized Map<String, Double> lastValues() {
        return Map.copyOf(lastValues);
    }
}
