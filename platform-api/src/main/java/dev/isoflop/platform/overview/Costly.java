package dev.isoflop.platform.overview;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * Answers that take the longer the more there is. Each is kept for {@value #TIMES} times as long as it took, so that it is as good as new
 * while it is cheap, and never takes more than a small part of the machine.
 *
 * <p>Concurrency: of several that ask for an old one, one looks while the others wait and share what it found.
 *
 * @param <K> what tells answers apart
 */
final class Costly<K, V> {

    private static final int TIMES = 20;
    private static final int MOST = 1_000;

    private final Map<K, Known<V>> known = new ConcurrentHashMap<>();

    private record Known<V>(V value, long untilNanos) {

        boolean isFresh() {
            return untilNanos - System.nanoTime() > 0;
        }
    }

    V get(K key, Supplier<V> look) {
        Known<V> before = known.get(key);
        if (before != null && before.isFresh()) {
            return before.value;
        }
        if (known.size() >= MOST) {
            known.clear();
        }
        return known.compute(key, (_, there) -> there != null && there.isFresh() ? there : look(look)).value;
    }

    private static <V> Known<V> look(Supplier<V> look) {
        long start = System.nanoTime();
        V value = look.get();
        long end = System.nanoTime();
        return new Known<>(value, end + TIMES * (end - start));
    }
}
