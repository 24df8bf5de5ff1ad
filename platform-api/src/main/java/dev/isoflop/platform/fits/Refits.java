package dev.isoflop.platform.fits;

import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.FitComparisonViews.Difference;
import dev.isoflop.protocol.api.FitComparisonViews.Reproduction;
import dev.isoflop.protocol.api.FitViews;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.fit.IsoFlopFit;
import dev.isoflop.scaling.fit.IsoFlopLaws;
import dev.isoflop.scaling.fit.IsoFlopOptions;
import dev.isoflop.scaling.fit.IsoFlopResult;
import dev.isoflop.scaling.fit.ParametricFit;
import dev.isoflop.scaling.fit.ParametricOptions;
import dev.isoflop.scaling.fit.ParametricResult;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Service;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Makes stored fits again from their records: to see whether they come out as they were, and to ask their laws for what was not
 * stored.
 *
 * <p>Concurrency: no connection is held while a fit is made. A fit never changes, and making one again takes its bootstrap, so the laws of the {@value #KEPT} fits asked last
 * are kept; threads that want the same wait for one of them to make it, those that want another do not.
 */
@Service
public class Refits {

    private static final int MOST_DIFFERENCES = 50;
    private static final int KEPT = 32;
    /** What the result is, as against what it was made from and when. */
    private static final List<String> RESULTS =
            List.of("status", "refusal", "level", "parameters", "budgets", "target", "frontier", "diagnostics");

    private final FitService fits;
    private final JsonMapper json;
    private final Map<Long, Kept> kept = new LinkedHashMap<>(KEPT, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, Kept> eldest) {
            return size() > KEPT;
        }
    };

    Refits(FitService fits, JsonMapper json) {
        this.fits = fits;
        this.json = json;
    }

    private record Refit(FitViews.Fit view, @Nullable FittedLaw law, List<String> assumed) {}

    /**
     * A fit with its law.
     *
     * @param law absent where the fit was refused
     */
    public record Known(FitViews.Fit fit, @Nullable FittedLaw law) {

        /** Whether its N counts the embeddings. */
        public boolean countsEmbeddings() {
            return FitRecord.countsEmbeddings(fit);
        }
    }

    /**
     * Makes a fit again and compares it with what is stored, which stays.
     *
     * @throws ProblemException not-found
     */
    public Reproduction reproduce(long id) {
        FitViews.Fit stored = fits.get(id);
        return compared(stored, again(stored));
    }

    /**
     * A fit with its law, which is known to be the one that was stored.
     *
     * @throws ProblemException not-found; prediction-refused if this version of the product makes another law of the same inputs
     */
    public Known law(long id) {
        Kept law;
        synchronized (kept) {
            law = kept.computeIfAbsent(id, Kept::new);
        }
        return law.get();
    }

    /** A fit's law, made when it is first asked for; one that cannot be made is tried anew the next time. */
    private final class Kept {

        private final long id;
        private @Nullable Known known;

        Kept(long id) {
            this.id = id;
        }

        synchronized Known get() {
            Known law = known;
            if (law == null) {
                law = make(id);
                known = law;
            }
            return law;
        }
    }

    private Known make(long id) {
        FitViews.Fit stored = fits.get(id);
        Refit refit = again(stored);
        Reproduction same = compared(stored, refit);
        // an option that came later may give the inputs another hash and the same law
        if (!same.differences().isEmpty()) {
            throw new ProblemException(
                    ErrorCode.PREDICTION_REFUSED,
                    "Fit %d does not come out of its record as it is stored (%s differs): it was made by a version of Isoflop with other maths. Fit the sweep anew%s, and use that fit."
                            .formatted(
                                    id,
                                    same.differences().getFirst().pointer(),
                                    same.inputHash().equals(same.inputHashNow())
                                            ? ", with another number of bootstraps"
                                            : ""));
        }
        return new Known(stored, refit.law);
    }

    private Refit again(FitViews.Fit stored) {
        FitInputs inputs = FitRecord.inputs(stored);
        return switch (stored.method()) {
            case FitMapper.ISOFLOP -> {
                FitRecord.Options<IsoFlopOptions> options = FitRecord.options(stored, IsoFlopOptions.defaults(), json);
                IsoFlopResult result = IsoFlopFit.fit(inputs.fitPoints(), options.options());
                yield new Refit(
                        FitMapper.isoflop(inputs, result),
                        switch (result.laws()) {
                            case FitOutcome.Converged<IsoFlopLaws>(IsoFlopLaws laws) -> new FittedLaw.IsoFlop(laws);
                            case FitOutcome.Refused<IsoFlopLaws> _ -> null;
                        },
                        options.assumed());
            }
            case FitMapper.PARAMETRIC -> {
                FitRecord.Options<ParametricOptions> options =
                        FitRecord.options(stored, ParametricOptions.defaults(), json);
                FitOutcome<ParametricResult> result = ParametricFit.fit(inputs.fitPoints(), options.options());
                yield new Refit(
                        FitMapper.parametric(
                                inputs, options.options(), options.options().level(), result),
                        switch (result) {
                            case FitOutcome.Converged<ParametricResult>(ParametricResult fit) ->
                                new FittedLaw.Parametric(fit, inputs.fitPoints());
                            case FitOutcome.Refused<ParametricResult> _ -> null;
                        },
                        options.assumed());
            }
            default ->
                throw new ProblemException(
                        ErrorCode.PREDICTION_REFUSED,
                        "Fit %d has the method %s, which this version of Isoflop does not know."
                                .formatted(stored.id(), stored.method()));
        };
    }

    private Reproduction compared(FitViews.Fit stored, Refit refit) {
        Walk walk = new Walk();
        JsonNode before = json.valueToTree(stored);
        JsonNode now = json.valueToTree(refit.view);
        for (String name : RESULTS) {
            walk.compare("/" + name, before.path(name), now.path(name));
        }
        String hash = refit.view.inputHash();
        return new Reproduction(
                stored.id(),
                walk.different == 0 && hash.equals(stored.inputHash()),
                stored.inputHash(),
                hash,
                walk.numbers,
                List.copyOf(walk.differences),
                refit.assumed);
    }

    /** Through two trees at once. Numbers are the same if their doubles are: 1 and 1.0 are, the last digit counts. */
    private static final class Walk {

        private final List<Difference> differences = new ArrayList<>();
        private int different;
        private int numbers;

        void compare(String pointer, JsonNode a, JsonNode b) {
            if (a.isObject() && b.isObject()) {
                Set<String> names = new TreeSet<>(a.propertyNames());
                names.addAll(b.propertyNames());
                names.forEach(name -> compare(pointer + "/" + name, a.path(name), b.path(name)));
            } else if (a.isArray() && b.isArray()) {
                for (int i = 0; i < Math.max(a.size(), b.size()); i++) {
                    compare(pointer + "/" + i, a.path(i), b.path(i));
                }
            } else {
                numbers += a.isNumber() ? 1 : 0;
                boolean same = a.isNumber() && b.isNumber()
                        ? Double.compare(a.doubleValue(), b.doubleValue()) == 0
                        : isAbsent(a) && isAbsent(b) || a.equals(b);
                if (!same) {
                    different++;
                    if (differences.size() < MOST_DIFFERENCES) {
                        differences.add(new Difference(pointer, text(a), text(b)));
                    }
                }
            }
        }

        private static boolean isAbsent(JsonNode node) {
            return node.isMissingNode() || node.isNull();
        }

        private static @Nullable String text(JsonNode node) {
            return isAbsent(node) ? null : node.isString() ? node.stringValue() : node.toString();
        }
    }
}
