package dev.isoflop.platform.access;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What somebody may do with an experiment; each includes those before it. */
enum Level {
    /** Sees everything of it. */
    VIEWER,
    /** Submits, cancels, schedules, fits. */
    EDITOR,
    /** Says who may do what. What it may cost, an admin says. */
    OWNER;

    String wireName() {
        return name().toLowerCase(Locale.ROOT);
    }

    static Optional<Level> of(String wireName) {
        return Arrays.stream(values())
                .filter(level -> level.wireName().equals(wireName))
                .findAny();
    }

    static List<String> wireNames() {
        return Arrays.stream(values()).map(Level::wireName).toList();
    }
}
