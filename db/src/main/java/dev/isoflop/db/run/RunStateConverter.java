package dev.isoflop.db.run;

import dev.isoflop.protocol.api.RunState;
import jakarta.persistence.AttributeConverter;
import jakarta.persistence.Converter;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** States are stored by their wire name, which is also what the table's check constraint lists. */
@Converter(autoApply = true)
public final class RunStateConverter implements AttributeConverter<RunState, String> {

    @Override
    public @Nullable String convertToDatabaseColumn(@Nullable RunState state) {
        return state == null ? null : state.wireName();
    }

    @Override
    public @Nullable RunState convertToEntityAttribute(@Nullable String name) {
        return name == null ? null : parse(name);
    }

    /** @throws IllegalArgumentException for a name that is no state */
    public static RunState parse(String wireName) {
        return RunState.valueOf(wireName.toUpperCase(Locale.ROOT));
    }
}
