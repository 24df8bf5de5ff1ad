package dev.isoflop.platform.shared.problem;

import dev.isoflop.protocol.error.Problem;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.exc.StreamReadException;
import tools.jackson.databind.exc.InvalidFormatException;
import tools.jackson.databind.exc.InvalidTypeIdException;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.exc.UnrecognizedPropertyException;
import tools.jackson.databind.exc.ValueInstantiationException;

/** Says what is wrong with a JSON body: where, what was expected, and the nearest valid name. */
final class JsonFaults {

    private JsonFaults() {}

    /** @param detail one sentence about the whole body */
    record Fault(String detail, Problem.@Nullable FieldError error) {}

    static Fault describe(JacksonException e) {
        return switch (e) {
            case UnrecognizedPropertyException unknown -> unknown(unknown);
            case InvalidTypeIdException type -> typeId(type);
            case InvalidFormatException format -> format(format);
            case ValueInstantiationException value -> instantiation(value);
            case MismatchedInputException mismatch -> mismatch(mismatch);
            case StreamReadException malformed -> malformed(malformed);
            default -> new Fault("The body cannot be read: " + e.getOriginalMessage() + ".", null);
        };
    }

    private static Fault unknown(UnrecognizedPropertyException e) {
        List<String> known = known(e);
        String nearest = Names.nearest(e.getPropertyName(), known).orElse(null);
        String pointer = pointer(e);
        return new Fault(
                "There is no field %s%s.".formatted(pointer, nearest == null ? "" : "; did you mean " + nearest + "?"),
                new Problem.FieldError(
                        pointer,
                        "Unknown field.",
                        known.isEmpty() ? null : "one of " + String.join(", ", known),
                        nearest));
    }

    private static List<String> known(UnrecognizedPropertyException e) {
        Collection<?> ids = e.getKnownPropertyIds();
        return ids == null
                ? List.of()
                : ids.stream().map(Objects::toString).sorted().toList();
    }

    private static Fault typeId(InvalidTypeIdException e) {
        String pointer = pointer(e) + "/kind";
        String given = e.getTypeId();
        List<String> known = subtypes(e);
        String expected = known.isEmpty() ? null : "one of " + String.join(", ", known);
        return given == null
                ? new Fault(
                        "The field %s is missing.".formatted(pointer),
                        new Problem.FieldError(pointer, "Missing.", expected, null))
                : new Fault(
                        "%s is \"%s\", which is no known kind.".formatted(pointer, given),
                        new Problem.FieldError(
                                pointer,
                                "Unknown kind.",
                                expected,
                                Names.nearest(given, known).orElse(null)));
    }

    private static List<String> subtypes(InvalidTypeIdException e) {
        var base = e.getBaseType();
        if (base == null) {
            return List.of();
        }
        var subtypes = base.getRawClass().getAnnotation(com.fasterxml.jackson.annotation.JsonSubTypes.class);
        return subtypes == null
                ? List.of()
                : Arrays.stream(subtypes.value()).map(s -> s.name()).sorted().toList();
    }

    private static Fault format(InvalidFormatException e) {
        String pointer = pointer(e);
        Class<?> wanted = e.getTargetType();
        Object given = e.getValue();
        if (wanted != null && wanted.isEnum()) {
            List<String> names = Arrays.stream(wanted.getEnumConstants())
                    .map(c -> ((Enum<?>) c).name())
                    .toList();
            String nearest = Names.nearest(String.valueOf(given).toUpperCase(Locale.ROOT), names)
                    .orElse(null);
            return new Fault(
                    "%s is \"%s\"; it must be one of %s.".formatted(pointer, given, String.join(", ", names)),
                    new Problem.FieldError(
                            pointer, "Not a valid value.", "one of " + String.join(", ", names), nearest));
        }
        String expected = expected(wanted);
        return new Fault(
                "%s is \"%s\"; expected %s.".formatted(pointer, given, expected),
                new Problem.FieldError(pointer, "Not a valid value.", expected, null));
    }

    private static Fault mismatch(MismatchedInputException e) {
        String pointer = pointer(e);
        if (e.getPath().isEmpty() && e.getOriginalMessage().startsWith("No content")) {
            return new Fault("A JSON body is needed.", null);
        }
        String expected = expected(e.getTargetType());
        String where = pointer.isEmpty() ? "The body" : pointer;
        return new Fault(
                "%s is of the wrong type or missing; expected %s.".formatted(where, expected),
                new Problem.FieldError(pointer, "Of the wrong type or missing.", expected, null));
    }

    /** A record's own constructor refused: a list that is not there, most often. */
    private static Fault instantiation(ValueInstantiationException e) {
        String pointer = pointer(e);
        String where = pointer.isEmpty() ? "The body" : pointer;
        Throwable cause = e.getCause();
        if (cause instanceof IllegalArgumentException illegal && illegal.getMessage() != null) {
            return new Fault(
                    where + ": " + illegal.getMessage() + ".",
                    new Problem.FieldError(pointer, illegal.getMessage() + ".", null, null));
        }
        var type = e.getType();
        String lists = type == null ? "" : listsOf(type.getRawClass());
        return new Fault(
                where + " lacks a required field" + (lists.isEmpty() ? "." : "; required: " + lists + "."),
                new Problem.FieldError(pointer, "Lacks a required field.", lists.isEmpty() ? null : lists, null));
    }

    private static String listsOf(Class<?> type) {
        if (!type.isRecord()) {
            return "";
        }
        return String.join(
                ", ",
                Arrays.stream(type.getRecordComponents())
                        .filter(c -> List.class.isAssignableFrom(c.getType()))
                        .map(c -> c.getName())
                        .toList());
    }

    private static Fault malformed(StreamReadException e) {
        TokenStreamLocation at = e.getLocation();
        String where = at == null ? "" : " at line %d, column %d".formatted(at.getLineNr(), at.getColumnNr());
        return new Fault("The body is not JSON%s: %s.".formatted(where, firstLine(e.getOriginalMessage())), null);
    }

    private static String firstLine(String message) {
        int end = message.indexOf('\n');
        return end < 0 ? message : message.substring(0, end);
    }

    private static String expected(@Nullable Class<?> type) {
        if (type == null) {
            return "another type";
        }
        if (type == int.class || type == Integer.class || type == long.class || type == Long.class) {
            return "a whole number";
        }
        if (type == double.class || type == Double.class || type == float.class || type == Float.class) {
            return "a number";
        }
        if (type == boolean.class || type == Boolean.class) {
            return "true or false";
        }
        if (type == String.class) {
            return "a text";
        }
        if (Collection.class.isAssignableFrom(type) || type.isArray()) {
            return "a list";
        }
        if (java.time.temporal.Temporal.class.isAssignableFrom(type)) {
            return "a time such as 2026-01-31T12:00:00Z";
        }
        return "an object";
    }

    /** RFC 6901. */
    private static String pointer(JacksonException e) {
        List<String> parts = new ArrayList<>();
        for (JacksonException.Reference reference : e.getPath()) {
            String name = reference.getPropertyName();
            parts.add(
                    name == null
                            ? Integer.toString(reference.getIndex())
                            : name.replace("~", "~0").replace("/", "~1"));
        }
        return parts.isEmpty() ? "" : "/" + String.join("/", parts);
    }
}
