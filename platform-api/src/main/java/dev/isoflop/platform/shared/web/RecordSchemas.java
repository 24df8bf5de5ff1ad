package dev.isoflop.platform.shared.web;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.databind.JavaType;
import io.swagger.v3.core.converter.AnnotatedType;
import io.swagger.v3.core.converter.ModelConverter;
import io.swagger.v3.core.converter.ModelConverterContext;
import io.swagger.v3.core.util.Json31;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.media.Discriminator;
import io.swagger.v3.oas.models.media.Schema;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/**
 * Schemas that say what the records say: a component is required unless it is {@code @Nullable} or has a default, a
 * closed choice names the value of {@code kind} that selects each record, and a record nested in another type has that
 * type's name before its own where it would be mistaken for a view ({@code JobResult.Dataset} is no {@code Dataset}).
 *
 * <p>Concurrency: documents may be made by several requests at once; what is gathered is the same for each.
 */
@Component
class RecordSchemas implements ModelConverter {

    private final Map<String, Class<?>> classes = new ConcurrentHashMap<>();

    /** @throws IllegalStateException if two types have one name: the second would be described as the first */
    @Override
    public @Nullable Schema<?> resolve(
            AnnotatedType type, ModelConverterContext context, Iterator<ModelConverter> chain) {
        JavaType java = Json31.mapper().constructType(type.getType());
        Class<?> raw = java.getRawClass();
        boolean ours = raw.getName().startsWith("dev.isoflop.") && !raw.isEnum();
        if (ours && type.getName() == null && java.containedTypeCount() == 0) {
            type.name(nameOf(raw));
        }
        Schema<?> schema = chain.hasNext() ? chain.next().resolve(type, context, chain) : null;
        if (ours && schema != null) {
            String ref = schema.get$ref();
            String name = ref == null ? schema.getName() : ref.substring(ref.lastIndexOf('/') + 1);
            Class<?> other = name == null ? null : classes.putIfAbsent(name, raw);
            if (other != null && other != raw) {
                throw new IllegalStateException("two schemas named " + name + ": " + other + " and " + raw);
            }
        }
        return schema;
    }

    /** Views are known by their own name; what is nested in a value or a choice belongs to it. */
    static String nameOf(Class<?> type) {
        Class<?> outer = type.getEnclosingClass();
        return outer != null && (outer.isRecord() || outer.isInterface())
                ? nameOf(outer) + type.getSimpleName()
                : type.getSimpleName();
    }

    void describe(OpenAPI api) {
        Map<String, Schema> schemas = api.getComponents().getSchemas();
        classes.forEach((name, type) -> {
            Schema<?> schema = schemas.get(name);
            if (schema == null) {
                return;
            }
            if (type.isRecord()) {
                List<String> required = Arrays.stream(type.getRecordComponents())
                        .filter(RecordSchemas::isRequired)
                        .map(RecordComponent::getName)
                        .toList();
                withProperties(schema).filter(s -> !required.isEmpty()).forEach(s -> s.setRequired(required));
            }
            JsonSubTypes choice = type.getAnnotation(JsonSubTypes.class);
            JsonTypeInfo by = type.getAnnotation(JsonTypeInfo.class);
            if (choice != null && by != null) {
                Discriminator discriminator = new Discriminator().propertyName(by.property());
                for (JsonSubTypes.Type each : choice.value()) {
                    discriminator.mapping(each.name(), "#/components/schemas/" + nameOf(each.value()));
                }
                schema.setDiscriminator(discriminator);
            }
        });
    }

    /** The schema itself, or the part of it that is not the choice it belongs to. */
    private static Stream<Schema<?>> withProperties(Schema<?> schema) {
        Stream<Schema<?>> parts = schema.getAllOf() == null
                ? Stream.of()
                : schema.getAllOf().stream().map(part -> (Schema<?>) part);
        return Stream.concat(Stream.of(schema), parts).filter(part -> part.getProperties() != null);
    }

    private static boolean isRequired(RecordComponent component) {
        JsonProperty property = component.getAccessor().getAnnotation(JsonProperty.class);
        return !component.getAnnotatedType().isAnnotationPresent(Nullable.class)
                && (property == null || property.defaultValue().isEmpty());
    }
}
