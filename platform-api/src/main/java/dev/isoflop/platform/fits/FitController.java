package dev.isoflop.platform.fits;

import dev.isoflop.platform.access.ExperimentAccess;
import dev.isoflop.protocol.api.FitAnswerViews;
import dev.isoflop.protocol.api.FitComparisonViews;
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
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/api/v1")
class FitController {

    private final FitService fits;
    private final FitComparisons comparisons;
    private final Refits refits;
    private final FitAnswers answers;
    private final ExperimentAccess access;

    FitController(
            FitService fits, FitComparisons comparisons, Refits refits, FitAnswers answers, ExperimentAccess access) {
        this.fits = fits;
        this.comparisons = comparisons;
        this.refits = refits;
        this.answers = answers;
        this.access = access;
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

    /** Makes the fit again from its record and says whether it comes out as it is stored; stores nothing. */
    @PostMapping("/fits/{id}/reproduce")
    FitComparisonViews.Reproduction reproduce(@PathVariable("id") long id) {
        return refits.reproduce(id);
    }

    /** This fit (a) beside another (b), of the same sweep or not. */
    @GetMapping("/fits/{id}/comparison")
    FitComparisonViews.FitComparison compare(
            @PathVariable("id") long id,
            @RequestParam("with") long other,
            @RequestParam(name = "target", required = false) @Nullable Double target) {
        access.maySeeFit(other);
        return comparisons.compare(id, other, target);
    }

    /** The fit's points by all three approaches, and by each published protocol of the second. */
    @GetMapping("/fits/{id}/methods")
    FitAnswerViews.FitMethods methods(
            @PathVariable("id") long id, @RequestParam(name = "target", required = false) @Nullable Double target) {
        return answers.methods(id, target);
    }

    /** The objective of a parametric fit over its exponents. */
    @GetMapping("/fits/{id}/profile")
    FitAnswerViews.FitProfile profile(@PathVariable("id") long id) {
        return answers.profile(id);
    }

    /** What the fit says of a budget. */
    @GetMapping("/fits/{id}/optimum")
    FitAnswerViews.FitTarget target(@PathVariable("id") long id, @RequestParam("flops") double flops) {
        return answers.target(id, flops);
    }
}
