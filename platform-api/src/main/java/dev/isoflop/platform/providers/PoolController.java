package dev.isoflop.platform.providers;

import dev.isoflop.db.runner.LaunchStore;
import dev.isoflop.db.runner.LaunchStore.Launch;
import dev.isoflop.db.runner.LaunchStore.Live;
import dev.isoflop.platform.orchestration.LeaseSettings;
import dev.isoflop.platform.providers.Pools.Pool;
import dev.isoflop.protocol.api.PoolViews;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/api/v1/pools")
class PoolController {

    private static final int LATEST = 20;

    private final Pools pools;
    private final LaunchStore launches;
    private final PoolsSettings settings;
    private final LeaseSettings leases;

    PoolController(Pools pools, LaunchStore launches, PoolsSettings settings, LeaseSettings leases) {
        this.pools = pools;
        this.launches = launches;
        this.settings = settings;
        this.leases = leases;
    }

    /** Pools that have a provider, runners or a queue, by name. */
    @GetMapping
    List<PoolViews.Pool> list() {
        TreeSet<String> names = new TreeSet<>(launches.poolsInUse(leases.suspect()));
        pools.all().forEach(pool -> names.add(pool.name()));
        return names.stream().map(this::view).toList();
    }

    private PoolViews.Pool view(String name) {
        Optional<Pool> pool = pools.find(name);
        Optional<LaunchStore.Pool> last = pool.isPresent() ? launches.pool(name) : Optional.empty();
        List<Live> live = launches.live(name, LaunchStore.Size.ANY, leases.suspect());
        List<Launch> open = launches.open(name);
        LaunchStore.Queue queue =
                launches.queue(name, LaunchStore.Size.ANY, settings.scaling().patience());
        String error = last.map(LaunchStore.Pool::error).orElse(null);
        return new PoolViews.Pool(
                name,
                pool.map(p -> p.provider().name()).orElse(null),
                pool.map(p -> p.settings().maxRunners()).orElse(null),
                pool.map(p -> p.settings().idleSeconds()).orElse(null),
                queue.settled() + queue.fresh(),
                live.size(),
                live.stream().mapToInt(Live::slots).sum(),
                live.stream().mapToInt(Live::held).sum(),
                note(pool.orElse(null), last.orElse(null), open),
                error,
                error == null ? null : last.map(LaunchStore.Pool::retryAt).orElse(null),
                last.map(LaunchStore.Pool::checkedAt).orElse(null),
                both(open, launches.latest(name, LATEST)));
    }

    private static String note(@Nullable Pool pool, LaunchStore.@Nullable Pool last, List<Launch> open) {
        if (pool == null) {
            return open.isEmpty()
                    ? "This pool has no provider: its runners are started by hand."
                    : "The settings of this pool are gone, so nobody stops the runners that were started for it.";
        }
        return last == null ? "Nobody has looked at this pool yet." : last.note();
    }

    private static List<PoolViews.Launch> both(List<Launch> open, List<Launch> latest) {
        Map<Long, Launch> byId = new LinkedHashMap<>();
        Stream.concat(latest.stream(), open.reversed().stream())
                .forEach(launch -> byId.putIfAbsent(launch.id(), launch));
        return byId.values().stream().map(PoolController::view).toList();
    }

    private static PoolViews.Launch view(Launch launch) {
        return new PoolViews.Launch(
                launch.id(),
                launch.key(),
                launch.provider(),
                launch.externalId(),
                launch.state().name().toLowerCase(Locale.ROOT),
                launch.place(),
                launch.reason(),
                launch.askedAt(),
                launch.startedAt(),
                launch.endedAt());
    }
}
