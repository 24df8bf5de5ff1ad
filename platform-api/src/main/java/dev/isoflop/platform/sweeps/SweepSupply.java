package dev.isoflop.platform.sweeps;

import dev.isoflop.platform.datasets.Datasets;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.platform.sweeps.PretrainRuns.Ready;
import dev.isoflop.protocol.api.SweepSpec;
import dev.isoflop.protocol.api.Views;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.error.Problem;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Optional;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/** What the runs of a sweep are given: data to train on, runners to train them, and the memory of those. */
@Component
class SweepSupply {

    private final Datasets datasets;
    private final JdbcClient jdbc;

    SweepSupply(Datasets datasets, JdbcClient jdbc) {
        this.datasets = datasets;
        this.jdbc = jdbc;
    }

    static SweepSpec.DatasetSpec dataset(SweepSpec.IsoFlop spec) {
        // a field absent from the JSON arrives as null whatever its declared type
        if (spec.dataset() == null) {
            throw SweepPlanning.invalid(
                    List.of(new Problem.FieldError("/dataset", "A sweep needs a dataset.", null, null)));
        }
        return spec.dataset();
    }

    static String pool(SweepSpec.IsoFlop spec) {
        return spec.pool() == null ? "default" : spec.pool();
    }

    /** The data of a sweep, once it is there. */
    Optional<Ready> find(SweepSpec.IsoFlop spec) {
        String id = id(spec);
        return datasets.find(id).map(Views.Dataset::detail).map(detail -> new Ready(id, detail));
    }

    /** @throws ProblemException dataset-not-ready, invalid-sweep */
    Ready ready(SweepSpec.IsoFlop spec) {
        return find(spec)
                .orElseThrow(
                        () -> new ProblemException(
                                ErrorCode.DATASET_NOT_READY,
                                datasets.find(id(spec))
                                        .map(dataset ->
                                                "The dataset is " + dataset.state() + " (run " + dataset.runId() + ").")
                                        .orElse(
                                                "The dataset has not been asked for; POST it to /api/v1/datasets and wait until it is ready.")));
    }

    private static String id(SweepSpec.IsoFlop spec) {
        return Datasets.id(Datasets.options(dataset(spec)));
    }

    /** What the largest runner of the pool heard of in the last hour may hold, or this machine's memory when there is none. */
    SweepPlanning.Memory memory(String pool) {
        long largest = jdbc.sql("""
                        select coalesce(max(memory_bytes), 0) from runner
                         where pool = ? and last_seen > now() - interval '1 hour'
                        """).param(pool).query(Long.class).single();
        if (largest > 0) {
            return new SweepPlanning.Memory(largest, "the largest runner of pool " + pool);
        }
        return new SweepPlanning.Memory(
                ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean system
                        ? system.getTotalMemorySize()
                        : Long.MAX_VALUE,
                "this machine (no runner of pool " + pool + " was heard of in the last hour)");
    }
}
