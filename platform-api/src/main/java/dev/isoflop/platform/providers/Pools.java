package dev.isoflop.platform.providers;

import dev.isoflop.db.runner.LaunchStore;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.springframework.stereotype.Component;

/** The pools of the settings, each with its provider, checked once at the start. */
@Component
class Pools {

    private final Map<String, Pool> pools = new TreeMap<>();

    /** @param keyPrefix what the keys of its runners begin with: no other pool's and no other platform's do */
    record Pool(String name, PoolSettings settings, RunnerProvider provider, String keyPrefix) {

        /** A key that was never used. */
        String freshKey(String random) {
            return keyPrefix + random;
        }
    }

    Pools(PoolsSettings settings, List<RunnerProvider> providers, LaunchStore launches) {
        Map<String, RunnerProvider> byName =
                providers.stream().collect(Collectors.toMap(RunnerProvider::name, Function.identity()));
        String installation = launches.installation();
        settings.byName().forEach((name, pool) -> {
            RunnerProvider provider = byName.get(pool.provider());
            if (provider == null) {
                throw new IllegalArgumentException(PoolsSettings.prefix(name) + ".provider must be one of "
                        + byName.keySet().stream().sorted().collect(Collectors.joining(", ")) + ", was "
                        + pool.provider());
            }
            provider.check(PoolsSettings.prefix(name), pool);
            pools.put(name, new Pool(name, pool, provider, "isoflop-" + installation + "-" + name + "-"));
        });
    }

    List<Pool> all() {
        return List.copyOf(pools.values());
    }

    Optional<Pool> find(String name) {
        return Optional.ofNullable(pools.get(name));
    }

    /** A runner's key: the prefix and twelve hexadecimal digits, so that pools {@code a} and {@code a-b} are told apart. */
    static boolean isKeyOf(String prefix, String key) {
        return key.length() == prefix.length() + 12
                && key.startsWith(prefix)
                && Arrays.stream(key.substring(prefix.length()).split(""))
                        .allMatch(c -> "0123456789abcdef".contains(c));
    }
}
