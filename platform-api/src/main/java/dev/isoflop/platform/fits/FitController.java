package dev.isoflop.platform.fits;

import dev.isoflop.protocol.api.FitViews;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/api/v1")
class FitController {

    private final FitService fits;

    FitController(FitService fits) {
        this.fits = fits;
    }

    /** 201 when anything was fitted, 200 when all of it was known. */
    @PostMapping("/sweeps/{id}/fits")
    ResponseEntity<List<FitViews.Fit>> create(
            @PathVariable("id") long sweepId, @RequestBody(required = false) FitViews.@Nullable CreateFit request) {
        FitService.Made made = fits.fit(sweepId, request == null ? FitRequests.DEFAULTS : request);
        return ResponseEntity.status(made.created() ? HttpStatus.CREATED : HttpStatus.OK)
                .body(made.fits());
    }

    @GetMapping("/sweeps/{id}/fits")
    List<FitViews.Fit> ofSweep(@PathVariable("id") long sweepId) {
        return fits.ofSweep(sweepId);
    }

    @GetMapping("/fits/{id}")
    FitViews.Fit one(@PathVariable("id") long id) {
        return fits.get(id);
    }
}
