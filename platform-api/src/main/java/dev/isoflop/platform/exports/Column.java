package dev.isoflop.platform.exports;

import java.time.Instant;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A column of an export. Its kind decides the type in Parquet and the text in CSV.
 *
 * @param <R> a row
 */
sealed interface Column<R> {

    String name();

    record Whole<R>(String name, Function<R, @Nullable Long> value) implements Column<R> {}

    record Real<R>(String name, Function<R, @Nullable Double> value) implements Column<R> {}

    record Flag<R>(String name, Function<R, @Nullable Boolean> value) implements Column<R> {}

    record Text<R>(String name, Function<R, @Nullable String> value) implements Column<R> {}

    /** To the microsecond, UTC. */
    record Moment<R>(String name, Function<R, @Nullable Instant> value) implements Column<R> {}
}
