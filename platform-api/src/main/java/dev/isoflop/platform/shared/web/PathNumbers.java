package dev.isoflop.platform.shared.web;

import org.jspecify.annotations.Nullable;
import org.springframework.util.NumberUtils;

/**
 * Numbers of a path as its handler will read them. Whoever guards a path must read it alike: {@code 0x1f} and {@code #1f} are numbers
 * too, and so is one with blanks in it.
 */
public final class PathNumbers {

    private PathNumbers() {}

    /** Null for what no handler takes for a number either. */
    public static @Nullable Long read(@Nullable Object text) {
        try {
            return text == null ? null : NumberUtils.parseNumber(text.toString(), Long.class);
        } catch (IllegalArgumentException e) {
            return null; // refused as a bad request further on
        }
    }
}
