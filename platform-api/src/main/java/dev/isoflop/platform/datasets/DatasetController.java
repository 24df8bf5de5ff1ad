package dev.isoflop.platform.datasets;

import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.SweepSpec;
import dev.isoflop.protocol.api.Views;
import dev.isoflop.protocol.error.ErrorCode;
import java.net.URI;
import java.util.List;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/api/v1/datasets")
class DatasetController {

    private final Datasets datasets;

    DatasetController(Datasets datasets) {
        this.datasets = datasets;
    }

    /** 201 with the run that will prepare it, or 200 when it is known. */
    @PostMapping
    ResponseEntity<Views.Dataset> ensure(@RequestBody SweepSpec.DatasetSpec spec) {
        Datasets.Ensured ensured = datasets.ensure(spec);
        Views.Dataset dataset = ensured.dataset();
        return ensured.made()
                ? ResponseEntity.created(URI.create("/api/v1/datasets/" + dataset.id()))
                        .body(dataset)
                : ResponseEntity.ok(dataset);
    }

    @GetMapping
    List<Views.Dataset> list() {
        return datasets.list();
    }

    @GetMapping("/{id}")
    Views.Dataset get(@PathVariable("id") String id) {
        return datasets.find(id)
                .orElseThrow(() -> new ProblemException(ErrorCode.NOT_FOUND, "There is no dataset " + id + "."));
    }
}
