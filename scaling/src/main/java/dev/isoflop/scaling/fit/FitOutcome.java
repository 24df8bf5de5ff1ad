package dev.isoflop.scaling.fit;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * What a fit returns: a value, or a refusal with its reason. A refusal is an expected outcome of noisy or badly placed
 * points and is stored and shown like a result.
 */
public sealed interface FitOutcome<T> {

    /** @param value the result */
    record Converged<T>(T value) implements FitOutcome<T> {}

    /**
     * @param reason the named reason
     * @param sentence for people, with the numbers in it
     * @param numbers the same numbers by name, sorted
     */
    record Refused<T>(RefusalReason reason, String sentence, Map<String, Double> numbers) implements FitOutcome<T> {

        public Refused {
            numbers = java.util.Collections.unmodifiableMap(new TreeMap<>(numbers));
        }

        /** The same refusal where another type of result was expected. */
        public <U> Refused<U> as() {
            return new Refused<>(reason, sentence, numbers);
        }
    }

    default boolean converged() {
        return switch (this) {
            case Converged<T> c -> true;
            case Refused<T> r -> false;
        };
    }

    default Optional<T> asOptional() {
        return switch (this) {
            case Converged<T>(T value) -> Optional.ofNullable(value);
            case Refused<T> r -> Optional.empty();
        };
    }

    /**
     * @throws IllegalStateException with the refusal's sentence
     */
    default T orElseThrow() {
        return switch (this) {
            case Converged<T>(T value) -> value;
            case Refused<T> r -> throw new IllegalStateException(r.reason() + ": " + r.sentence());
        };
    }

    default <U> FitOutcome<U> flatMap(Function<? super T, FitOutcome<U>> next) {
        return switch (this) {
            case Converged<T>(T value) -> next.apply(value);
            case Refused<T> r -> r.as();
        };
    }
}
