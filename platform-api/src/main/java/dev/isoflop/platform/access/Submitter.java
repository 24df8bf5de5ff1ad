package dev.isoflop.platform.access;

import dev.isoflop.platform.tokens.Caller;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * In whose name something is done with experiments.
 *
 * @param principals themselves first, then their groups; null for whoever may do everything
 * @param self who owns what they make; absent for the platform itself
 */
public record Submitter(
        @Nullable List<String> principals, @Nullable String self) {

    /** The platform itself, outside of any request. */
    static final Submitter PLATFORM = new Submitter(null, null);

    /** Whoever makes the request that this thread serves. */
    public static Submitter current() {
        Caller caller = Caller.currentOrNull();
        return caller == null ? PLATFORM : of(caller);
    }

    static Submitter of(Caller caller) {
        return new Submitter(
                caller.isAdmin()
                        ? null
                        : Stream.concat(
                                        Stream.of(caller.principal()),
                                        caller.principals().stream()
                                                .filter(p -> !p.equals(caller.principal()))
                                                .sorted())
                                .toList(),
                caller.principal());
    }

    /** Somebody as they were when they wrote a schedule. */
    static Submitter of(List<String> principals) {
        return new Submitter(principals, principals.getFirst());
    }
}
