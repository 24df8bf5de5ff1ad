package dev.isoflop.platform.fits;

import dev.isoflop.db.fit.FitStore;
import dev.isoflop.db.fit.StoredFit;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.FitViews;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.scaling.fit.IsoFlopFit;
import dev.isoflop.scaling.fit.IsoFlopOptions;
import dev.isoflop.scaling.fit.ParametricFit;
import dev.isoflop.scaling.fit.ParametricOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.stereotype.Service;
import tools.jackson.databind.json.JsonMapper;

/**
 * Fits sweeps. A fit is stored under the hash of its points and options and never changed: asking again gives the stored
 * one.
 *
 * <p>Concurrency: fitting holds no connection and no lock. Two that fit the same inputs at once both compute, and one
 * result is kept; results of equal inputs are equal.
 */
@Service
public class FitService {

    private static final int BOOTSTRAPS = 1_000;
    private static final double LEVEL = 0.95;

    private final FitGatherer gatherer;
    private final FitStore store;
    private final ApplicationEventPublisher events;
    private final JsonMapper json;

    FitService(FitGatherer gatherer, FitStore store, ApplicationEventPublisher events, JsonMapper json) {
        this.gatherer = gatherer;
        this.store = store;
        this.events = events;
        this.json = json;
    }

    /**
     * @param fits one per method asked for
     * @param created whether any of them is new
     */
    public record Made(List<FitViews.Fit> fits, boolean created) {}

    private record One(FitViews.Fit fit, boolean created) {}

    /**
     * Fits the runs of a sweep that have succeeded so far.
     *
     * @throws ProblemException not-found, invalid-request or incomparable-runs
     */
    public Made fit(long sweepId, FitViews.CreateFit request) {
        FitRequests.check(request);
        FitInputs inputs = gatherer.gather(sweepId, request);
        int bootstraps = request.bootstraps() == null ? BOOTSTRAPS : request.bootstraps();
        double level = request.level() == null ? LEVEL : request.level();
        List<One> made = new ArrayList<>();
        if (!FitMapper.PARAMETRIC.equals(request.method())) {
            IsoFlopOptions options =
                    IsoFlopOptions.defaults().withResamples(bootstraps).withLevel(level);
            made.add(once(inputs, FitMapper.ISOFLOP, options, () -> isoflop(inputs, options)));
        }
        if (!FitMapper.ISOFLOP.equals(request.method())) {
            ParametricOptions options =
                    ParametricOptions.defaults().withResamples(bootstraps).withLevel(level);
            made.add(once(inputs, FitMapper.PARAMETRIC, options, () -> parametric(inputs, options)));
        }
        return new Made(made.stream().map(One::fit).toList(), made.stream().anyMatch(One::created));
    }

    /** Newest first. */
    public List<FitViews.Fit> ofSweep(long sweepId) {
        return store.ofSweep(sweepId).stream().map(this::view).toList();
    }

    /** @throws ProblemException not-found */
    public FitViews.Fit get(long id) {
        return store.get(id)
                .map(this::view)
                .orElseThrow(() -> new ProblemException(ErrorCode.NOT_FOUND, "There is no fit " + id + "."));
    }

    /**
     * The runs that a parametric fit was made of, to go on from.
     *
     * @throws ProblemException not-found; prediction-refused for a fit without a law of N and D
     */
    public RunsOfFit runsOf(long id) {
        FitViews.Fit fit = get(id);
        if (!fit.method().equals(FitMapper.PARAMETRIC)) {
            throw refused(
                    "Fit %d is of the method %s, which has no law of N and D to go by; ask the sweep's parametric fit."
                            .formatted(id, fit.method()));
        }
        if (!"converged".equals(fit.status())) {
            throw refused("Fit %d was refused, so there is no law to go by: %s"
                    .formatted(
                            id,
                            fit.refusal() == null ? fit.status() : fit.refusal().message()));
        }
        FitInputs inputs = FitRecord.inputs(fit);
        return new RunsOfFit(id, fit.sweepId(), inputs.countEmbeddings(), fit.points(), inputs.fitPoints());
    }

    private static ProblemException refused(String sentence) {
        return new ProblemException(ErrorCode.PREDICTION_REFUSED, sentence);
    }

    private static FitViews.Fit isoflop(FitInputs inputs, IsoFlopOptions options) {
        return FitMapper.isoflop(inputs, IsoFlopFit.fit(inputs.fitPoints(), options));
    }

    private static FitViews.Fit parametric(FitInputs inputs, ParametricOptions options) {
        return FitMapper.parametric(inputs, options, options.level(), ParametricFit.fit(inputs.fitPoints(), options));
    }

    private One once(FitInputs inputs, String method, Record options, Supplier<FitViews.Fit> compute) {
        String hash = inputs.hash(method, options);
        Optional<StoredFit> known = store.find(inputs.sweepId(), method, hash);
        if (known.isPresent()) {
            return new One(view(known.get()), false);
        }
        FitViews.Fit fit = compute.get();
        FitStore.Stored stored =
                store.store(inputs.sweepId(), method, fit.status(), hash, json.writeValueAsString(fit));
        if (stored.created()) {
            events.publishEvent(new FitMade(inputs.sweepId(), stored.fit().id()));
        }
        return new One(view(stored.fit()), stored.created());
    }

    private FitViews.Fit view(StoredFit stored) {
        FitViews.Fit body = json.readValue(stored.body(), FitViews.Fit.class);
        return new FitViews.Fit(
                stored.id(),
                stored.sweepId(),
                body.method(),
                body.status(),
                body.refusal(),
                body.level(),
                body.parameters(),
                body.budgets(),
                body.target(),
                body.frontier(),
                body.points(),
                body.excluded(),
                body.options(),
                body.diagnostics(),
                body.warnings(),
                stored.inputHash(),
                stored.createdAt());
    }
}
