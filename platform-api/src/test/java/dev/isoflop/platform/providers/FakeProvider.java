package dev.isoflop.platform.providers;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A provider in memory, which fails when it is told to. */
final class FakeProvider implements RunnerProvider {

    final Map<String, ProvidedRunner> runners = new LinkedHashMap<>();
    final List<RunnerRequest> requests = new ArrayList<>();
    final List<String> stopped = new ArrayList<>();
    /** Fails before anything is done. */
    @Nullable
    ProviderException refusal;
    /** Fails after it is done. */
    @Nullable
    ProviderException lostAnswer;

    @Nullable
    ProviderException listFailure;

    int listed;

    @Override
    public String name() {
        return "fake";
    }

    @Override
    public void check(String prefix, PoolSettings pool) {}

    @Override
    public String start(RunnerRequest request) throws ProviderException {
        requests.add(request);
        if (refusal != null) {
            throw refusal;
        }
        String id = "job-" + requests.size();
        put(request.key(), id, ProvidedRunner.State.WAITING);
        if (lostAnswer != null) {
            throw lostAnswer;
        }
        return id;
    }

    void put(String key, String id, ProvidedRunner.State state) {
        runners.put(key, new ProvidedRunner(key, id, state, null, null));
    }

    void all(ProvidedRunner.State state) {
        List.copyOf(runners.values()).forEach(r -> put(r.key(), r.externalId(), state));
    }

    @Override
    public List<ProvidedRunner> list(PoolSettings pool, String keyPrefix) throws ProviderException {
        listed++;
        if (listFailure != null) {
            throw listFailure;
        }
        return List.copyOf(runners.values());
    }

    @Override
    public void stop(PoolSettings pool, ProvidedRunner runner, boolean forcibly) {
        stopped.add(runner.key());
    }
}
