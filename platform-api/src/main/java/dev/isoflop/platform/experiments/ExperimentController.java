package dev.isoflop.platform.experiments;

import dev.isoflop.db.sweep.SweepStore;
import dev.isoflop.platform.access.ExperimentAccess;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.platform.shared.web.Cursor;
import dev.isoflop.protocol.api.Page;
import dev.isoflop.protocol.api.Views;
import dev.isoflop.protocol.error.ErrorCode;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/api/v1/experiments")
class ExperimentController {

    private final SweepStore store;
    private final ExperimentAccess access;

    ExperimentController(SweepStore store, ExperimentAccess access) {
        this.store = store;
        this.access = access;
    }

    /** Newest first. */
    @GetMapping
    Page<Views.Experiment> list(
            @RequestParam(name = "limit", required = false) @Nullable Integer limit,
            @RequestParam(name = "after", required = false) @Nullable String after) {
        int size = Cursor.limit(limit, 50);
        List<Views.Experiment> found = store.experiments(Cursor.id(after, Long.MAX_VALUE), size + 1, access.hidden()).stream()
                .map(ExperimentController::view)
                .toList();
        return Cursor.page(found, size, view -> Long.toString(view.id()));
    }

    @GetMapping("/{id}")
    Views.Experiment get(@PathVariable("id") long id) {
        return store.experiments(id + 1, 1, List.of()).stream()
                .filter(row -> row.id() == id)
                .findFirst()
                .map(ExperimentController::view)
                .orElseThrow(() -> new ProblemException(ErrorCode.NOT_FOUND, "There is no experiment " + id + "."));
    }

    private static Views.Experiment view(SweepStore.ExperimentRow row) {
        return new Views.Experiment(row.id(), row.name(), row.createdAt(), row.sweeps());
    }
}
