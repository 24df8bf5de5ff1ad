package dev.isoflop.platform.overview;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers that take the longer the more there is. Each is kept for {@value #TIMES} times as long as it took, so that it is as good as new
 * while it is cheap, and never takes more than a small part of the machine.
 *
 * <p>Concurrency: an answer that has outlived its time once is still given, while a thread of its own looks for the next, one at a time for each. One that
 * has outlived it twice is not: one of those that ask looks, and the others wait and share what it found.
 *
 * @param <K> what tells answers apart
 */
final class Costly<K, V> {

    private static final int TIMES = 20;
    private static final int MOST = 1_000;

    private static final Logger log = LoggerFactory.getLogger(Costly.class);

    private final Map<K, Known<V>> known = new ConcurrentHashMap<>();
    private final Set<K> looking = ConcurrentHashMap.newKeySet();

    /** @param nanos it is kept for */
    private record Known<V>(V value, long atNanos, long nanos) {

        boolean isWithin(int times) {
            return System.nanoTime() - atNanos < times * nanos;
        }
    }

    V get(K key, Supplier<V> look) {
        Known<V> before = known.get(key);
        if (before != null && before.isWithin(1)) {
            return before.value;
        }
        if (before != null && before.isWithin(2)) {
            if (looking.add(key)) {
                Thread.ofVirtual().name("costly").start(() -> renew(key, look));
            }
            return before.value;
        }
        if (known.size() >= MOST) {
            known.clear();
        }
        return known.compute(key, (_, there) -> there != null && there.isWithin(1) ? there : look(look)).value;
    }

    private void renew(K key, Supplier<V> look) {
        try {
            known.put(key, look(look));
        } catch (RuntimeException e) {
            log.debug("Whoever asks next looks again", e);
        } finally {
            looking.remove(key);
        }
    }

    private static <V> Known<V> look(Supplier<V> look) {
        long start = System.nanoTime();
        V value = look.get();
        long end = System.nanoTime();
        return new Known<>(value, end, TIMES * (end - start));
    }
}
