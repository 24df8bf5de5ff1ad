package dev.isoflop.platform.fits;

import dev.isoflop.protocol.api.FitViews;
import dev.isoflop.scaling.law.FitPoint;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/** Reads from a stored fit what it was made from: points, and options. Nothing else is looked at, the runs least of all. */
final class FitRecord {

    private FitRecord() {}

    /**
     * @param options as given, completed by the defaults
     * @param assumed names of those that had to be
     */
    record Options<T extends Record>(T options, List<String> assumed) {}

    /** Without warnings: they are words about the inputs, not inputs. */
    static FitInputs inputs(FitViews.Fit fit) {
        List<FitPoint> points = fit.points().stream()
                .map(p -> new FitPoint(p.n(), p.d(), p.budget(), p.loss(), p.seed(), null, 1))
                .toList();
        return new FitInputs(
                fit.sweepId(), fit.points(), points, fit.excluded(), target(fit), countsEmbeddings(fit), List.of());
    }

    /** Whether the fit's N counts the embeddings. */
    static boolean countsEmbeddings(FitViews.Fit fit) {
        return !(fit.options().get("countEmbeddings") instanceof Boolean counted) || counted;
    }

    private static @Nullable Double target(FitViews.Fit fit) {
        return fit.options().get("target") instanceof Number target ? target.doubleValue() : null;
    }

    /** @param defaults what an option is that came after the fit was made */
    static <T extends Record> Options<T> options(FitViews.Fit fit, T defaults, JsonMapper json) {
        Map<String, Object> stored = fit.options();
        List<String> assumed = new ArrayList<>();
        RecordComponent[] components = defaults.getClass().getRecordComponents();
        @Nullable Object[] values = new @Nullable Object[components.length];
        try {
            for (int i = 0; i < components.length; i++) {
                RecordComponent component = components[i];
                if (stored.containsKey(component.getName())) {
                    values[i] = json.convertValue(
                            stored.get(component.getName()), json.constructType(component.getGenericType()));
                } else {
                    values[i] = component.getAccessor().invoke(defaults);
                    assumed.add(component.getName());
                }
            }
            @SuppressWarnings("unchecked") // the class of a T
            Class<T> type = (Class<T>) defaults.getClass();
            Constructor<T> canonical = type.getDeclaredConstructor(
                    Arrays.stream(components).map(RecordComponent::getType).toArray(Class[]::new));
            return new Options<>(canonical.newInstance(values), List.copyOf(assumed));
        } catch (NoSuchMethodException
                | InstantiationException
                | IllegalAccessException
                | InvocationTargetException e) {
            throw new IllegalArgumentException("options records must be public: " + defaults.getClass(), e);
        }
    }
}
