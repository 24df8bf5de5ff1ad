package dev.isoflop.platform.shared.web;

import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.Page;
import dev.isoflop.protocol.error.ErrorCode;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Opaque keyset cursors: the sort key and id of the last item of a page. */
public final class Cursor {

    public static final int MAX_LIMIT = 200;

    private Cursor() {}

    public static String encode(String... parts) {
        return Base64.getUrlEncoder()
                .withoutPadding()
                .encodeToString(String.join("\u0001", parts).getBytes(StandardCharsets.UTF_8));
    }

    /** @throws ProblemException invalid-request when it is no cursor with that many parts */
    public static String @Nullable [] decode(@Nullable String cursor, int parts) {
        if (cursor == null || cursor.isEmpty()) {
            return null;
        }
        try {
            String[] found =
                    new String(Base64.getUrlDecoder().decode(cursor), StandardCharsets.UTF_8).split("\u0001", -1);
            if (found.length == parts) {
                return found;
            }
        } catch (IllegalArgumentException e) {
            throw invalid(e);
        }
        throw invalid(null);
    }

    /** The id in a cursor of one part, or the given one for the first page. */
    public static long id(@Nullable String cursor, long first) {
        String[] parts = decode(cursor, 1);
        try {
            return parts == null ? first : Long.parseLong(parts[0]);
        } catch (NumberFormatException e) {
            throw invalid(e);
        }
    }

    /**
     * The first items as a page, with a cursor to the rest if there is any.
     *
     * @param found one more than the page holds, if there are that many
     * @param key the sort key of an item
     */
    public static <T> Page<T> page(List<T> found, int size, Function<T, String> key) {
        if (found.size() <= size) {
            return new Page<>(found, null);
        }
        List<T> items = found.subList(0, size);
        return new Page<>(items, encode(key.apply(items.getLast())));
    }

    /** @throws ProblemException invalid-request outside 1 to 200 */
    public static int limit(@Nullable Integer limit, int usual) {
        if (limit == null) {
            return usual;
        }
        if (limit < 1 || limit > MAX_LIMIT) {
            throw new ProblemException(
                    ErrorCode.INVALID_REQUEST, "limit = " + limit + " must be between 1 and " + MAX_LIMIT + ".");
        }
        return limit;
    }

    private static ProblemException invalid(@Nullable Throwable cause) {
        ProblemException e = new ProblemException(
                ErrorCode.INVALID_REQUEST, "'after' is not a cursor of this list; pass the 'next' of the page before.");
        if (cause != null) {
            e.initCause(cause);
        }
        return e;
    }
}
