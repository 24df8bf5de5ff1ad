package dev.isoflop.platform.experiments;

import dev.isoflop.platform.shared.web.Cursor;
import dev.isoflop.platform.shared.web.IfMatch;
import dev.isoflop.protocol.api.Ledger;
import dev.isoflop.protocol.api.Page;
import dev.isoflop.protocol.api.Views;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/api/v1/experiments")
class ExperimentController {

    private final Experiments experiments;

    ExperimentController(Experiments experiments) {
        this.experiments = experiments;
    }

    /** Newest first. */
    @GetMapping
    Page<Views.Experiment> list(
            @RequestParam(name = "limit", required = false) @Nullable Integer limit,
            @RequestParam(name = "after", required = false) @Nullable String after) {
        int size = Cursor.limit(limit, 50);
        List<Views.Experiment> found = experiments.list(Cursor.id(after, Long.MAX_VALUE), size + 1);
        return Cursor.page(found, size, view -> Long.toString(view.id()));
    }

    @GetMapping("/{id}")
    ResponseEntity<Views.Experiment> get(@PathVariable("id") long id) {
        return tagged(experiments.get(id));
    }

    /** What was planned, achieved and wasted, sweep by sweep. */
    @GetMapping("/{id}/ledger")
    Ledger ledger(@PathVariable("id") long id) {
        return experiments.ledger(id);
    }

    /** Sets all bounds at once. For administrators: a budget that its spender could raise would be none. */
    @PutMapping("/{id}/budget")
    ResponseEntity<Views.Experiment> budget(
            @PathVariable("id") long id,
            @RequestHeader(name = "If-Match", required = false) @Nullable String ifMatch,
            @RequestBody Ledger.Bounds budget) {
        return tagged(experiments.set(id, budget, IfMatch.version(ifMatch)));
    }

    private static ResponseEntity<Views.Experiment> tagged(Views.Experiment view) {
        return ResponseEntity.ok().eTag("\"" + view.version() + "\"").body(view);
    }
}
