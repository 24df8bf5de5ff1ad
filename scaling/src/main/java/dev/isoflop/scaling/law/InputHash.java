package dev.isoflop.scaling.law;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * SHA-256 over everything a fit depends on, so that a stored fit can be told from one of other points or options.
 *
 * <p>The bytes are text: the options record as {@code Type{name=value;...}} in order of declaration, then a line a
 * point. Doubles are written as {@link Double#toHexString}: exact, and the same on every platform. The order of points
 * counts, because resampling indexes them.
 */
public final class InputHash {

    private InputHash() {}

    /**
     * @param options a record of numbers, strings, booleans, enums, lists, maps with an order and records of these
     * @return 64 hexadecimal digits
     */
    public static String of(List<FitPoint> points, Record options) {
        StringBuilder text = new StringBuilder(128 + 96 * points.size());
        append(text, options);
        for (FitPoint point : points) {
            text.append('\n');
            append(text, point);
        }
        try {
            MessageDigest sha = MessageDigest.getInstance("SHA-256");
            return HexFormat.of().formatHex(sha.digest(text.toString().getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    private static void append(StringBuilder text, @Nullable Object value) {
        switch (value) {
            case null -> text.append('-');
            case Double d -> text.append(Double.toHexString(d));
            case Record r -> appendRecord(text, r);
            case List<?> list -> {
                text.append('[');
                for (Object element : list) {
                    append(text, element);
                    text.append(',');
                }
                text.append(']');
            }
            case Map<?, ?> map -> {
                text.append('(');
                map.forEach((key, element) -> {
                    append(text, key);
                    text.append(':');
                    append(text, element);
                    text.append(',');
                });
                text.append(')');
            }
            case String s ->
                text.append('"').append(s.length()).append(':').append(s).append('"');
            case Enum<?> e -> text.append(e.name());
            case Integer i -> text.append(i.intValue());
            case Long l -> text.append(l.longValue());
            case Boolean b -> text.append(b.booleanValue());
            default ->
                throw new IllegalArgumentException(
                        value.getClass().getName() + " has no canonical form; add it to InputHash");
        }
    }

    private static void appendRecord(StringBuilder text, Record r) {
        text.append(r.getClass().getSimpleName()).append('{');
        for (RecordComponent component : r.getClass().getRecordComponents()) {
            try {
                Object value = component.getAccessor().invoke(r);
                if (value instanceof Map<?, ?> map && map.isEmpty()) {
                    // points without further inputs keep the hash they had before there were any
                    continue;
                }
                text.append(component.getName()).append('=');
                append(text, value);
            } catch (IllegalAccessException | InvocationTargetException e) {
                throw new IllegalArgumentException("options records must be public: " + r.getClass(), e);
            }
            text.append(';');
        }
        text.append('}');
    }
}
