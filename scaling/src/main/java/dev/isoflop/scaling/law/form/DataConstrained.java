package dev.isoflop.scaling.law.form;

import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.Jet;
import dev.isoflop.scaling.law.LawPoints;
import java.util.ArrayList;
import java.util.List;

/**
 * Repeated data and the parameters it would have needed lose their worth exponentially (Muennighoff et al. 2023, equations 5 and 6, of the form with both):
 * L = E + A N'^-alpha + B D'^-beta with D' = U + U RD* (1 - exp(-RD / RD*)), RD = D / U - 1 the repetitions, and N' likewise of the model that U would
 * suffice for. E, A, B, alpha and beta are those of data that are not repeated; RD* and RN* are fitted.
 */
public final class DataConstrained extends Form {

    public static final String NAME = "data-constrained";
    public static final String FORMULA =
            "L = E + A (UN + UN RN* (1 - exp(-RN / RN*)))^-alpha + B (U + U RD* (1 - exp(-RD / RD*)))^-beta";

    /** In place of constants: the law of those of the runs that repeat nothing, fitted first ({@code fit.DataConstrainedFit}). */
    public static final String OWN = "own";

    private final ChinchillaLaw fresh;

    /** @param fresh the law of data that are seen once */
    public DataConstrained(ChinchillaLaw fresh) {
        super(
                NAME,
                FORMULA,
                List.of(Input.N, Input.D, Input.U),
                List.of(new Coefficient("RD*", true, 1e-3, 1e12), new Coefficient("RN*", true, 1e-3, 1e12)));
        this.fresh = fresh;
    }

    /** The law of data that are seen once. */
    public ChinchillaLaw fresh() {
        return fresh;
    }

    @Override
    public Jet loss(Jet[] c, double[] x) {
        double unique = Math.min(x[2], x[1]);
        double sufficient = Math.min(x[0], sufficient(unique));
        Jet data = worth(c[0], unique, x[1] / unique - 1);
        Jet model = worth(c[1], sufficient, x[0] / sufficient - 1);
        return model.power(-fresh.alpha())
                .times(fresh.A())
                .plus(data.power(-fresh.beta()).times(fresh.B()))
                .plus(fresh.E());
    }

    /**
     * Parameters that distinct tokens suffice for: the model that compute-optimal training on them would have, D*(C) = U solved for C, then N*(C).
     *
     * @param unique tokens
     */
    public double sufficient(double unique) {
        return fresh.G() * Math.pow(unique * fresh.G(), fresh.beta() / fresh.alpha());
    }

    /** What a quantity beyond the first is worth: each further copy less, {@code decay} copies in all. */
    static Jet worth(Jet decay, double first, double further) {
        Jet lost = decay.power(-1).times(-Math.max(0, further)).exp();
        return decay.times(first).times(lost.negated().plus(1)).plus(first);
    }

    @Override
    public List<double[]> candidates(LawPoints points) {
        List<double[]> out = new ArrayList<>();
        for (double data : Grid.logarithmic(0.5, 500, 12)) {
            for (double model : Grid.logarithmic(0.2, 200, 12)) {
                out.add(new double[] {data, model});
            }
        }
        return out;
    }
}
