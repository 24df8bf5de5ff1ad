package dev.isoflop.platform.outlook;

import dev.isoflop.protocol.api.OutlookViews;
import org.jspecify.annotations.Nullable;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/api/v1/runs/{id}/outlook")
class OutlookController {

    private final Outlooks outlooks;

    OutlookController(Outlooks outlooks) {
        this.outlooks = outlooks;
    }

    /**
     * Final loss, interval and verdict. The fit is the newest parametric one of the run's experiment that has converged on runs measured as this one is, unless another is named; without
     * any the curve speaks alone.
     */
    @GetMapping
    OutlookViews.Outlook outlook(
            @PathVariable("id") long id,
            @RequestParam(name = "level", defaultValue = "0.9") double level,
            @RequestParam(name = "atMost", required = false) @Nullable Double atMost,
            @RequestParam(name = "fit", required = false) @Nullable Long fit) {
        return outlooks.of(id, new Outlooks.Asked(level, atMost, fit));
    }
}
